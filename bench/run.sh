#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Measures restart and ckpt against floors of the same run, and prints tables (bench/RESULTS.md).
#
#	bench/run.sh BUILD_DIR [SCRATCH_DIR]
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
tools=$(cd "$1" && pwd)
scratch=$(mktemp -d "${2:-${TMPDIR:-/tmp}}/restart-bench.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
ulimit -c unlimited

case $(cat /proc/sys/kernel/core_pattern) in
\|*) echo "bench: core_pattern pipes cores to a program; set it to 'core' to measure" >&2; exit 1 ;;
esac

# Leaves the core of `resident $@` in the file $1: a name that no later dump overwrites, so that
# restart maps it.
dump() {
	local to=$1
	shift
	env --default-signal=QUIT "$tools/resident" "$@" || true
	mv core* "$to"
}

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.1f", a / b }'; }

row() { # NAME MICROSECONDS
	printf '| %s | %d | %s |\n' "$1" "$2" "$(ratio "$2" "$floor")"
}

floor=$("$tools/latency" 200 "$tools/nothing")
cat <<END
# Measured

$(uname -sr), $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cpus.
Medians; each time is that of a whole command, from fork to wait, and the ratio is to that of a static
program that does nothing, taken in the same run. Repeat with \`make bench\`.

## restart, to the program's first instruction

The program exits at once when it is resumed. With --lazy its memory is mapped from the core, so the
size does not count; without, it is copied.

| | microseconds | ratio |
|---|---|---|
END
row "nothing (the floor)" "$floor"
for size in 1 64 1024 4096; do
	dump saved "$size" 2>/dev/null
	for how in --lazy ""; do
		# shellcheck disable=SC2086  # an empty $how is no argument
		row "restart${how:+ $how}, $size MiB" "$("$tools/latency" $((size > 64 ? 5 : 51)) \
			"$root/bin/restart" --pid=new -nw $how "$tools/resident" saved)"
	done
	rm -f saved
done
for threads in 16 1000; do
	dump saved 1 "$threads" 2>/dev/null
	row "restart, 1 MiB, $threads threads" \
		"$("$tools/latency" 11 "$root/bin/restart" --pid=new -nw "$tools/resident" saved)"
	rm -f saved
done

cat <<END

## ckpt -p, of a process in 4 KiB pages

The stall is the longest pause in the process's own heartbeat (a median of 5 checkpoints, in
milliseconds; the machine's own pauses are in it), and beside it what ckpt measures. The floors are a bare fork
of the same process, and a plain write and sync of as many bytes to the same place.

| | fork | stall seen | stall measured | ratio to fork | whole | plain write | ratio |
|---|---|---|---|---|---|---|---|
END
field() { tr ' ' '\n' <<< "$2" | sed -n "s/^$1=//p"; }
median() { sort -n | sed -n '3p'; }
write_ms() { # MIB: dd reports seconds
	dd if=/dev/zero of=plain bs=4M count=$(((${1} + 3) / 4)) conv=fsync 2>&1 |
		awk '/copied/ { for (i = 1; i < NF; i++) if ($(i + 1) ~ /^s,/) print $i * 1000 }'
}
for size in 1 64 1024 4096; do
	: > seen; : > stalls; : > totals; : > plains
	for _ in 1 2 3 4 5; do
		mkfifo beats
		"$tools/heartbeat" "$size" > beats &
		exec 9< beats
		rm beats
		read -r fork <&9
		stats=$("$root/bin/ckpt" -p $! -o taken --stats)
		kill -USR1 $!
		read -r gap <&9
		exec 9<&-
		wait $!
		echo "$gap" >> seen
		field stall_ms "$stats" >> stalls
		field total_ms "$stats" >> totals
		rm -f taken
		write_ms "$size" >> plains
		rm -f plain
	done
	awk -v size="$size" -v fork="$fork" -v seen="$(median < seen)" -v stall="$(median < stalls)" \
		-v whole="$(median < totals)" -v plain="$(median < plains)" 'BEGIN {
		printf "| %d MiB | %.1f | %.1f | %.1f | %.1f | %.0f | %.0f | %.1f |\n", size, fork / 1000,
			seen / 1000, stall, stall * 1000 / fork, whole, plain, whole / plain }'
done

cat <<END

## libsavefds, before any signal

| | microseconds | ratio |
|---|---|---|
END
row "/bin/true" "$("$tools/latency" 500 /bin/true)"
row "/bin/true with libsavefds" \
	"$(LD_PRELOAD="$root/lib/libsavefds.so" "$tools/latency" 500 /bin/true)"
