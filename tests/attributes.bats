#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What of signals, timers and attributes cannot come back, or not everywhere: the messages of
# doc/limits.md.  What does come back is in holds.bats.

load helper

setup() {
	common_setup
	build_program attributes_victim
	mkfifo lines
	# shellcheck disable=SC2034  # held open, so that nobody waits for a writer
	exec {LINES_FD}<> lines
}

# checkpoint COMMAND...: the command takes on what it is to, and ends as its checkpoint is made; skips the
# test where it may not.
checkpoint() {
	touch out && chmod a+w out
	start "$@" < lines > out
	wait_until 20 ready_or_gone
	has_text out '^ready' || skip "not given here: $*"
	wait_state "$PID" S
	"$BIN/ckpt" --accept-loss -k -p "$PID" -o core
	wait "$PID" || true
	chmod a+r core
}

ready_or_gone() { has_text out '^ready' || gone "$PID"; }

# goes_on OPTION...: it is restarted and reads its line.
goes_on() {
	local status=0

	echo > lines
	"$BIN/restart" -n -w "$@" core < lines 2> err || status=$?
	[ "$status" -eq 7 ] || { cat err; return 1; }
}

is_root() { [ "$(id -u)" -eq 0 ] || skip "not root"; }

# says MESSAGE: --check has this line among its losses, as an ordinary user sees it.
says() {
	copy_programs
	as_user "$WORK/bin/restart" --check core > found || true
	grep -qxF "loss: $1" found || { cat found; return 1; }
}

@test "a filter of system calls takes --accept-loss" {
	checkpoint ./attributes_victim seccomp
	run "$BIN/restart" -n -w core < lines
	[ "$status" -eq 125 ]
	[[ $output == *"the system calls of thread $PID were filtered (seccomp), and would not be (--accept-loss goes on without it)"* ]]
	goes_on --accept-loss
	has_text err "the system calls of thread $PID were filtered (seccomp), and would not be$"
}

# checkpoint_locks [onfault]: of an ordinary user's program that has new memory locked.
checkpoint_locks() {
	touch out && chmod a+w out
	start "${AS_USER[@]}" ./attributes_locks "$@" < /dev/null > out 2>&1
	wait_until 20 ready_or_gone
	has_text out '^ready' || skip "locked memory is not given here"
	as_user bin/ckpt -k -p "$PID" -o core
	touch go
}

# locks_later HOW
locks_later() {
	as_user bin/restart -n -w core < /dev/null 2> err || [ "$?" -eq 7 ] || { cat err; return 1; }
	[ "$(tail -n 1 out)" = "$1" ] || { cat out err; return 1; }
	rm -f go out
}

@test "memory that is mapped later is locked, by mlockall(MCL_FUTURE)" {
	build_program attributes_locks
	copy_programs
	checkpoint_locks
	locks_later 'locked'
	checkpoint_locks onfault
	locks_later 'locked on fault'
}

@test "libsavefds sees that memory that is mapped later is locked" {
	need_core
	build_program attributes_locks
	touch out
	start_saving ./attributes_locks onfault > out
	wait_until 20 ready_or_gone
	has_text out '^ready' || skip "locked memory is not given here"
	make_core . "$PID"
	has_text filedescriptors '^lock-future : 2$'
	touch go
	"$BIN/restart" -n -w -f "$CORE" < /dev/null || [ "$?" -eq 7 ]
	[ "$(tail -n 1 out)" = 'locked on fault' ]
}

@test "later memory is not locked where the limit is lower than it was" {
	build_program attributes_locks
	copy_programs
	checkpoint_locks
	bin/restart --log core |
		sed 's/^\(rlimit : memlock\) : .*/\1 : 1152921504606846976 : 1152921504606846976/' > text
	ulimit -S -l 64 && ulimit -H -l 64
	as_user bin/restart --check -ftext core > found
	has_text found '^loss: memory that is mapped later was to be locked, and is not: the limit of locked memory is 64 KiB (raise it: ulimit -l)$'
	as_user bin/restart -n -w -ftext core < /dev/null || [ "$?" -eq 7 ]
	[ "$(tail -n 1 out)" = 'not locked' ]
}

@test "what takes a privilege is left out with a word" {
	is_root
	checkpoint ./attributes_victim nice
	says "the nice value -5 takes CAP_SYS_NICE or a higher limit (ulimit -e): restart's own stays"
	says "the process was user 0 and group 0 and will be 65534 and 65534 (be that user, or root)"
	goes_on
	rm -f out
	checkpoint ./attributes_victim fifo
	says "SCHED_FIFO takes CAP_SYS_NICE or a higher limit (ulimit -r): restart's own policy stays"
	rm -f out
	checkpoint ./attributes_victim alarm
	says "timer 0 woke the machine from its sleep and no longer does (it takes CAP_WAKE_ALARM)"
	goes_on
}

@test "a signal at the parent's end needs a parent, which restart is with -w" {
	checkpoint ./attributes_victim pdeathsig
	"$BIN/restart" --check core > found
	has_text found "^loss: a signal that was to come at the parent's end would come at once, as restart ends, and is left out (use -w)$"
	"$BIN/restart" --check -w core > found
	lacks_text found "parent's end"
	goes_on
}

@test "cpus that are not here are said, and the thread runs on any" {
	checkpoint ./attributes_victim timer
	"$BIN/restart" --log core | sed 's/^cpus : .*/cpus : 8000-8191/' > text
	"$BIN/restart" --check -ftext core > found
	has_text found "^loss: none of the cpus that thread $PID was bound to is here: it runs on any$"
	goes_on -ftext
}

@test "an oom_score_adj below one's own takes a privilege" {
	checkpoint ./attributes_victim timer
	"$BIN/restart" --log core | sed 's/^oom-score-adj : .*/oom-score-adj : -1000/' > text
	copy_programs
	as_user "$WORK/bin/restart" --check -ftext core > found || true
	has_text found "^loss: the oom_score_adj -1000 takes CAP_SYS_RESOURCE: restart's own stays$"
}

@test "a SIGTRAP that waited is lost, and restart says so" {
	checkpoint ./attributes_victim trap queued
	goes_on
	has_text err '^restart: a SIGTRAP that waited is lost$'
}

@test "a timer that cannot be made again takes --accept-loss" {
	checkpoint ./attributes_victim timer
	{ "$BIN/restart" --log core; echo 'timer : 9 : CLOCK_MONOTONIC : SIGALRM 0 thread 4000000'; } > text
	run "$BIN/restart" -n -w -ftext core < lines
	[ "$status" -eq 125 ]
	[[ $output == *"timer 9 cannot be made again and would be gone: the thread that it notifies has ended (--accept-loss goes on without it)"* ]]
	goes_on -ftext --accept-loss
}

@test "savefds sees which timers and signals there are, and restart says what it could not see" {
	need gcore
	start ./attributes_victim timer queued < lines > out
	wait_text out '^ready'
	"$BIN/savefds" "$PID"
	has_text filedescriptors '^timer : 0 : CLOCK_MONOTONIC : none$'
	has_text filedescriptors '^pending : process : SIGRTMIN$'
	gcore -o core "$PID" > gcore.out 2>&1
	kill -KILL "$PID"
	wait "$PID" || true
	mv "core.$PID" core
	goes_on -f
	has_text err '^restart: the times of 1 timers could not be seen from outside: they are stopped (preload libsavefds.so, or use ckpt -p, to keep them)$'
	has_text err '^restart: what came with 1 waiting signals could not be seen: they wait as if sent by kill(), once each (ckpt -p sees it)$'
}

@test "a hostile line is refused with its place" {
	checkpoint ./attributes_victim timer
	{ "$BIN/restart" --log core; echo 'nice : 400 : 1'; } > text
	run "$BIN/restart" -n -ftext core
	[ "$status" -eq 125 ]
	[[ $output == *"text:"*":8: nice: '400' is not between -20 and 19"* ]]
}

# As after a reboot: the text says that the clock was 99999 seconds further than it is.
clock_began_anew() {
	"$BIN/restart" --log core |
		awk '$1 == "clocks" { split($5, now, "."); $5 = now[1] + 99999 "." now[2] } { print }' > text
}

@test "a wait for a time goes on as long as it would have, although the clock began anew" {
	checkpoint ./attributes_victim deadline
	clock_began_anew
	"$BIN/restart" --check -ftext core > found
	has_text found '^loss: CLOCK_MONOTONIC is 9999[0-9] s behind, as the machine was booted since, or is another one: waits go on as before, but times on it that the program keeps are ahead$'
	"$BIN/restart" --plan -ftext core > plan
	has_text plan "copy(.*# thread $PID waits until "
	goes_on -ftext
}

@test "a wait of some length lasts as long, although the clock began anew" {
	checkpoint ./attributes_victim rest
	clock_began_anew
	"$BIN/restart" --plan -ftext core > plan
	has_text plan '# thread'
	lacks_text plan 'waits until'
}

@test "timers have their ids on a kernel that counts them, too" {
	build_program old_kernel
	build_holds holds
	checkpoint ./holds go timer-clocks timer-stopped timer-expired
	touch go
	./old_kernel "$BIN/restart" --plan core > plan
	has_text plan 'timer_delete(2)$'
	./old_kernel "$BIN/restart" -n -w core
	[ "$(grep -c '^ok' out)" -eq 3 ]
}

@test "what a timerfd has counted takes --accept-loss on a kernel that cannot set it" {
	build_program old_kernel
	build_holds holds
	checkpoint ./holds go timerfd timerfd-counted
	touch go
	./old_kernel "$BIN/restart" --check core > found || true
	grep -q '^obstacle: .*descriptor [0-9]* was a timerfd with 1 expirations to be read, which this kernel cannot set, and would have none (--accept-loss goes on without it)$' found
	./old_kernel "$BIN/restart" -n -w --accept-loss core || true
	has_text out '^ok 1 - timerfd:'
	has_text out '^not ok 2 - timerfd-counted:'
}

@test "handlers that savefds cannot see are lost, and restart says so" {
	need gcore
	start ./attributes_victim handler < lines > out
	wait_text out '^ready'
	"$BIN/savefds" "$PID"
	gcore -o core "$PID" > gcore.out 2>&1
	kill -KILL "$PID"
	wait "$PID" || true
	mv "core.$PID" core
	goes_on -f
	has_text err '^restart: handlers that could not be seen from outside are lost: SIGUSR1 (preload libsavefds.so to keep them)$'
}

@test "guard regions become mappings of their own where the kernel knows none" {
	build_program old_kernel
	build_holds holds
	checkpoint ./holds go guard
	"$BIN/restart" --plan core > plan
	[ "$(grep -c 'MADV_GUARD_INSTALL' plan)" -eq 2 ]
	./old_kernel "$BIN/restart" --check core > found
	has_text found '^loss: guard regions as at [0-9a-f-]* become mappings of their own (needs Linux 6.13)$'
	./old_kernel "$BIN/restart" --plan core > plan
	lacks_text plan MADV_GUARD_INSTALL
	has_text plan 'mprotect(0x[0-9a-f]*, 0x1000, ---)'
	has_text plan 'mprotect(0x[0-9a-f]*, 0x2000, ---)'
}
