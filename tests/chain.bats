#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A program that is interrupted at random again and again, each time continued from its last
# checkpoint, writes what it writes without.  SOAK=1 interrupts 50 times.

load helper

setup() {
	common_setup
	ROUNDS=${SOAK:+50}
	ROUNDS=${ROUNDS:-4}
	STEPS=$((ROUNDS * 60))
	mkdir whole chain
}

# interrupt: after 0.1 s or more its signal ends the process, with a checkpoint, unless it has come to
# its end, as it may on a busy machine.
interrupt() {
	local status=0

	sleep "0.$((RANDOM % 20 + 100))"
	kill -TSTP "$PID" 2> /dev/null || true
	wait "$PID" || status=$?
	[ "$status" -eq 0 ] || fail "status $status: $(cat err)"
}

# goes_on N: there are so many lines, or it has come to its end.
goes_on() { has_lines out "$1" || gone "$PID"; }

# chain COMMAND...: under ckpt, interrupted ROUNDS times, then to its end.
chain() {
	(cd whole && become "$@" "$STEPS" < /dev/null > out)
	cd chain || return 1
	start "$BIN/ckpt" -n saved "$@" "$STEPS" < /dev/null > out 2> err
	wait_lines out 1 60
	for ((round = 1; round <= ROUNDS; round++)); do
		interrupt || fail "round $round" || return 1
		[ -e saved ] || break
		mv saved last
		lines=$(wc -l < out)
		start ./last < /dev/null 2>> err
		wait_until 60 goes_on $((lines + 1))
	done
	[ "$round" -le "$ROUNDS" ] || wait "$PID" || fail "status $? in the end: $(cat err)" || return 1
	diff ../whole/out out
	[ "$round" -gt 1 ] || fail "it was never interrupted"
}

@test "a simulation in eight threads" {
	build_program chain_threads
	chain "$WORK/chain_threads"
}

@test "python3 with threads and a database" {
	chain /usr/bin/python3 "$ROOT/tests/programs/chain.py"
}

@test "node with a worker" {
	need node
	chain node "$ROOT/tests/programs/chain.js"
}

@test "java with a pool of threads" {
	need java javac
	build_java Chain classes
	chain java -cp "$WORK/classes" Chain
}
