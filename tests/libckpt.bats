#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Programs that have themselves checkpointed: the command `ckpt PROGRAM', libckpt.so and its calls.

# shellcheck disable=SC2015,SC2154  # `fail' never succeeds; bats sets status and output
bats_require_minimum_version 1.5.0
load helper

PROGRAMS=$BATS_TEST_DIRNAME/programs

setup() {
	common_setup
	PATH=$BIN:$PATH
	unset "${!CKPT_@}"
}

# count_foo FILE: the lines of FILE are 1 2 3 ..., each once.
counts_up() {
	diff <(seq "$(wc -l < "$1")") "$1" || fail "$1 does not count up"
}

# The process ended by itself with this status: ends PID STATUS.
ends() {
	local status=0

	wait "$1" || status=$?
	[ "$status" -eq "$2" ] || fail "process $1 ended with $status, not $2"
}

@test "the quick example works letter by letter" {
	terminal_open
	terminal_type "PATH=$BIN:.:\$PATH"
	terminal_expect '\$ '
	terminal_type 'ckpt foo                         # run foo with checkpointing'
	terminal_expect $'\n1\n2\n3\n'
	terminal_key '\x1a'
	terminal_expect '\$ '
	[[ ! $SHOWN =~ Stopped ]]
	last=$(grep -o '[0-9]*' <<< "3 $SHOWN" | tail -n 1)
	terminal_type 'echo status $?'
	terminal_expect 'status 0'
	terminal_type 'foo.ckpt                         # restart checkpoint'
	terminal_expect $'checkpoint\n'"$((last + 1))"$'\n'"$((last + 2))"$'\n'
	terminal_key '\x03'
	terminal_expect '\$ '
	terminal_type 'echo status $?'
	terminal_expect 'status 130'
}
