#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Measures ckpt and restart, the floors beside them and the peers that are installed, and prints one
# line for each figure: PLACE MIB THREADS WHAT VALUE.  bench/report.py makes bench/RESULTS.md of them.
#
#	bench/run.sh BUILD_DIR MEMORY_DIR DISK_DIR
#
# BENCH_COUNT says how often each is measured (5); BENCH_QUICK=1 leaves the large sizes out.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
tools=$(cd "$1" && pwd)
ckpt=$root/bin/ckpt
restart=$root/bin/restart
places=("$(mktemp -d "$2/restart-bench.XXXXXX")" "$(mktemp -d "$3/restart-bench.XXXXXX")")
names=(memory disk)
cells=("1 1" "64 1" "1024 1" "1024 16" "4096 1")
count=${BENCH_COUNT:-5}
many=101
if [ "${BENCH_QUICK:-0}" = 1 ]; then
	cells=("1 1" "64 1" "64 16")
	count=3
	many=11
fi
target=

finish() {
	[ -z "$target" ] || kill -KILL "$target" 2>/dev/null || true
	rm -rf "${places[@]}"
}
trap finish EXIT

say() { echo "bench: $*" >&2; }
record() { printf '%s\t%s\t%s\t%s\t%s\n' "$place" "$mib" "$threads" "$1" "$2"; }
field() { sed -n "s/^$1=//p" <<< "${2// /$'\n'}"; }

# ---- The process ----------------------------------------------------------------------------------------

# What we were started with beside the standard descriptors is no part of a checkpoint.
become() {
	local fd

	for fd in /proc/self/fd/*; do
		[ "${fd##*/}" -le 2 ] || eval "exec ${fd##*/}>&-"
	done
	exec "$@"
}

begin() { # COMMAND...: it is told things through descriptor 8 and answers through 9
	rm -f told answers
	mkfifo told answers
	(become "$@") < told > answers &
	target=$!
	exec 8> told 9< answers
	read -r line <&9
	[ "$line" = ready ]
}

end() {
	exec 8>&- 9<&-
	{ wait "$target" || true; } 2> /dev/null
	target=
}

ask() { # CHARACTER
	printf '%s' "$1" >&8
	read -r answer <&9
}

# ---- One size at one place ---------------------------------------------------------------------------------

# Both the floors and ckpt begin with memory that the machine has at hand.
warm() { "$tools/plain" warm "$mib"; }

saved() { # PREFIX COMMAND...: records what ckpt took, and leaves its line in $line
	local prefix=$1

	shift
	rm -f core
	warm
	line=$("$tools/measure" "$@" 2>&1 | tr '\n' ' ')
	[ "$(field status "$line")" = 0 ] || { say "$*: $line"; exit 1; }
	record "${prefix}_us" "$(field us "$line")"
}

floors() {
	local method

	for method in cached direct; do
		rm -f plain
		warm
		record "plain_${method}_us" "$("$tools/plain" "$method" plain "$mib")"
	done
	rm -f plain
	record copy_us "$("$tools/plain" copy "$mib")"
}

repeat() {
	ask f
	record fork_us "$answer"
	ask g
	saved busy "$ckpt" -p "$target" -o core --stats
	record stall_us "$(awk -v ms="$(field stall_ms "$line")" 'BEGIN { print ms * 1000 }')"
	record kib "$(field kib "$line")"
	record bytes "$(field bytes "$line")"
	ask g
	record seen_us "$answer"
	printf i >&8
	saved idle "$ckpt" -p "$target" -o core --stats
	floors
}

restarts() {
	local how n=$((mib > 64 ? count : many))

	begin "$tools/resident" "$mib" "$threads"
	# Not `core', which the next dump would overwrite: restart would copy it.
	"$ckpt" -p "$target" -n executable
	"$ckpt" -p "$target" -o saved -k
	end
	record executable_us "$("$tools/latency" "$n" ./executable)"
	rm -f executable
	record read_us "$("$tools/latency" "$n" "$tools/plain" read saved "$mib")"
	for how in --lazy ""; do
		# shellcheck disable=SC2086  # an empty $how is no argument
		record "restart${how#-}_us" \
			"$("$tools/latency" "$n" "$restart" --pid=new -nw $how "$tools/resident" saved)"
	done
	rm -f saved
}

cell() {
	say "$mib MiB, $threads threads, in $place"
	begin "$tools/heartbeat" "$mib" "$threads"
	record anonymous_kib "$(awk '/^Anonymous:/ { print $2 }' "/proc/$target/smaps_rollup")"
	repeat > warm-up
	for ((i = 0; i < count; i++)); do
		repeat
	done
	peers
	end
	restarts
}

# ---- Others ----------------------------------------------------------------------------------------------------

# peer NAME COMMAND...: how long the process stands still and how long it takes, or why it does not work.
peer() {
	local name=$1 i

	shift
	if ! command -v "$1" > /dev/null; then
		record "$name" "not installed"
		return
	fi
	for ((i = 0; i < 1 + (mib > 1024 ? 1 : 3); i++)); do
		rm -rf image
		mkdir image
		ask f
		ask g
		warm
		line=$("$tools/measure" "$@" 2>&1 < /dev/null | tr '\n' ' ')
		if [ "$(field status "$line")" != 0 ]; then
			record "$name" "failed: $(why | tr '\t' ' ')"
			return
		fi
		ask g
		if [ "$i" -gt 0 ]; then
			record "${name}_seen_us" "$answer"
			record "${name}_us" "$(field us "$line")"
			record "${name}_kib" "$(du -sk image | cut -f1)"
		fi
	done
}

# The last thing that a peer said, in its log if it has one.
why() {
	if [ -s image/log ]; then
		grep -h Error image/log | grep -v util.c | head -n 1
	else
		tail -c 200 <<< "${line%us=*}"
	fi
}

peers() {
	peer gcore gcore -o image/core "$target"
	peer criu criu dump -t "$target" -D image -o log --leave-running --shell-job
	rm -rf image
}

# DMTCP checkpoints only what was started under it.
dmtcp() {
	local port=$((20000 + RANDOM % 10000))

	if ! command -v dmtcp_launch > /dev/null; then
		record dmtcp "not installed"
		return
	fi
	if begin dmtcp_launch --new-coordinator --port-file port -p "$port" --no-gzip \
		"$tools/heartbeat" "$mib" "$threads" 2> dmtcp.log; then
		peer dmtcp dmtcp_command -p "$port" --ckptdir "$PWD/image" -bc
		dmtcp_command -p "$port" --quit > /dev/null 2>&1 || true
		end
	else
		record dmtcp "failed: $(tail -n 1 dmtcp.log)"
		end
	fi
	rm -rf image
}

# ---- The whole ----------------------------------------------------------------------------------------------------

place=- mib=0 threads=0
record system "$(uname -sr)"
record cpu "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)"
record cpus "$(nproc)"
record memory_gib "$(awk '/^MemTotal/ { print int($2 / 1048576 + 0.5) }' /proc/meminfo)"
record count "$count"
record load_before "$(cut -d' ' -f1 /proc/loadavg)"
for i in 0 1; do
	cd "${places[i]}"
	place=${names[i]} mib=0 threads=0
	record filesystem "$(stat -f -c %T .)"
	record nothing_us "$("$tools/latency" 200 "$tools/nothing")"
	for cell in "${cells[@]}"; do
		read -r mib threads <<< "$cell"
		cell
		dmtcp
	done
done
place=- mib=1 threads=1000
cd "${places[1]}"
restarts
mib=0 threads=0
record true_us "$("$tools/latency" 500 /bin/true)"
record true_preloaded_us "$(LD_PRELOAD="$root/lib/libsavefds.so" "$tools/latency" 500 /bin/true)"
record load_after "$(cut -d' ' -f1 /proc/loadavg)"
