#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Each example is interrupted by SIGQUIT and restarted; what it prints must be what it prints when
# nobody interrupts it.

load helper

restart_and_wait() { run timeout 60 "$BIN/restart" -f -n -w "$@"; }

# The sum that threads.c must come to, from its rule alone: expected_sum WORKERS ROUNDS
expected_sum() {
	awk -v workers="$1" -v rounds="$2" 'BEGIN {
		for (turn = 0; turn < workers * rounds; turn++)
			sum = (sum * 31 + turn % workers) % 4294967296
		printf "%d turns, sum %.0f\n", workers * rounds, sum
	}'
}

@test "fprintf goes on with the numbers that stood in the C library's buffer" {
	need_core
	start_saving "$BIN/fprintf" numbers 2000 0.001
	wait_until 20 test -s numbers
	make_core . "$PID"
	# 4096 bytes are a full buffer; the numbers behind them are in the core alone.
	[ $(($(stat -c %s numbers) % 4096)) -eq 0 ]
	[ "$(stat -c %s numbers)" -lt "$(seq 2000 | wc -c)" ]
	restart_and_wait "$BIN/fprintf" "$CORE"
	[ "$status" -eq 0 ]
	diff <(seq 2000) numbers
}

@test "threads goes on with every thread, its turn and its thread-local count" {
	need_core
	start_saving "$BIN/threads" 4 10000 > result
	wait_text result 'round 2000'
	make_core . "$PID"
	lacks_text result turns
	restart_and_wait "$BIN/threads" "$CORE"
	[ "$status" -eq 0 ]
	[ "$(tail -n 1 result)" = "$(expected_sum 4 10000)" ]
	diff <(seq -f 'round %g' 0 1000 9000) <(head -n -1 result)
}

@test "relocate goes on in another folder when filedescriptors says so" {
	need_core
	start_saving "$BIN/relocate" "$WORK/journal" 100 0.01
	wait_lines journal 10
	make_core . "$PID"
	has_lines journal 100 && fail "it had ended before it was interrupted"
	mkdir elsewhere
	mv journal elsewhere/
	sed -i "s,$WORK/journal,$WORK/elsewhere/journal," filedescriptors
	restart_and_wait "$BIN/relocate" "$CORE"
	[ "$status" -eq 0 ]
	diff <(seq -f 'line %g' 100) elsewhere/journal
	[ ! -e journal ]
}

@test "compute goes on after all but its core, filedescriptors and output is gone" {
	need_core
	start_saving "$BIN/compute" 20000000 > result
	wait_text result '^at 2000000:'
	make_core . "$PID"
	lacks_text result 'add up'
	restart_and_wait "$BIN/compute" "$CORE"
	[ "$status" -eq 0 ]
	[ "$(tail -n 1 result)" = "the primes below 20000000 add up to 12272577818052" ]
	diff <(seq 100000 100000 19900000) <(sed -n 's/^at \([0-9]*\): .*/\1/p' result)
}
