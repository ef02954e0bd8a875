#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The two sessions of the README, typed as they are written there.

load helper

setup() {
	common_setup
	copy_programs
	cd bin || return 1
	PATH=.:$PATH
}

# What `restart` must print when gdb stopped linklist before the number FIRST was made or printed.
numbers_from() { seq "$1" 3999; }

# gdb_checkpoint LINE COUNT: the README's gdb commands, for a breakpoint that is passed COUNT times.
gdb_checkpoint() {
	terminal_type "gdb -q linklist"
	terminal_expect '\(gdb\) '
	terminal_type "set pagination off"
	terminal_expect '\(gdb\) '
	terminal_type "break $1"
	terminal_expect 'Breakpoint 1 at .*\(gdb\) '
	terminal_type "run"
	terminal_expect 'How many numbers: '
	terminal_type "4000"
	terminal_expect 'Breakpoint 1, .*\(gdb\) '
	terminal_type "cont $2"
	terminal_expect 'Breakpoint 1, .*\(gdb\) '
	terminal_type "gcore core.linklist"
	terminal_expect 'Saved corefile core.linklist.*\(gdb\) '
	terminal_type "quit"
	terminal_expect '\(y or n\) '
	terminal_type "y"
	terminal_expect '\$ '
}

# restart_linklist: types the restart, leaves what the program printed in the file `printed'.
restart_linklist() {
	terminal_type 'restart -n -w linklist core.linklist; echo "status $?"'
	terminal_expect '\$\?"'$'\n'
	terminal_expect 'status 0' 60
	grep -v '^restart: ' <<< "${SHOWN%$'\n'}" > printed
}

@test "session A: fprintf dies of Ctrl-\\ and goes on from its core and filedescriptors" {
	need_core
	need script
	terminal_open
	terminal_type "ulimit -c unlimited"
	terminal_type "export LD_PRELOAD=../lib/libsavefds.so"
	terminal_type "fprintf"
	terminal_expect 'File name: '
	terminal_type "-"
	terminal_expect 'Count: '
	terminal_type "4"
	terminal_expect $'\n''1'$'\n'
	terminal_key '\x1c'
	terminal_expect 'Quit.*core dumped.*\$ '
	[[ $SHOWN != *2* ]]
	terminal_type "restart -f -n -w fprintf core*; echo status \$?"
	terminal_expect $'\n''2'$'\n''3'$'\n''4'$'\n''status 0'
}

@test "session A: fprintf that was killed with SIGQUIT goes on in its file" {
	need_core
	printf 'numbers\n3\n' > answers
	start env LD_PRELOAD=../lib/libsavefds.so fprintf < answers > out
	# It sleeps for the first time when it has opened the file and printed 1 into its buffer.
	wait_until 20 grep -q '^230 ' "/proc/$PID/syscall"
	make_core . "$PID"
	[ ! -s numbers ]
	grep -Eq "^[0-9]+ : $WORK/bin/numbers : 0( |\$)" filedescriptors
	run env LD_PRELOAD=../lib/libsavefds.so timeout 60 restart -f -n -w fprintf "$CORE"
	[ "$status" -eq 0 ]
	diff <(seq 3) numbers
}

@test "session A works for an ordinary user" {
	need_core
	"${AS_USER[@]}" true || skip "cannot become an ordinary user here"
	touch out
	chmod a+w out  # the user opens it again
	start "${AS_USER[@]}" env LD_PRELOAD=../lib/libsavefds.so fprintf numbers 2000 0.001 > out 2>&1
	wait_until 20 test -s numbers
	make_core . "$PID"
	[ "$(stat -c %s numbers)" -lt "$(seq 2000 | wc -c)" ]
	run as_user timeout 60 ./restart -f -n -w fprintf "$CORE"
	[ "$status" -eq 0 ]
	diff <(seq 2000) numbers
}

@test "session B: linklist of which gdb saw 500 of 4000 nodes made makes and prints the rest" {
	need gdb script
	terminal_open
	gdb_checkpoint 29 500
	restart_linklist
	diff <(numbers_from 0) printed
}

@test "session B: linklist that gdb stopped at line 37 prints only the remaining numbers" {
	need gdb script
	terminal_open
	gdb_checkpoint 37 5
	restart_linklist
	diff <(numbers_from 5) printed
}

@test "session B: gdb's checkpoint holds exactly the 500 nodes that it says" {
	need gdb
	echo 4000 > number
	gdb -q -batch -ex 'break 29' -ex 'run < number' -ex 'cont 500' -ex 'gcore core.linklist' \
		-ex 'print i' linklist
	run gdb -q -batch -ex 'print i' linklist core.linklist
	[[ $output == *' = 500'* ]]
}

@test "session B works for an ordinary user" {
	need gdb
	"${AS_USER[@]}" true || skip "cannot become an ordinary user here"
	echo 4000 > number
	as_user gdb -q -batch -ex 'break 29' -ex 'run < number' -ex 'cont 500' \
		-ex 'gcore core.linklist' linklist
	as_user timeout 60 ./restart -n -w linklist core.linklist > result
	diff <(numbers_from 0) <(sed 's/^How many numbers: //' result)
}

@test "a running process is checkpointed with savefds and gcore" {
	need gdb
	start fprintf numbers 2000 0.001
	wait_until 20 test -s numbers
	gdb -q -batch -p "$PID" -ex "shell savefds $PID" -ex "gcore core.$PID"
	kill -KILL "$PID"
	wait "$PID" || true
	run timeout 60 restart -f -n -w fprintf "core.$PID"
	[ "$status" -eq 0 ]
	diff <(seq 2000) numbers
}
