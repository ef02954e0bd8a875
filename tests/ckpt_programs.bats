#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Real programs in the middle of their work, checkpointed alive: they go on, and are resumed; either
# way they must leave what they leave when nobody interferes.  ckpt.bats has more of them.

# shellcheck disable=SC2015  # `fail' never succeeds
load helper

PROGRAMS=$BATS_TEST_DIRNAME/programs

setup() {
	common_setup
	mkdir plain run
	INPUT=/dev/null IDS=() GATE=
}

# begin COMMAND...: starts the command in the folder run/, after its twin in plain/, which finds a
# file `go' at once, has run through.  What is in plain/ before is the input of both.
begin() {
	need "$1"
	cp -r plain/. run
	touch plain/go
	(cd plain && "$@" < "$INPUT" > out 2> err) || fail "$1 fails: $(< plain/err)" || return 1
	cd run || return 1
	start "$@" < "$INPUT" > out 2> err
}

# A checkpoint, of which ckpt has nothing to say; or status 1 when the program has ended.
checkpoint() {
	local said status=0

	said=$(timeout 60 "$BIN/ckpt" -p "$PID" "$@" 2>&1 > /dev/null) || status=$?
	[ "$status" -ne 0 ] || [ -n "$said" ] || return 0
	[[ $said == *'no such process'* || $said == *ended* ]] || fail "status $status: $said" || exit 1
	return 1
}

# What the program left must be what its twin left.
compare() {
	rm -f go gate ../plain/{go,gate} core.* ../core restart.log
	diff -r ../plain .
}

# Checkpointed up to ROUNDS times, in both ways; there must be at least two before it ends.
undisturbed() {
	local done=0

	for ((i = 0; i < ${ROUNDS:-6}; i++)); do
		case $((i % 3)) in
		0) checkpoint -o ../core || break ;;
		1) checkpoint -o ../core -z || break ;;
		2) checkpoint -o ../core --stop || break ;;
		esac
		done=$((done + 1))
	done
	[ "$done" -ge 2 ] || fail "the program was too fast: $done checkpoints" || return 1
	touch go
	wait "$PID" || fail "ended with $?: $(< err)" || return 1
	compare
}

# Checkpointed, goes on, is checkpointed and ended, and resumed.
resumed() {
	local status=0

	checkpoint -o ../core
	checkpoint -k "$@"
	wait "$PID" || status=$?
	[ "$status" -eq 137 ] || fail "ended with $status" || return 1
	touch go
	[ -z "$GATE" ] || echo 'come in' >&"$GATE"
	status=0
	timeout 60 "$BIN/restart" -n -w "${IDS[@]}" core."$PID"* > restart.log 2>&1 < /dev/null ||
		status=$?
	[ "$status" -eq 0 ] || fail "status $status: $(< restart.log) $(< err)" || return 1
	compare
}

# ---- perl ----------------------------------------------------------------------------------------------

begin_perl() {
	seq 50000 > plain/input
	begin /usr/bin/perl "$PROGRAMS/real_perl.pl"
	wait_text out '^half$'
}

@test "perl that reads one file and writes another goes on undisturbed" { begin_perl && undisturbed; }
@test "perl is resumed" { begin_perl && resumed; }
@test "perl is resumed from a compressed core" { begin_perl && resumed -z; }

# ---- xz ------------------------------------------------------------------------------------------------

# Nothing holds it: it has written something, and goes on to the end.
begin_xz() {
	awk 'BEGIN { for (x = i = 1; i < 600000; i++) print x = x * 69069 % 999983 }' > plain/input
	begin /usr/bin/xz -k "$@" input
	wait_until 20 test -s input.xz
}

@test "xz with one thread goes on undisturbed" { begin_xz -T1 && undisturbed; }
@test "xz with one thread is resumed" { begin_xz -T1 && resumed; }
@test "xz with two threads goes on undisturbed" { begin_xz -T2 --block-size=64KiB && undisturbed; }
@test "xz with two threads is resumed" { begin_xz -T2 --block-size=64KiB && resumed -z; }

# ---- sqlite3 -------------------------------------------------------------------------------------------

# In a transaction that has outgrown the cache: until `go' is there, one statement.
begin_sqlite() {
	INPUT=commands
	cat > plain/commands <<-'END'
		pragma cache_size = 10;
		pragma temp_store = memory;
		create table t (n integer primary key, square, text);
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
		commit;
		select count(*), sum(square), sum(length(text)) from t;
		pragma integrity_check;
	END
	begin /usr/bin/sqlite3 -bail database
	wait_until 20 test -s half
	[ -s database-journal ] || fail "sqlite3 is not in a transaction"
}

@test "sqlite3 in a transaction goes on undisturbed" { begin_sqlite && undisturbed; }
@test "sqlite3 in a transaction is resumed" { begin_sqlite && resumed; }

# ---- A shell -------------------------------------------------------------------------------------------

@test "a shell that runs one program after the other goes on undisturbed" {
	begin /bin/bash "$PROGRAMS/ckpt_commands.sh"
	wait_text out '^half$'
	ROUNDS=30 undisturbed
}

# A shell has its own id in $$.
need_old_ids() {
	local capabilities

	capabilities=$(sed -n 's/^CapEff:\s*/0x/p' /proc/self/status)
	((capabilities >> 40 & 1 || capabilities >> 21 & 1)) && return
	unshare --user --pid --fork true 2>/dev/null ||
		skip "the old process ids cannot be had: no privilege and no namespaces"
	IDS=(--pid=ns)
}

# Between two programs, where it waits for a line.
@test "a shell that runs other programs is resumed" {
	need_old_ids
	mkfifo plain/gate
	exec {GATE}<> plain/gate
	echo 'come in' >&"$GATE"
	begin /bin/bash "$PROGRAMS/real_commands.sh"
	exec {GATE}<> gate
	wait_text out '^half$'
	wait_until 20 grep -q '^0 0x0 ' "/proc/$PID/syscall"
	resumed
}
