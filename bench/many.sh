#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# many.sh TOOLS descriptors|mappings: what many of them cost: how long a process that has them stands
# still for ckpt -p, how long its whole checkpoint and its restart take, in milliseconds; medians of 5.

# What the caller has open is no part of it.
for fd in /proc/self/fd/*; do
	[ "${fd##*/}" -le 2 ] || eval "exec ${fd##*/}>&-"
done
tools=$(cd "$1" && pwd) what=$2 bin=$(cd "${BIN:-bin}" && pwd)
folder=$(mktemp -d) && cd "$folder" || exit 1
trap 'rm -rf "$folder"' EXIT
case $what in
descriptors)
	kinds="files pipes eventfds duplicates" counts="100 1000 10000 100000" hard=$(ulimit -Hn)
	[ "$hard" = unlimited ] || [ "$hard" -gt 100100 ] || counts="100 1000 $((hard / 10)) $((hard - 100))"
	;;
mappings)
	kinds="private shared memfd file segment" counts="1000 10000 50000"
	;;
*)
	exit 1
	;;
esac

median() { sort -n | sed -n 3p; }

# once KIND COUNT: "STALL WHOLE RESTART", in milliseconds and twice in microseconds.
once() {
	local pid stall begin saved end

	"$tools/$what" "$1" "$2" < /dev/null > out 2>&1 &
	pid=$!
	until grep -q ready out; do kill -0 $pid || exit 1; sleep 0.01; done
	begin=$(date +%s%N)
	stall=$("$bin/ckpt" -k -p $pid -o core --unlinked-max=0 --stats |
		sed 's/^stall_ms=\([0-9.]*\).*/\1/')
	saved=$(date +%s%N)
	wait $pid 2> /dev/null
	echo "$stall $(((saved - begin) / 1000))" > saved
	begin=$(date +%s%N)
	"$bin/restart" -n core < /dev/null > restart.out 2>&1 || { cat restart.out >&2; exit 1; }
	end=$(date +%s%N)
	kill -KILL "$(sed -n 's/.*: process \([0-9]*\).*/\1/p' restart.out)"
	echo "$(< saved) $(((end - begin) / 1000))"
}

echo "| $what | stall, ms | each, µs | whole, ms | restart, ms |"
echo "|---|---|---|---|---|"
for kind in $kinds; do
	for count in $counts; do
		for _ in 1 2 3 4 5; do once "$kind" "$count"; done > runs || exit 1
		for column in 1 2 3; do cut -d' ' -f$column runs | median; done |
			paste -sd' ' |
			awk -v k="$kind" -v n="$count" '{ printf "| %d %s | %.1f | %.1f | %.1f | %.1f |\n",
				n, k, $1, $1 * 1000 / n, $2 / 1000, $3 / 1000 }'
	done
done
