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

# interrupt: after up to 0.2 s its signal ends the process, with a checkpoint.
interrupt() {
	local status=0

	sleep "0.$((RANDOM % 20 + 100))"
	kill -TSTP "$PID" || fail "it has ended already: $(tail -n 2 out; cat err; jobs)" || return 1
	wait "$PID" || status=$?
	[ "$status" -eq 0 ] || fail "status $status: $(cat err)"
}

# chain COMMAND...: under ckpt, interrupted ROUNDS times, then to its end.
chain() {
	(cd whole && become "$@" "$STEPS" < /dev/null > out)
	cd chain || return 1
	start "$BIN/ckpt" -n saved "$@" "$STEPS" < /dev/null > out 2> err
	wait_lines out 1 60
	for ((round = 1; round <= ROUNDS; round++)); do
		interrupt || fail "round $round" || return 1
		mv saved last || fail "round $round: $(tail -n 1 out)" || return 1
		lines=$(wc -l < out)
		start ./last < /dev/null 2>> err
		wait_lines out $((lines + 1)) 60
	done
	wait "$PID" || fail "status $? in the end: $(cat err)"
	diff ../whole/out out
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
