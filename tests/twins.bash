# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2034  # the tests use more of the variables
#
# Programs that know nothing of us, each with a twin: the twin runs undisturbed in the folder plain/,
# the program in run/, and what they leave and print must be the same.  A test file loads this after
# `helper'.  Most programs pause their progress, not their work, until there is a file `go' in their
# folder: so each is interrupted at some instant of its work, and none ends before that.

PROGRAMS=$BATS_TEST_DIRNAME/programs
PYTHON=/usr/bin/python3  # not a version manager's, which is a script

# INPUT is the program's standard input, ENVIRONMENT what it has and its twin has not; IDS are options
# of restart.
setup() {
	common_setup
	mkdir plain run
	INPUT=/dev/null ENVIRONMENT=() IDS=() GATE=
}

# begin COMMAND...: starts the command in the folder run/, after its twin in plain/ has run through.
# What is in plain/ before is the input of both.
begin() {
	need "$1"
	cp -r plain/. run
	touch plain/go
	(cd plain && "$@" < "$INPUT" > out 2> err) ||
		fail "$1 fails undisturbed: $(< plain/err)" || return 1
	cd run || return 1
	start env "${ENVIRONMENT[@]}" "$@" < "$INPUT" > out 2> err
}

# What the program left must be what its twin left.
compare() {
	rm -f {.,../plain}/{go,scratch,gate} core core.* ../core filedescriptors restart.log gdb.log
	diff -r ../plain .
}

# For a program that knows its ids: bash has its own in $$, and libc finds a thread by its id when
# the JVM asks for the thread's stack.  Who may not choose ids can have the old ones in a namespace.
need_old_ids() {
	local capabilities

	capabilities=$(sed -n 's/^CapEff:\s*/0x/p' /proc/self/status)
	((capabilities >> 40 & 1 || capabilities >> 21 & 1)) && return
	unshare --user --pid --fork true 2>/dev/null ||
		skip "the old process ids cannot be had: no privilege and no namespaces"
	IDS=(--pid=ns)
}

# ---- Programs ------------------------------------------------------------------------------------

begin_perl() {
	seq 50000 > plain/input
	begin /usr/bin/perl "$PROGRAMS/real_perl.pl"
	wait_text out '^half$'
}

# A shell that runs other programs, and in the middle waits for a line from a fifo, which the test
# holds open: open_gate.
begin_commands() {
	need_old_ids
	mkfifo plain/gate
	exec {GATE}<> plain/gate
	open_gate
	begin /bin/bash "$PROGRAMS/real_commands.sh"
	exec {GATE}<> gate
	wait_text out '^half$'
	wait_until 20 grep -q '^0 0x0 ' "/proc/$PID/syscall"
}

open_gate() { echo 'come in' >&"$GATE"; }

begin_sqlite() {
	INPUT=$PROGRAMS/real_sqlite.sql
	begin /usr/bin/sqlite3 -bail database
	wait_until 20 test -s half
	[ -s database-journal ] || fail "sqlite3 is not in a transaction"
}
