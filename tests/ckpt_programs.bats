#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Real programs in the middle of their work, checkpointed alive: they go on, and are resumed; either
# way they must leave what they leave when nobody interferes.  ckpt.bats has more of them.

# shellcheck disable=SC2015  # `fail' never succeeds
load helper
load twins

# A checkpoint, of which ckpt has nothing to say; or status 1 when the program has ended.
checkpoint() {
	local said status=0

	said=$(timeout 60 "$BIN/ckpt" --accept-loss -p "$PID" "$@" 2>&1 > /dev/null) || status=$?
	[ "$status" -ne 0 ] || [ -n "$said" ] || return 0
	[[ $said == *'no such process'* || $said == *ended* ]] || fail "status $status: $said" || exit 1
	return 1
}

# A program that nothing holds stands still between its checkpoints.
HOLD=
hold() { [ -z "$HOLD" ] || kill -STOP "$PID" 2> /dev/null || true; }
proceed() { [ -z "$HOLD" ] || kill -CONT "$PID" 2> /dev/null || true; }

# Checkpointed up to ROUNDS times, in both ways; there must be at least two before it ends.
undisturbed() {
	local done=0

	for ((i = 0; i < ${ROUNDS:-6}; i++)); do
		proceed
		case $((i % 3)) in
		0) checkpoint -o ../core || break ;;
		1) checkpoint -o ../core -z || break ;;
		2) checkpoint -o ../core --stop || break ;;
		esac
		hold
		done=$((done + 1))
	done
	proceed
	[ "$done" -ge 2 ] || fail "the program was too fast: $done checkpoints" || return 1
	touch go
	wait "$PID" || fail "ended with $?: $(< err)" || return 1
	compare
}

# Checkpointed, goes on, is checkpointed and ended, and resumed.
resumed() {
	local status=0

	proceed
	checkpoint -o ../core
	checkpoint -k "$@"
	wait "$PID" || status=$?
	[ "$status" -eq 137 ] || fail "ended with $status" || return 1
	touch go
	[ -z "$GATE" ] || open_gate
	status=0
	timeout 60 "$BIN/restart" -n -w "${IDS[@]}" core."$PID"* > restart.log 2>&1 < /dev/null ||
		status=$?
	[ "$status" -eq 0 ] || fail "status $status: $(< restart.log) $(< err)" || return 1
	compare
}

# ---- perl ----------------------------------------------------------------------------------------------

@test "perl that reads one file and writes another goes on undisturbed" { begin_perl && undisturbed; }
@test "perl is resumed" { begin_perl && resumed; }
@test "perl is resumed from a compressed core" { begin_perl && resumed -z; }

# ---- xz ------------------------------------------------------------------------------------------------

# It has written something, and nothing but us keeps it from going on to the end.
begin_xz() {
	HOLD=yes
	awk 'BEGIN { for (x = i = 1; i < 250000; i++) print x = x * 69069 % 999983 }' > plain/input
	begin /usr/bin/xz -k "$@" input
	wait_until 20 test -s input.xz
	hold
}

@test "xz with one thread goes on undisturbed" { begin_xz -T1 && undisturbed; }
@test "xz with one thread is resumed" { begin_xz -T1 && resumed; }
@test "xz with two threads goes on undisturbed" { begin_xz -T2 --block-size=64KiB && undisturbed; }
@test "xz with two threads is resumed" { begin_xz -T2 --block-size=64KiB && resumed -z; }

# ---- sqlite3 -------------------------------------------------------------------------------------------

@test "sqlite3 in a transaction goes on undisturbed" { begin_sqlite && undisturbed; }
@test "sqlite3 in a transaction is resumed" { begin_sqlite && resumed; }

# ---- A shell -------------------------------------------------------------------------------------------

@test "a shell that runs one program after the other goes on undisturbed" {
	begin /bin/bash "$PROGRAMS/ckpt_commands.sh"
	wait_text out '^half$'
	ROUNDS=30 undisturbed
}

@test "a shell that runs other programs is resumed" { begin_commands && resumed; }
