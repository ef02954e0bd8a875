#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The sessions of our own README, typed from its top to its bottom on one terminal, in one folder.

load helper

setup() {
	common_setup
	copy_programs
	mkdir examples
	cp -r "$ROOT/examples/pmckpt" examples
	# What stands behind a prompt, without the remark at its end.
	mapfile -t COMMANDS < <(sed -nE 's/^\t(\$|\(gdb\)) //; T; s/ +# .*//; p' "$ROOT/README")
	READ=0
}

# next COMMAND: README's next command is this one.
next() {
	[ "${COMMANDS[READ]}" = "$1" ] ||
		fail "README goes on with ${COMMANDS[READ]}, not with $1" || return 1
	READ=$((READ + 1))
}

# types COMMAND [TYPED]: types README's next command, or in its place TYPED.
types() {
	next "$1" && terminal_type "${2-$1}"
}

prompt() { terminal_expect '\$ ' "$@"; }
runs() { types "$@" && prompt; }
gdb_prompt() { terminal_expect '\(gdb\) ' 60; }

# The last number that foo has printed; a Ctrl-Z may stand in front of it.
last_number() { tr -d '\r' < typescript | sed -nE 's/^(\^Z)?([0-9]+)$/\2/p' | tail -n 1; }

has_grown() { [ "$(stat -c %s "$1")" -gt "$2" ]; }

# Starts fprintf, which writes numbers into a file for longer than any test, until the first are there.
start_numbers() {
	rm -f numbers
	start bin/fprintf numbers 10000000 0.0005 < /dev/null > log 2>&1
	wait_until 20 test -s numbers
}

# goes_on COMMAND TYPED: ends fprintf, restarts it by this, and sees that its numbers go on.
goes_on() {
	local size

	kill -KILL "$PID"
	wait "$PID" || true
	size=$(stat -c %s numbers)
	types "$1" "$2"
	wait_until 20 has_grown numbers "$size"
	terminal_key '\x03'
	prompt
	size=$(stat -c %s numbers)
	cmp numbers <(seq 10000000 | head -c "$size")
}

@test "the sessions of README work as they are typed, one after the other" {
	need_core
	need gdb script
	terminal_open
	runs 'PATH=$PWD/bin:$PATH'

	types 'ckpt foo'
	terminal_expect $'\n''1'$'\n'
	terminal_key '\x1a'
	prompt
	types './foo.ckpt'
	terminal_expect $'\n'"$(($(last_number) + 1))"$'\n'
	terminal_key '\x03'
	prompt
	next 'ckpt --resume -n job.ckpt -z 600000 --keep=2 simulate input'

	runs 'ckptcvt < examples/pmckpt/test.c > tmp.c'
	runs 'cc -I lib -c tmp.c'
	runs 'cc -o tmp lib/pmckpt.o tmp.o lib/pmceot.o'
	types './tmp > file' './tmp 200 > file'
	wait_text file '^main 0$'
	terminal_key '\x03'
	wait_until 20 test -s CHECKPOINT
	terminal_key '\x1c'
	prompt
	runs 'checkpoint tmp CHECKPOINT >> file'
	diff <(./tmp 0) file
	rm -f core*

	runs 'ulimit -c unlimited'
	runs 'export LD_PRELOAD=$PWD/lib/libsavefds.so'
	types fprintf
	terminal_expect 'File name: '
	terminal_type -
	terminal_expect 'Count: '
	terminal_type 2
	terminal_expect $'\n''1'$'\n'
	terminal_key '\x1c'
	terminal_expect 'Quit.*core dumped.*\$ '
	types 'restart -f -n -w fprintf core' 'restart -f -n -w fprintf core*'
	terminal_expect $'\n''2'$'\n'
	prompt
	runs 'unset LD_PRELOAD'

	types 'gdb linklist'
	gdb_prompt
	terminal_type 'set pagination off'
	gdb_prompt
	types 'break 29'
	gdb_prompt
	types run
	terminal_expect 'How many numbers: '
	terminal_type 4000
	gdb_prompt
	types 'cont 500'
	terminal_expect 'Breakpoint 1, .*\(gdb\) ' 60
	types 'gcore core.linklist'
	terminal_expect 'Saved corefile core.linklist.*\(gdb\) '
	types quit
	terminal_expect '\(y or n\) '
	terminal_type y
	prompt
	types 'restart -n -w linklist core.linklist'
	terminal_expect $'\n''500'$'\n'.*$'\n''3999'$'\n'
	prompt

	start_numbers
	runs 'ckpt -p PID' "ckpt -p $PID"
	goes_on 'restart -n -w core.PID' "restart -n -w core.$PID"
	start_numbers
	runs "gdb -p PID -batch -ex 'shell savefds PID' -ex 'gcore core.PID'" \
		"gdb -p $PID -batch -ex 'shell savefds $PID' -ex 'gcore core.$PID'"
	goes_on 'restart -f -n -w core.PID' "restart -f -n -w core.$PID"

	[ "$READ" -eq "${#COMMANDS[@]}" ] || fail "README has more: ${COMMANDS[READ]}"
}
