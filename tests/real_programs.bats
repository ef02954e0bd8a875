#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Programs that know nothing of us, in the middle of their work: interrupted, and resumed from their
# cores, they must write and print what they do when nobody interrupts them.
#
# Most of them pause their progress, not their work, until there is a file `go' in their folder: so
# each is interrupted at some instant of its work, and none ends before that.

load helper

PROGRAMS=$BATS_TEST_DIRNAME/programs
PYTHON=/usr/bin/python3  # not a version manager's, which is a script

setup() {
	common_setup
	mkdir plain run
	IDS=() ENVIRONMENT=()
}

# ---- An uninterrupted run, and one that is interrupted ------------------------------------------

# begin COMMAND...: starts the command in the folder run/, after its twin in plain/ has run through.
# What is in plain/ before is the input of both.
begin() {
	cp -r plain/. run
	touch plain/go
	(cd plain && "$@" < "${INPUT:-/dev/null}" > out 2> err) ||
		fail "$1 fails uninterrupted: $(< plain/err)" || return 1
	cd run || return 1
	(
		close_descriptors
		exec env --default-signal=QUIT,INT "${ENVIRONMENT[@]}" "$@" \
			< "${INPUT:-/dev/null}" > out 2> err
	) &
	PID=$!
	STARTED+=("$PID")
}

# A descriptor that the program inherits from the test would have to be restored, too.
close_descriptors() {
	local fd

	for fd in "/proc/$BASHPID/fd"/*; do
		fd=${fd##*/}
		[ "$fd" -le 2 ] || exec {fd}>&-
	done
}

# with_library: begin() preloads libsavefds, and sets what else it is given.
with_library() { ENVIRONMENT=(LD_PRELOAD="$SAVEFDS" "$@"); }

# resume PROGRAM: from its core and text; then what it left must be what its twin left.
resume() {
	local status=0

	touch go
	timeout 60 "$BIN/restart" -f -n -w "${IDS[@]}" "$1" "$CORE" \
		> restart.log 2>&1 < /dev/null || status=$?
	[ "$status" -eq 0 ] || fail "status $status: $(< restart.log) $(< err)" || return 1
	rm -f go scratch gate ../plain/{go,scratch,gate} "$CORE" filedescriptors restart.log gdb.log
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

begin_perl() {
	need perl
	seq 50000 > plain/input
	begin /usr/bin/perl "$PROGRAMS/real_perl.pl"
	wait_text out '^half$'
}

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

# It waits in the middle of its work for a line from a fifo, which the test holds open.
begin_bash_with_commands() {
	need_old_ids
	mkfifo plain/gate
	exec {GATE}<> plain/gate
	echo 'come in' >&"$GATE"
	begin /bin/bash "$PROGRAMS/real_commands.sh"
	exec {GATE}<> gate
	wait_text out '^half$'
	wait_until 20 grep -q '^0 0x0 ' "/proc/$PID/syscall"
}

resume_bash_with_commands() {
	echo 'come in' >&"$GATE"
	resume /bin/bash
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
	begin_bash_with_commands
	core_by_signal
	resume_bash_with_commands
}

@test "bash that runs other programs goes on from gcore" {
	need_gdb
	with_library
	begin_bash_with_commands
	core_by_gdb
	resume_bash_with_commands
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
	awk 'BEGIN { for (x = i = 1; i < 300000; i++) print x = x * 69069 % 999983 }' > plain/input
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

# In a transaction that has outgrown the cache, with a savepoint to which it goes back at the end.
begin_sqlite() {
	need sqlite3
	INPUT=commands
	cat > plain/commands <<-'END'
		pragma cache_size = 10;
		pragma temp_store = memory;
		create table t (n integer primary key, square, text);
		insert into t values (0, 0, 'before the transaction');
		begin;
		with recursive c(n) as (select 1 union all select n + 1 from c where n < 5000)
			insert into t select n, n * n, printf('%0100d', n) from c;
		savepoint here;
		update t set square = -square, text = 'forget it';
		select writefile('half', 'x');
		with recursive c(n) as
			(select 1 union all select n + 1 from c where readfile('go') is null)
			select count(*) > 0 from c;
		delete from t where n % 3 = 0;
		select count(*), sum(square) from t;
		rollback to here;
		update t set text = 'every seventh' where n % 7 = 0;
		commit;
		select count(*), sum(square), sum(length(text)) from t;
		pragma integrity_check;
	END
	begin /usr/bin/sqlite3 -bail database
	wait_until 20 test -s half
}

resume_sqlite() {
	[ -s database-journal ] || fail "sqlite3 was not in a transaction" || return 1
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
