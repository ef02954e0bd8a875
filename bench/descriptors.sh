#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# descriptors.sh TOOLS: what descriptors cost: how long a process with many of them stands still for
# ckpt -p, and how long its restart takes, in milliseconds; medians of 5.

# What the caller has open is no part of it.
for fd in /proc/self/fd/*; do
	[ "${fd##*/}" -le 2 ] || eval "exec ${fd##*/}>&-"
done
tools=$(cd "$1" && pwd) bin=$(cd "${BIN:-bin}" && pwd)
folder=$(mktemp -d) && cd "$folder" || exit 1
trap 'rm -rf "$folder"' EXIT
hard=$(ulimit -Hn)
counts="100 1000 10000 100000"
[ "$hard" = unlimited ] || [ "$hard" -gt 100100 ] || counts="100 1000 $((hard / 10)) $((hard - 100))"

median() { sort -n | sed -n 3p; }

# once KIND COUNT: "STALL RESTART"
once() {
	local pid stall begin end

	"$tools/descriptors" "$1" "$2" < /dev/null > out 2>&1 &
	pid=$!
	until grep -q ready out; do kill -0 $pid || exit 1; sleep 0.01; done
	stall=$("$bin/ckpt" -k -p $pid -o core --stats | sed 's/^stall_ms=\([0-9.]*\).*/\1/')
	wait $pid 2> /dev/null
	begin=$(date +%s%N)
	"$bin/restart" -n core < /dev/null > restart.out 2>&1 || { cat restart.out >&2; exit 1; }
	end=$(date +%s%N)
	kill -KILL "$(sed -n 's/.*: process \([0-9]*\).*/\1/p' restart.out)"
	echo "$stall $(((end - begin) / 10000))"
}

echo "| descriptors | stall, ms | a descriptor, µs | restart, ms |"
echo "|---|---|---|---|"
for kind in files pipes eventfds duplicates; do
	for count in $counts; do
		for _ in 1 2 3 4 5; do once $kind "$count"; done > runs || exit 1
		stall=$(cut -d' ' -f1 runs | median) restart=$(cut -d' ' -f2 runs | median)
		awk -v k=$kind -v n="$count" -v s="$stall" -v r="$restart" \
			'BEGIN { printf "| %d %s | %.1f | %.1f | %.1f |\n", n, k, s, s * 1000 / n, r / 100 }'
	done
done
