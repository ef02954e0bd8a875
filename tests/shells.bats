#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Shells with job control, restarted on a terminal: they have it, and give it to their jobs.

load helper
bats_require_minimum_version 1.5.0

# A job of the shell under test, `sleep 7531', which has the terminal when it has that name.
job() {
	local pid

	for pid in $(working_here); do
		[[ $(tr '\0' ' ' < "/proc/$pid/cmdline") == 'sleep 7531 ' ]] 2> /dev/null && return
	done
	return 1
}

# An inner shell on the terminal, which is ended by a checkpoint.
checkpointed_shell() {
	terminal_open
	terminal_type 'PS1="inner> " bash --noprofile --norc --noediting -i'
	terminal_expect 'inner> '
	terminal_type 'echo pid $$.'
	terminal_expect 'pid ([0-9]+)\.'
	INNER=${BASH_REMATCH[1]}
	terminal_expect 'inner> '
	wait_state "$INNER" S
	"$BIN/ckpt" -p "$INNER" -k -o core
	terminal_expect 'Killed'
	terminal_expect '\$ '
}

# works_with OPTION...: the restarted shell runs jobs in the foreground, is interrupted, stopped and
# continued, and ends.
works_with() {
	terminal_type "$BIN/restart -n -w $* core"
	terminal_expect 'restart: bash .*: process [0-9]+'
	[[ $SHOWN != *'cannot take the terminal'* ]]
	terminal_type 'echo a$((1+1))'
	terminal_expect $'a2\n'
	terminal_type 'true | cat; echo b$?'
	terminal_expect $'b0\n'
	terminal_type 'sleep 7531'
	wait_until 20 job
	terminal_key '\x03'
	terminal_expect 'inner> '
	terminal_type 'echo c$?'
	terminal_expect $'c130\n'
}

ends() {
	terminal_type 'exit 5'
	terminal_expect '\$ '
	terminal_type 'echo d$?'
	terminal_expect $'d5\n'
	terminal_expect '\$ '
	terminal_type 'cat; echo e$?'
	terminal_type through
	terminal_expect $'through\nthrough\n'
	terminal_key '\x04'
	terminal_expect $'e0\n'
}

@test "a shell with its old id has its terminal, and gives it to its jobs" {
	[ "$(id -u)" -eq 0 ] || skip 'choosing a process id takes root'
	checkpointed_shell
	works_with
	terminal_type suspend
	terminal_expect 'Stopped'
	terminal_expect '\$ '
	terminal_type fg
	terminal_type 'echo f$((1+2))'
	terminal_expect $'f3\n'
	ends
}

@test "a shell in a namespace has its terminal, and gives it to its jobs" {
	unshare -Urp true || skip 'no namespaces here'
	checkpointed_shell
	works_with --pid=ns
	ends
}

@test "a shell that gets a new id is told of" {
	checkpointed_shell
	terminal_type "$BIN/restart --check -w --pid=new core; echo done\$?"
	terminal_expect 'loss: a shell that gets another process id cannot take the terminal back'
	terminal_expect 'done0'
	terminal_type "$BIN/restart --check -w --pid=ns core; echo done\$?"
	terminal_expect 'done0'
	[[ $SHOWN != *'another process id'* ]]
}
