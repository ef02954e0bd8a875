#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# libsavefds.so and savefds: the text that goes with a core.

load helper

setup() {
	common_setup
	need_core
}

# start_ready PROGRAM ARGS...: with the library, until it has printed `ready' to the file out.
start_ready() {
	start_saving "$@" > out 2> err
	wait_text out '^ready$'
}

# has_every_line TEXT LINES: each line of the file LINES is the beginning of one of the file TEXT.
has_every_line() {
	local line

	while IFS= read -r line; do
		awk -v line="${line//\\/\\\\}" 'index($0, line) == 1 { found = 1 }
			END { exit !found }' "$1" || fail "$1 lacks: $line" || return 1
	done < "$2"
}

# The descriptors 100 and above: those below are the test's.
own_descriptors() { grep -E '^1[0-9][0-9] : ' "$1"; }

@test "at SIGQUIT the text tells all that a core leaves out" {
	build_program savefds_state
	start_ready ./savefds_state
	make_core below "$PID"
	grep -v ready out > lines
	[ "$(wc -l < lines)" -eq 9 ]
	has_every_line below/filedescriptors lines
	# The exact break is not known to /proc: the program has printed it.
	grep -q "^brk : .*$(tail -n 1 err)\$" below/filedescriptors
	[ "$(stat -c %a below/filedescriptors)" = 600 ]
	[ -z "$(find . -name '.restart*')" ]
}

@test "an ordinary user may do the same" {
	build_program savefds_state
	copy_programs
	start "${AS_USER[@]}" env LD_PRELOAD="$WORK/lib/libsavefds.so" ./savefds_state > out 2> err
	wait_text out '^ready$'
	make_core below "$PID"
	grep -v ready out > lines
	has_every_line below/filedescriptors lines
}

@test "savefds writes the descriptors of a running process" {
	build_program savefds_state
	start ./savefds_state > out 2> err
	wait_text out '^ready$'
	"$BIN/savefds" "$PID"
	grep -E '^(1|cwd|umask|map)' out > lines
	[ "$(wc -l < lines)" -eq 6 ]
	has_every_line filedescriptors lines
	grep -qx 'sigaction : SIGUSR1 : caught' filedescriptors
	grep -qx 'sigaction : SIGUSR2 : ignore' filedescriptors
	"$BIN/savefds" -o - "$PID" > again
	cmp <(grep -v '^clocks' again) <(grep -v '^clocks' filedescriptors)
	kill -0 "$PID"
}

@test "savefds and the library agree" {
	build_program savefds_writers
	start_ready ./savefds_writers
	kill -STOP "$PID"
	wait_state "$PID" T
	"$BIN/savefds" --output=outside "$PID"
	kill -QUIT "$PID"
	kill -CONT "$PID"
	own_core . "$PID"
	sed 's/ : [0-9]* : / : N : /' <(own_descriptors outside) > a
	sed 's/ : [0-9]* : / : N : /' <(own_descriptors filedescriptors) > b
	[ "$(wc -l < a)" -eq 4 ]
	diff a b
}

# The files of savefds_writers are as long as the text says.
text_is_true() {
	local i size

	for i in 0 1 2 3; do
		size=$(stat -c %s "file$i")
		[ "$size" -gt 0 ]
		grep -qx "10$i : $WORK/file$i : $size : O_RDWR" filedescriptors || return 1
	done
}

@test "other threads do not run on between the text and the core" {
	build_program savefds_writers
	start_ready ./savefds_writers
	make_core . "$PID"
	text_is_true
}

@test "nor do they for an ordinary user" {
	build_program savefds_writers
	copy_programs
	start "${AS_USER[@]}" env LD_PRELOAD="$WORK/lib/libsavefds.so" ./savefds_writers > out
	wait_text out '^ready$'
	make_core . "$PID"
	text_is_true
}

@test "a process with threads can be saved, restarted, saved and restarted" {
	build_program savefds_writers
	start_ready ./savefds_writers
	make_core . "$PID"
	mv "$CORE" first
	now=first
	for next in second third; do
		before=$(stat -c %s file0)
		start "$BIN/restart" -n -w -f ./savefds_writers "$now"
		restart=$PID
		wait_until 20 longer file0 "$before"
		kill -QUIT "$restart"
		wait "$restart" || [ $? -eq 131 ]
		mv "$(find_core . "$restart")" "$next"
		text_is_true
		[ "$(tr -d x < file0 | wc -c)" -eq 0 ]
		now=$next
	done
}

longer() { [ "$(stat -c %s "$1")" -gt "$2" ]; }

@test "the core has all threads in the program's code and the signal's sender" {
	need gdb
	build_program savefds_writers
	start_ready ./savefds_writers
	make_core . "$PID"
	gdb -batch -ex 'thread apply all backtrace' -ex 'print $_siginfo.si_signo' \
		-ex 'print $_siginfo._sifields._kill.si_pid' savefds_writers "$CORE" > shown 2>&1
	[ "$(grep -c 'in append (' shown)" -eq 4 ]
	[ "$(grep -c 'in main (' shown)" -eq 1 ]
	lacks_text shown handle_signal
	grep -qx '$1 = 3' shown
	grep -qx "\$2 = $$" shown
}

@test "nothing is left behind when a process has been dumped" {
	build_program savefds_family
	build_program savefds_writers
	env --default-signal=QUIT ./savefds_family env LD_PRELOAD="$SAVEFDS" ./savefds_writers > out
	echo 'program: signal 3, core 1' | cmp - out
}

@test "a system call that waits is about to be issued again in the core" {
	need gdb
	build_program savefds_waits
	for call in sleep absolute poll select ppoll pause read epoll sigsuspend sigtimedwait; do
		start_saving ./savefds_waits "$call" > out
		wait_lines out 1
		wait_state "$PID" S
		make_core . "$PID"
		gdb -batch -ex 'x/i $pc' -ex 'p (long)$rax' -ex 'p (long)$orig_rax' \
			-ex 'p *(long *)$rdx' savefds_waits "$CORE" > shown 2>&1 || true
		number=$(cat out)
		# Either it has not been issued yet, or the kernel was about to do so (sigsuspend).
		if grep -q '=>.*syscall' shown; then
			grep -qx "\$1 = $number" shown || fail "$call: $(cat shown)"
		else
			grep -qx '$1 = -514' shown && grep -qx "\$2 = $number" shown ||
				fail "$call: $(cat shown)"
		fi
		if [ "$call" = sleep ]; then
			# Of its hour, a part is over: a second has begun, or more on a busy machine.
			grep -qx '$3 = 35[0-9][0-9]' shown || fail "$call: $(cat shown)"
		fi
		rm "$CORE"
	done
}

@test "a process that may not dump core dies as ever, and an older text stays" {
	build_program savefds_state
	mkdir below
	echo old > below/filedescriptors
	start bash -c "ulimit -S -c 0; exec env LD_PRELOAD=$SAVEFDS ./savefds_state" > out 2> err
	wait_text out '^ready$'
	status=0
	kill -QUIT "$PID"
	wait "$PID" || status=$?
	[ "$status" -eq 131 ]
	[ "$(cat below/filedescriptors)" = old ]
	grep -q 'libsavefds: no core can be dumped.*ulimit -c unlimited' err
	[ "$(ls below)" = filedescriptors ]
}

@test "a text that cannot be written does not keep the core from being dumped" {
	build_program savefds_state
	start_ready env SAVEFDS_FILE="$WORK/none/text" ./savefds_state
	make_core below "$PID"
	grep -qx "libsavefds: $WORK/none/text: cannot open its directory: .*" err
	[ ! -e below/filedescriptors ]
}

@test "a link in the text's place is not followed" {
	build_program savefds_state
	mkdir below
	echo precious > precious
	ln -s ../precious below/filedescriptors
	start_ready ./savefds_state
	make_core below "$PID"
	[ "$(cat precious)" = precious ]
	grep -q 'filedescriptors: is there and not a regular file' err
}

@test "SAVEFDS_FILE names the text, with the process id in it" {
	build_program savefds_state
	start_ready env SAVEFDS_FILE="$WORK/100%%.%p" ./savefds_state
	make_core below "$PID"
	grep -q '^102 : /dev/null' "100%.$PID"
	[ ! -e below/filedescriptors ]
}

@test "a program that resets its signals keeps the handler and is not told" {
	build_program savefds_dispositions
	start_ready ./savefds_dispositions reset
	printf 'default\ndefault\ndefault\ndefault\nready\n' | cmp - out
	make_core . "$PID"
	[ -s filedescriptors ]
}

@test "a program's own handler comes first" {
	build_program savefds_dispositions
	start_ready ./savefds_dispositions own
	kill -QUIT "$PID"
	wait "$PID"
	printf 'default\ndefault\nown\nready\nown handler\n' | cmp - out
	[ ! -e filedescriptors ]
}

@test "a signal that is ignored stays ignored unless SAVEFDS_FORCE is set" {
	build_program savefds_dispositions
	start_ready ./savefds_dispositions ignore
	printf 'default\ndefault\nignore\nready\n' | cmp - out
	start_saving env --ignore-signal=QUIT ./savefds_dispositions > inherited
	wait_text inherited ready
	printf 'ignore\nignore\nready\n' | cmp - inherited
	start_saving env --ignore-signal=QUIT SAVEFDS_FORCE=1 ./savefds_dispositions ignore > forced
	wait_text forced ready
	make_core . "$PID"
	[ -s filedescriptors ]
}

@test "SAVEFDS_SIGNALS adds signals that dump core and refuses others" {
	build_program savefds_signalled
	start_saving env SAVEFDS_SIGNALS='ABRT, TERM,SIGSEGV 8 NONE' SAVEFDS_FILE=%p \
		./savefds_signalled abort 2> err
	wait "$PID" || [ $? -eq 134 ]
	grep -q '^sigaction : SIGABRT : 0x' "$PID"
	grep -q '^sigaction : SIGSEGV : 0x' "$PID"
	grep -q '^sigaction : SIGFPE : 0x' "$PID"
	lacks_text "$PID" 'sigaction : SIGTERM'
	grep -qx 'libsavefds: SAVEFDS_SIGNALS: TERM: this signal dumps no core; ignored' err
	grep -qx 'libsavefds: SAVEFDS_SIGNALS: NONE: no such signal; ignored' err

	start_saving env SAVEFDS_SIGNALS=SEGV SAVEFDS_FILE=%p ./savefds_signalled fault
	wait "$PID" || [ $? -eq 139 ]
	[ -s "$PID" ]
	find_core . "$PID"
}

@test "a fault is dumped where it happened" {
	need gdb
	build_program savefds_signalled
	start_saving env SAVEFDS_SIGNALS=SEGV ./savefds_signalled fault
	wait "$PID" || [ $? -eq 139 ]
	gdb -batch -ex 'print $_siginfo._sifields._sigfault.si_addr' -ex backtrace \
		savefds_signalled "$(find_core . "$PID")" > shown 2>&1
	grep -q '^$1 = (void \*) 0x0$' shown
	grep -q '^#0 .* in main (' shown || grep -q '^#0 *main (' shown
}

@test "a thread with hardly any stack, a forked child and two signals at once are saved too" {
	build_program savefds_signalled
	for how in thread twice; do
		start_saving ./savefds_signalled "$how" 2> err
		wait "$PID" || [ $? -eq 131 ]
		[ -s filedescriptors ]
		find_core . "$PID"
		rm filedescriptors core*
		[ ! -s err ]
	done
	start_saving ./savefds_signalled child
	wait "$PID" || [ $? -eq 3 ]
	[ -s filedescriptors ]
}

@test "a process without a free descriptor is saved" {
	build_program savefds_state
	start bash -c "ulimit -S -n 300; exec env LD_PRELOAD=$SAVEFDS ./savefds_state full" \
		> out 2> err
	wait_text out '^ready$'
	wait_until 20 test -e "/proc/$PID/fd/299"
	make_core below "$PID"
	grep -q '^299 : .*/file : .* : dup [0-9]' below/filedescriptors
	grep -q '^rlimit : nofile : 300 : ' below/filedescriptors
}

@test "handlers survive savefds and gcore, which cannot see them" {
	need gdb
	build_program savefds_handlers
	start_saving ./savefds_handlers > out
	wait_text out '^ready$'
	gdb -p "$PID" -batch -ex "shell $BIN/savefds $PID" -ex 'gcore core.gdb' > shown 2>&1
	kill -KILL "$PID"
	grep -q '^sigaction : SIGUSR1 : caught$' filedescriptors
	"$BIN/restart" --check -f core.gdb > checked
	lacks_text checked handler
	"$BIN/restart" -f -n -w core.gdb
}

@test "a program can have its text written and go on" {
	build_program savefds_state
	start_ready ./savefds_state call
	grep -qx 'savefds: 0, -1 with errno 2' err
	grep -v ready out > lines
	has_every_line below/filedescriptors lines
	rm below/filedescriptors
	make_core below "$PID"
	has_every_line below/filedescriptors lines
}

@test "the library leaves a program as it is" {
	look='trap; ulimit -a; ls /proc/$$/fd'
	env --default-signal LD_PRELOAD="$SAVEFDS" bash -c "$look" > with 2>&1
	env --default-signal bash -c "$look" > without 2>&1
	cmp with without
}

@test "savefds says what is wrong in one line" {
	run "$BIN/savefds" 0x12
	[ "$status" -eq 1 ]
	[ "$output" = 'savefds: 0x12: is not a process id' ] || fail "$output"
	run "$BIN/savefds"
	[ "$status" -eq 125 ]
	[ "$output" = 'savefds: name one process id (try savefds --help)' ] || fail "$output"
	start true
	wait "$PID"
	run "$BIN/savefds" "$PID"
	[ "$status" -eq 1 ]
	[ "$output" = "savefds: process $PID: there is no such process (any more)" ] || fail "$output"
	# One that stands still, unlike this shell.
	start sleep 1000
	wait_text "/proc/$PID/comm" '^sleep$'
	run "$BIN/savefds" -o none/text "$PID"
	[ "$status" -eq 1 ]
	[ "$output" = 'savefds: none/text: cannot open its directory: No such file or directory' ] || fail "$output"
	run "$BIN/savefds" -o /dev/null "$PID"
	[ "$status" -eq 1 ]
	[ "$output" = 'savefds: /dev/null: is there and not a regular file; give another name' ] || fail "$output"
	[ -c /dev/null ]
	run "$BIN/savefds" --nonsense
	[ "$status" -eq 125 ]
	[ "$output" = 'savefds: unknown option --nonsense (try savefds --help)' ] || fail "$output"
}

@test "savefds tells of itself" {
	run "$BIN/savefds" --help
	[ "$status" -eq 0 ]
	[[ $output = Usage:* ]]
	run "$BIN/savefds" -v
	[ "$status" -eq 0 ]
	[[ $output =~ ^savefds\ [0-9.]+$ ]]
}
