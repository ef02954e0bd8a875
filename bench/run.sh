#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Measures restart against the floor of the same run, fork + exec + wait of a static program that
# does nothing, and prints a table (bench/RESULTS.md).
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

## libsavefds, before any signal

| | microseconds | ratio |
|---|---|---|
END
row "/bin/true" "$("$tools/latency" 500 /bin/true)"
row "/bin/true with libsavefds" \
	"$(LD_PRELOAD="$root/lib/libsavefds.so" "$tools/latency" 500 /bin/true)"
