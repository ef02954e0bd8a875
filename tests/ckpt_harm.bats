#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What a checkpoint must not do to the process, whatever happens meanwhile.  SOAK=1 takes all the
# system calls of ckpt instead of those that touch the process, and more rounds.

# shellcheck disable=SC2015,SC2154  # `fail' never succeeds; bats sets stderr
bats_require_minimum_version 1.5.0
load helper

ROUNDS=$((${SOAK:-0} ? 50 : 12))

# start_reading NAME ARGS...: the program of tests/programs, which ends when it reads a byte from `in'.
start_reading() {
	local name=$1

	shift
	build_program "$name"
	mkfifo in
	exec {IN}<> in
	start "./$name" "$@" < in > out 2> err
	wait_text out '^ready$'
}

checkpoint() {
	local said status=0

	said=$(timeout 60 "$BIN/ckpt" -p "$PID" -o core "$@" 2>&1) || status=$?
	[ "$status" -eq 0 ] && [ -z "$said" ] || fail "ckpt $*: status $status: $said"
}

ends_well() {
	local status=0

	echo >&"$IN"
	wait "$PID" || status=$?
	[ "$status" -eq 0 ] && [ "$(tail -n 1 out)" = ok ] || fail "status $status: $(cat err)"
}

rounds() {
	local i

	for ((i = 0; i < ROUNDS; i++)); do
		checkpoint "$@" || return 1
	done
}

# field NAME: of /proc/PID/status.
field() { sed -n "s/^$1:[[:space:]]*//p" "/proc/$PID/status"; }

@test "a process that would lose something is not ended" {
	local to

	mkfifo in
	exec {IN}<> in
	start bash -c 'exec 5> >(cat > got); echo ready; read -r _; echo still >&5; echo ok' < in > out 2> err
	wait_text out ready
	for to in core -; do
		run -1 --separate-stderr "$BIN/ckpt" -k -p "$PID" -o "$to"
		[[ $stderr == "ckpt: process $PID goes on: descriptor 5 was a pipe to another process and "* ]]
		[ -z "$output" ]
		[ ! -e core ]
	done
	run -0 --separate-stderr "$BIN/ckpt" -p "$PID" -o core
	[[ $stderr == "ckpt: restart will want --accept-loss: descriptor 5 was a pipe to another process and "* ]]
	checkpoint --accept-loss
	ends_well
	wait_text got still
}

# ---- What the process sees ---------------------------------------------------------------------------------

# The first thread of the process is that in which system calls are made, so each call has its turn there.
waits_in() {
	local call

	for call in "$@"; do
		rm -f in
		start_reading ckpt_waits "$call"
		rounds
		checkpoint --stop
		ends_well || return 1
	done
}

@test "no wait ends with EINTR: epoll_wait, semop, sigtimedwait" { waits_in epoll semop sigwait; }
@test "no wait ends with EINTR: read, recv with a time limit, poll" { waits_in read recv poll; }
@test "no wait ends with EINTR: futex, msgrcv, wait, usleep" { waits_in futex_timed msgrcv wait4 sleep; }
@test "a wait that a signal shall end does end: sigsuspend" { waits_in sigsuspend; }

@test "registers, signals, children and threads of a busy program are left alone" {
	start_reading ckpt_busy
	for ((i = 0; i < ROUNDS * 2; i++)); do
		checkpoint
	done
	checkpoint --stop
	ends_well
}

@test "mappings and descriptors are the same afterwards, and nothing is left" {
	start_reading ckpt_waits read
	cat "/proc/$PID/maps" > maps
	find "/proc/$PID/fd" -printf '%p %l\n' > fds
	rounds
	diff maps "/proc/$PID/maps"
	find "/proc/$PID/fd" -printf '%p %l\n' | diff fds -
	[ "$(field TracerPid)" = 0 ]
	CHILDREN=$(children)
	only_the_process
	ends_well
}

@test "a stopped process stays stopped, and is resumed as a running one" {
	start_reading ckpt_waits epoll
	kill -STOP "$PID"
	wait_state "$PID" T
	rounds
	in_state "$PID" T
	checkpoint --stop
	in_state "$PID" T
	kill -CONT "$PID"
	ends_well
}

@test "a program that starts others, from any of its threads, ends as it should" {
	build_program ckpt_exec
	start ./ckpt_exec $((${SOAK:-0} ? 3000 : 500)) > out 2> err
	while kill -0 "$PID" 2> /dev/null; do
		run timeout 120 "$BIN/ckpt" -p "$PID" -o core
		# It may have ended, or be between two programs; never does ckpt wait for ever.
		[ "$status" -lt 2 ] || fail "status $status: $output" || return 1
		[ "${#lines[@]}" -le 1 ] || fail "$output" || return 1
	done
	wait "$PID"
	[ "$(< out)" = ok ]
}

@test "a process that is killed meanwhile does not hold ckpt up" {
	build_program ckpt_busy
	mkfifo in
	exec {IN}<> in
	for ((i = 0; i < ROUNDS; i++)); do
		start ./ckpt_busy < in > out 2> err
		wait_text out '^ready$'
		timeout 120 "$BIN/ckpt" -p "$PID" -o core > said 2>&1 &
		kill -KILL "$PID"
		status=0
		wait $! || status=$?
		[ "$status" -lt 2 ] && [ "$(wc -l < said)" -eq "$status" ] ||
			fail "$status: $(< said)" || return 1
		wait "$PID" || true
	done
}

# ---- ckpt is killed ------------------------------------------------------------------------------------------

# The process has no copy and no child that it does not know of.
only_the_process() {
	local exe others

	exe=$(readlink "/proc/$PID/exe")
	# All in one look, as it is done often.
	# shellcheck disable=SC2086  # several numbers
	others=$(find /proc/[0-9]*/exe -maxdepth 0 -lname "$exe" 2> /dev/null | tr -dc '0-9\n' |
		grep -vxF "$(printf '%s\n' "$PID" $CHILDREN)") || true
	[ -z "$others" ] || fail "there is also $others"
}

is_free() { [ "$(field TracerPid)" = 0 ] && [[ $(field State) != [tZ]* ]]; }
children() { cat "/proc/$PID/task"/*/children; }
has_its_children() { [ "$(children)" = "$CHILDREN" ]; }

# killed_at CALL N ARGS...: ckpt at its Nth system call CALL.
killed_at() {
	local call=$1 n=$2

	shift 2
	(strace -f -o /dev/null -e inject="$call:signal=KILL:when=$n" \
		"$BIN/ckpt" -p "$PID" -o core "$@" > /dev/null 2>&1) 2> /dev/null || true
	wait_until 60 is_free && wait_until 60 has_its_children && wait_until 60 only_the_process ||
		fail "ckpt $* killed at $call $n: $(field State), traced by $(field TracerPid), children $(children)"
}

# killed_everywhere REGEX ARGS...: at each of the calls whose names match, of the many ptrace() at some.
killed_everywhere() {
	local names=$1 count name n step

	shift
	CHILDREN=$(children)
	[ "${SOAK:-0}" = 0 ] || names='.*'
	strace -f -o trace "$BIN/ckpt" -p "$PID" -o core "$@"
	sed -E 's/^[0-9]+ +([a-z0-9_]+)\(.*/\1/;t;d' trace | sort | uniq -c > calls
	while read -r count name; do
		[[ $name =~ ^($names)$ ]] || continue
		step=1
		[ "$name" != ptrace ] || [ "${SOAK:-0}" != 0 ] || step=$((count / 8 + 1))
		for ((n = 1; n <= count; n += step)); do
			killed_at "$name" "$n" "$@" || return 1
		done
	done < calls
	[ "$n" -gt 1 ]
}

@test "killed before any call that touches the process, ckpt leaves it as it was" {
	need strace
	start_reading ckpt_busy_leader
	killed_everywhere 'process_vm_writev|wait4|kill|ptrace' || return 1
	ends_well
}

@test "killed while the process stands still, ckpt leaves it as it was" {
	need strace
	start_reading ckpt_busy_leader
	killed_everywhere 'process_vm_writev' --stop || return 1
	ends_well
}

@test "ended by a signal, ckpt leaves no unfinished file" {
	need strace
	start_reading ckpt_waits read
	for signal in INT TERM HUP; do
		(become strace -f -o /dev/null -e inject="pread64:signal=$signal:when=20" \
			"$BIN/ckpt" -p "$PID" -o core > /dev/null 2>&1) 2> /dev/null || true
		[ -z "$(find . -name 'core*' -o -name '.restart*')" ]
		wait_until 60 is_free
	done
	ends_well
}

# ---- No room ---------------------------------------------------------------------------------------------------

# complains PATTERN COMMAND...: one line, status 1; the old file is whole, nothing beside it.
complains() {
	local pattern=$1

	shift
	run timeout 120 "$@"
	[ "$status" -eq 1 ] && [ "${#lines[@]}" -eq 1 ] && [[ $output == *$pattern* ]] ||
		fail "status $status: $output" || return 1
	[ "$(< core)" = old ] && [ -z "$(find . -name '.restart*')" ]
	is_free
}

@test "no room for the file, no folder, no right, no memory: one line, and the process goes on" {
	start_reading ckpt_waits read
	echo old > core
	complains 'No such file' "$BIN/ckpt" -p "$PID" -o nowhere/core
	complains 'too large' bash -c 'trap "" XFSZ; ulimit -f 16; exec "$@"' - "$BIN/ckpt" -p "$PID" -o core
	# A sanitizer takes more than that for itself.
	grep -q __asan_init "$BIN/ckpt" || complains 'memory' bash -c 'ulimit -v 8000; exec "$@"' - "$BIN/ckpt" -p "$PID" -o core
	mkfifo closed
	run bash -c 'set -o pipefail; { read -r _ < closed; exec "$@"; } | { exec 0<&-; echo > closed; }' - \
		"$BIN/ckpt" -p "$PID" -o -
	[ "$status" -eq 1 ] && [ "${#lines[@]}" -eq 1 ] && [[ $output == *'nobody reads'* ]] || fail "$output"
	ends_well
}

@test "a full disk: one line, and the process goes on" {
	start_reading ckpt_waits read
	mkdir small
	mount -t tmpfs -o size=64k none small 2> /dev/null || skip "nothing can be mounted here"
	echo old > core
	run "$BIN/ckpt" -p "$PID" -o small/core
	left=$(ls -A small)
	umount small
	[ "$status" -eq 1 ] && [ "${#lines[@]}" -eq 1 ] && [[ $output == *'No space left'* ]]
	[ -z "$left" ]
	ends_well
}
