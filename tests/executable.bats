#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Checkpoints that are executables: ckpt -p PID -n NAME, and what becomes of them.

load helper

# A program that counts: one number a line into its standard output, which is `out'.
start_counter() {
	build_program executable_count
	start ./executable_count "$@" < /dev/null > out
	wait_lines out 3
}

# checkpoint [OPTION...]: of the process, which ends with it, into ./saved.
checkpoint() { "$BIN/ckpt" -p "$PID" -n saved -k "$@"; }

# counted N: the numbers up to N are in `out', each once and in order.
counted() { diff <(seq "$1") out; }

@test "it goes on in the process that was started, with the old environment and any arguments" {
	SAYS=before start_counter 100
	checkpoint
	SAYS=after start ./saved --help -k < /dev/null
	status=0
	wait "$PID" || status=$?
	[ "$status" -eq 42 ]
	counted 100
	[ "$(< said)" = "before, process $PID" ]
}

@test "it may be run again and again, also ten at once, which share their pages" {
	build_program executable_share
	start ./executable_share < /dev/null > out
	wait_lines out 1
	checkpoint
	pids=()
	for _ in {1..10}; do
		start ./saved
		pids+=("$PID")
	done
	wait_lines out 11
	# Of the 8 MiB that malloc() gave it none is a copy of its own.
	for pid in "${pids[@]}"; do
		[ "$(awk '/^Private_(Clean|Dirty):/ { n += $2 } END { print n }' "/proc/$pid/smaps_rollup")" -lt 4096 ]
	done
}

@test "a signal that comes before the program is back waits for it" {
	build_program executable_signal
	start ./executable_signal go < /dev/null > out
	wait_text out '^ready'
	checkpoint
	touch go
	# Its default action would end the process; who holds it at the first call is not the program yet.
	strace -f -o trace -e inject=mmap:signal=USR1:when=5 ./saved < /dev/null
	[ "$(tail -n 1 out)" = 'once' ]
}

@test "a checkpoint of a checkpoint of a checkpoint" {
	start_counter 200
	for round in {1..5}; do
		checkpoint
		ranges[round]=$(CKPT_SHOW=1 ./saved | sed -n 's/^memory: *\([0-9]*\) ranges.*/\1/p')
		start ./saved < /dev/null
		wait_lines out $((10 * round))
	done
	status=0
	wait "$PID" || status=$?
	[ "$status" -eq 42 ]
	counted 200
	# Nothing of a restart is left in the next checkpoint.
	[ "${ranges[2]}" -eq "${ranges[5]}" ]
}

start_generations() {
	build_program executable_generations
	start ./executable_generations "$@" < /dev/null > out
	wait_lines out 1
}

# Goes on from the checkpoint, for the N-th time.
next_generation() {
	start ./saved < /dev/null > /dev/null
	wait_lines out $((1 + $1))
}

# What of the checkpoint's memory is of files and never written to.
named() { CKPT_SHOW=1 ./saved | awk '$2 ~ /^r-.p$/ && $4 ~ "^/" { print $1, $2, $4 }'; }

@test "each of four generations tells which files its code was, and maps it from the last one" {
	need gdb eu-stack
	start_generations
	for round in {1..4}; do
		# From the third on it runs from a file that another checkpoint has replaced.
		[ "$round" -lt 3 ] || "$BIN/ckpt" -p "$PID" -n saved
		checkpoint
		named > "names.$round"
		"$BIN/restart" --core saved > core
		eu-stack --core core > "stack.$round"
		next_generation "$round"
		grep -q ' r-xp .*/saved$' "/proc/$PID/maps"
	done
	# The program, libc and the dynamic linker, three ranges of each at least.
	[ "$(wc -l < names.1)" -ge 9 ]
	grep -q ' r-xp /.*/executable_generations$' names.1
	for round in {1..4}; do
		diff names.1 "names.$round"
		grep -q ' main$' "stack.$round"
		grep -q ' __libc_start_' "stack.$round"
	done
	gdb -nx -batch -iex 'set debuginfod enabled off' -ex bt executable_generations core > told 2>&1
	grep -q ' main (' told
}

@test "data of a file that was changed is saved as it was changed; what replaced it has no name" {
	start_generations change
	for round in {1..4}; do
		checkpoint
		next_generation "$round"
	done
	lacks_text out wrong
	CKPT_SHOW=1 ./saved | grep -q "^  $(sed -n 's/^replaced //p' out)-[0-9a-f]* r--p saved *$"
}

@test "a process whose code came back from a core alone is checkpointed as any other" {
	local again

	start_generations
	checkpoint
	next_generation 1
	"$BIN/ckpt" -p "$PID" -k -o core
	start "$BIN/restart" core > /dev/null 2> told < /dev/null
	wait "$PID"
	again=$(sed -n 's/.*: process \([0-9]*\).*/\1/p' told)
	STARTED+=("$again")
	lacks_text "/proc/$again/maps" ' r-xp .*/'
	"$BIN/ckpt" -p "$again" -k -o second 2> said
	[ ! -s said ] || fail "$(< said)"
	"$BIN/restart" --show second | grep -q '^lacks: *nothing$'
}

@test "it needs nothing: in a folder of its own, without /proc and its libraries, as another user" {
	[ "$(id -u)" -eq 0 ] || skip "not root"
	build_program executable_count
	cd /
	start "$WORK/executable_count" 30 \
		< <(exec sleep 60 > /dev/null 2>&1 3>&-) > >(exec cat > "$WORK/out" 3>&-) 2>&1
	cd "$WORK"
	wait_lines out 3
	checkpoint
	mkdir jail
	cp saved jail/
	chmod 755 jail/saved
	status=0
	chroot --userspec=65534:65534 jail /saved < /dev/null > rest 2> said || status=$?
	[ "$status" -eq 42 ] || fail "status $status: $(cat said)"
	lacks_text said 'cpus'
	cat out rest | diff <(seq 30) -
}

@test "a library that is gone is not missed, a program that was replaced is not used" {
	build_program restart_plugin -shared -fPIC
	LD_PRELOAD=$WORK/restart_plugin start_counter 30
	grep -q restart_plugin "/proc/$PID/maps"
	checkpoint
	rm restart_plugin
	cp /bin/true executable_count
	status=0
	./saved < /dev/null || status=$?
	[ "$status" -eq 42 ]
	counted 30
}

@test "restart takes it as a core; --core gives the core itself, which gdb opens" {
	start_counter 50
	checkpoint --log=text
	"$BIN/restart" --show saved | grep -qx 'program:   .*executable_count'
	"$BIN/restart" --log saved | diff text -
	CKPT_SHOW=1 ./saved --help | grep -qx 'program:   .*executable_count'
	"$BIN/restart" --check saved | grep -qx 'It would restart here.'
	"$BIN/restart" --core saved > core
	eu-readelf -h core | grep -q 'CORE'
	gdb -batch -ex bt ./executable_count core 2>&1 | grep -q 'main'
	"$BIN/restart" --check core
	status=0
	"$BIN/restart" -n -w saved < /dev/null || status=$?
	[ "$status" -eq 42 ]
	counted 50
}

@test "--core of a plain core is that core, and is not written to a terminal" {
	start_counter 50
	"$BIN/ckpt" -p "$PID" -k -o core
	"$BIN/restart" --core core | cmp core -
	terminal_open
	terminal_type "$BIN/restart --core $WORK/core"
	terminal_expect 'a core is not for a terminal'
}

@test "options come from the environment" {
	start_counter 50
	checkpoint
	mkdir elsewhere
	mv out elsewhere/
	run ./saved
	[ "$status" -eq 125 ] && [[ $output == "saved: descriptor 1 was $WORK/out"* ]] || fail "$output"
	status=0
	CKPT_OPTIONS="--map $WORK/out=$WORK/elsewhere/out" ./saved < /dev/null || status=$?
	[ "$status" -eq 42 ]
	cd elsewhere && counted 50
	run env CKPT_OPTIONS="--nonsense" "$WORK/saved"
	[ "$status" -eq 125 ] && [ "$output" = 'CKPT_OPTIONS: unknown option --nonsense (try restart --help)' ]
	run env CKPT_OPTIONS="program" "$WORK/saved"
	[ "$status" -eq 125 ] && [[ $output == *'CKPT_OPTIONS: holds options only'* ]]
}

@test "one that is cut off or changed says so and runs nothing" {
	start_counter 50
	checkpoint
	cp out before
	size=$(stat -c %s saved)
	for at in $((size - 1)) $((size - 5000)) $((size / 2)); do
		head -c "$at" saved > ./cut
		chmod +x ./cut
		run ./cut
		[ "$status" -eq 125 ] && [[ $output == 'cut: '*truncated* ]] || fail "$status: $output"
		run "$BIN/restart" ./cut
		[ "$status" -eq 125 ] && [[ $output == 'restart: '*truncated*'older'* ]] || fail "$status: $output"
	done
	# The notes come first behind the program.
	cp saved changed
	at=$(grep -abom1 EMBD <(head -c 65536 saved) | cut -d: -f1)
	start=$("$BIN/restart" --core saved | wc -c)
	printf 'X' | dd of=changed bs=1 seek=$((size - start + 5000)) conv=notrunc status=none
	run ./changed
	[ "$status" -eq 125 ] && [[ $output == *corrupted* ]] || fail "$at $status: $output"
	cmp before out
}

@test "--keep keeps the last ones, and a failure keeps them all" {
	start_counter 1000
	for number in 1 2 3 4; do
		"$BIN/ckpt" -p "$PID" -n saved --keep=3
		cp saved "copy$number"
	done
	cmp saved copy4
	cmp saved.1 copy3
	cmp saved.2 copy2
	[ ! -e saved.3 ]
	run bash -c "ulimit -f 100; exec $BIN/ckpt -p $PID -n saved --keep=3"
	[ "$status" -eq 1 ]
	cmp saved copy4
	cmp saved.1 copy3
	[ "$(find . -name '.restart*')" = "" ]
}

# resumes COMMAND...: interrupted at `half', it gives in the end what it gives without.
resumes() {
	mkdir whole interrupted
	(cd whole && touch go && become "$@" < /dev/null > out 2> err)
	cd interrupted || return 1
	start "$@" < /dev/null > out 2> err
	wait_text out half 60
	checkpoint
	touch go
	./saved < /dev/null
	diff ../whole/out out
}

@test "python3 goes on" {
	resumes /usr/bin/python3 "$ROOT/tests/programs/real_python.py"
}

@test "java goes on" {
	need java javac
	build_java real_java classes
	resumes java -cp ../classes RealJava
}

@test "killed at any call that it makes, ckpt leaves the process running and the last checkpoint whole" {
	need strace
	start_counter 100000
	"$BIN/ckpt" -p "$PID" -n saved
	cp saved before
	for call in openat pwrite64 write fsync renameat linkat ptrace; do
		for n in 1 2 3 5 8; do
			(strace -f -o /dev/null -e inject="$call:signal=KILL:when=$n" \
				"$BIN/ckpt" -p "$PID" -n saved --keep=2 > /dev/null 2>&1) 2> /dev/null || true
			wait_until 5 grep -q '^TracerPid:.0$' "/proc/$PID/status"
			wait_lines out $(($(wc -l < out) + 1))
			"$BIN/restart" --check saved > check || fail "killed at $call $n: $(cat check)"
		done
	done
	"$BIN/restart" --check before > /dev/null
	kill -KILL "$PID"
}

# ---- What libckpt asks for -------------------------------------------------------------------------

@test "--exit ends the process by exit_group(0), all its threads included, once the file is there" {
	build_program real_threads
	mkdir run && cd run
	start ../real_threads < /dev/null > out 2> err
	wait_text out '^half$'
	"$BIN/ckpt" -p "$PID" -n saved --exit --status-fd=9 9> status
	wait "$PID"
	[ "$(< status)" = 'done' ]
	touch go
	./saved < /dev/null
}

@test "--exit of a process that cannot be saved lets it go on, and says why" {
	start_counter 1000
	run bash -c "ulimit -f 100; exec $BIN/ckpt -p $PID -n saved --exit --status-fd=9 9> status"
	[ "$status" -eq 1 ]
	[[ $(< status) == failed:*saved* ]]
	wait_lines out $(($(wc -l < out) + 3))
	"$BIN/ckpt" -p "$PID" -n saved --status-fd=9 9> status
	[ "$(< status)" = $'snapshot\ndone' ]
}

@test "what is left out is not there after the restart" {
	build_program executable_leave_out
	start ./executable_leave_out go < /dev/null > out
	wait_text out '^ready'
	read -r _ fd range < out
	checkpoint --leave-out-fd="$fd" --leave-out-memory="$range"
	"$BIN/restart" --plan saved > plan
	[ "$(grep -c 'epoll_ctl(' plan)" -eq 1 ]
	lacks_text plan "epoll_ctl([0-9]*, [^,]*, $fd,"
	touch go
	./saved < /dev/null
	[ "$(tail -n 1 out)" = 'closed, zeros, the rest is as it was' ]
}
