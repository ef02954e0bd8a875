#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Programs that know nothing of us, in the middle of their work: interrupted, and resumed from their
# cores, they must write and print what they do when nobody interrupts them.

load helper
load twins

# shellcheck disable=SC2034  # begin() uses it
# with_library: begin() preloads libsavefds, and sets what else it is given.
with_library() { ENVIRONMENT=(LD_PRELOAD="$SAVEFDS" "$@"); }

# resume PROGRAM: from its core and text; then what it left must be what its twin left.
resume() {
	local status=0

	touch go
	timeout 60 "$BIN/restart" -f -n -w "${IDS[@]}" "$1" "$CORE" \
		> restart.log 2>&1 < /dev/null || status=$?
	[ "$status" -eq 0 ] || fail "status $status: $(< restart.log) $(< err)" || return 1
	rm -f "$CORE"
	compare
}

# ---- Two ways to a core -------------------------------------------------------------------------

# The kernel's, at a signal; libsavefds writes the text.
core_by_signal() {
	[ ! -s err ] || fail "$(< err)" || return 1
	make_core . "$PID" "${1:-QUIT}"
	[ -s filedescriptors ] || fail "there is no text"
}

# gdb's, with the text written by savefds; nothing runs after that: what the files hold must be of
# the core's instant.  With the library preloaded, restart finds the signal handlers, too.
core_by_gdb() {
	gdb -nx -q -batch -p "$PID" -ex "shell '$BIN/savefds' $PID" -ex "gcore core.$PID" \
		-ex kill > gdb.log 2>&1 < /dev/null || fail "$(< gdb.log)" || return 1
	[ -s filedescriptors ] && [ -s "core.$PID" ] || fail "$(< gdb.log)" || return 1
	CORE=core.$PID
	wait "$PID" || true
}

# need_gdb: gdb, and the right to attach to a process that is not its child.
need_gdb() {
	need gdb
	[ "$(id -u)" -eq 0 ] || [ ! -e /proc/sys/kernel/yama/ptrace_scope ] ||
		[ "$(< /proc/sys/kernel/yama/ptrace_scope)" -eq 0 ] ||
		skip "gdb may not attach here: kernel.yama.ptrace_scope is not 0"
}

# ---- python3 ------------------------------------------------------------------------------------

begin_python() {
	need "$PYTHON"
	begin "$PYTHON" "$PROGRAMS/real_python.py"
	wait_text out '^half$'
}

@test "python3 with threads, sqlite, ctypes and a mapped file goes on from a kernel core" {
	need_core
	with_library
	begin_python
	core_by_signal
	resume "$PYTHON"
}

@test "python3 with threads, sqlite, ctypes and a mapped file goes on from gcore" {
	need_gdb
	with_library
	begin_python
	core_by_gdb
	resume "$PYTHON"
}

@test "python3 goes on from gcore, though nothing was preloaded" {
	need_gdb
	begin_python
	core_by_gdb
	resume "$PYTHON"
}

# ---- perl ---------------------------------------------------------------------------------------

@test "perl that reads one file and writes another goes on from a kernel core" {
	need_core
	with_library
	begin_perl
	core_by_signal
	resume /usr/bin/perl
}

@test "perl that reads one file and writes another goes on from gcore" {
	need_gdb
	with_library
	begin_perl
	core_by_gdb
	resume /usr/bin/perl
}

@test "perl goes on from gcore, though nothing was preloaded" {
	need_gdb
	begin_perl
	core_by_gdb
	resume /usr/bin/perl
}

# ---- bash ---------------------------------------------------------------------------------------

# A script's bash ignores SIGQUIT.
with_library_in_bash() { with_library SAVEFDS_FORCE=1; }

begin_bash() {
	seq 3000 > plain/input
	begin /bin/bash "$PROGRAMS/real_builtins.sh"
	wait_text out '^half$'
}

@test "bash in a loop of builtins goes on from a kernel core" {
	need_core
	with_library_in_bash
	begin_bash
	core_by_signal
	resume /bin/bash
}

@test "bash in a loop of builtins goes on from gcore" {
	need_gdb
	with_library
	begin_bash
	core_by_gdb
	resume /bin/bash
}

@test "bash that runs other programs goes on from a kernel core" {
	need_core
	with_library_in_bash
	begin_commands
	core_by_signal
	open_gate
	resume /bin/bash
}

@test "bash that runs other programs goes on from gcore" {
	need_gdb
	with_library
	begin_commands
	core_by_gdb
	open_gate
	resume /bin/bash
}

# ---- java ---------------------------------------------------------------------------------------

setup_file() {
	! command -v javac || build_java real_java "$BATS_FILE_TMPDIR/classes"
}

# The JVM has its own use for SIGQUIT.  gdb writes out what is only reserved, so that is kept small.
begin_java() {
	local main=("$PROGRAMS/real_java.java")

	need java
	need_old_ids
	[ ! -e "$BATS_FILE_TMPDIR/classes" ] || main=(-cp "$BATS_FILE_TMPDIR/classes" RealJava)
	JAVA=$(readlink -f "$(command -v java)")
	begin env MALLOC_ARENA_MAX=1 "$JAVA" -Xmx64m -XX:ReservedCodeCacheSize=32m \
		-XX:CompressedClassSpaceSize=16m "${main[@]}"
	wait_text out '^half$'
}

@test "java with a computation in many threads goes on from a kernel core" {
	need_core
	with_library SAVEFDS_SIGNALS=ABRT
	begin_java
	core_by_signal ABRT
	resume "$JAVA"
}

@test "java with a computation in many threads goes on from gcore" {
	need_gdb
	with_library
	begin_java
	core_by_gdb
	resume "$JAVA"
}

# ---- node ---------------------------------------------------------------------------------------

begin_node() {
	need node
	NODE=$(readlink -f "$(command -v node)")
	begin "$NODE" "$PROGRAMS/real_node.js"
	wait_text out '^half$'
}

@test "node with timers, files and a worker goes on from a kernel core" {
	need_core
	with_library
	begin_node
	core_by_signal
	resume "$NODE"
}

@test "node with timers, files and a worker goes on from gcore" {
	need_gdb
	with_library
	begin_node
	core_by_gdb
	resume "$NODE"
}

# ---- xz -----------------------------------------------------------------------------------------

# begin_xz OPTIONS...: compresses some megabytes, and has compressed the first of them.
begin_xz() {
	need xz
	awk 'BEGIN { for (x = i = 1; i < 200000; i++) print x = x * 69069 % 999983 }' > plain/input
	begin /usr/bin/xz -k "$@" input
	wait_until 20 test -s input.xz
}

# gdb is slow to come: until then, xz must not go on.
hold() { kill -STOP "$PID"; }

resume_xz() {
	[ -e input.xz ] && [ "$(stat -c %s input.xz)" -lt "$(stat -c %s ../plain/input.xz)" ] ||
		fail "xz was not in the middle of its work" || return 1
	resume /usr/bin/xz
	xz -dc input.xz | cmp - input
}

@test "xz with one thread goes on from a kernel core" {
	need_core
	with_library
	begin_xz -T1
	core_by_signal
	resume_xz
}

@test "xz with one thread goes on from gcore, though nothing was preloaded" {
	need_gdb
	begin_xz -T1
	hold
	core_by_gdb
	resume_xz
}

@test "xz with two threads goes on from a kernel core" {
	need_core
	with_library
	begin_xz -T2 --block-size=64KiB
	core_by_signal
	resume_xz
}

@test "xz with two threads goes on from gcore, though nothing was preloaded" {
	need_gdb
	begin_xz -T2 --block-size=64KiB
	hold
	core_by_gdb
	resume_xz
}

# ---- sqlite3 ------------------------------------------------------------------------------------

resume_sqlite() {
	resume /usr/bin/sqlite3
	[ "$(sqlite3 database 'select sum(length(text)) from t where n between 1 and 10')" -eq 913 ]
}

@test "sqlite3 in a transaction goes on from a kernel core" {
	need_core
	with_library
	begin_sqlite
	core_by_signal
	resume_sqlite
}

@test "sqlite3 in a transaction goes on from gcore" {
	need_gdb
	with_library
	begin_sqlite
	core_by_gdb
	resume_sqlite
}

# ---- A thousand threads -------------------------------------------------------------------------

begin_threads() {
	build_program real_threads
	begin "$WORK/real_threads"
	wait_text out '^half$'
}

@test "a thousand threads go on from a kernel core" {
	need_core
	with_library
	begin_threads
	core_by_signal
	resume "$WORK/real_threads"
}

@test "a thousand threads go on from gcore" {
	need_gdb
	with_library
	begin_threads
	core_by_gdb
	resume "$WORK/real_threads"
}
