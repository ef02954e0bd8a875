#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Programs that have themselves checkpointed: the command `ckpt PROGRAM', libckpt.so and its calls.

# shellcheck disable=SC2015,SC2154  # `fail' never succeeds; bats sets status and output
bats_require_minimum_version 1.5.0
load helper

# Not a wrapper script, whose checkpoint would be that of a shell with children.
PYTHON=/usr/bin/python3

setup() {
	common_setup
	PATH=$BIN:$PATH
	unset "${!CKPT_@}"
}

# counts_up FILE: its numbers are 1 2 3 ..., each once.
counts_up() {
	grep -x '[0-9]*' "$1" > numbers
	diff <(seq "$(wc -l < numbers)") numbers || fail "$1 does not count up"
}

# grows FILE: it gets more lines than it has.
grows() { wait_lines "$1" $(($(wc -l < "$1") + 3)); }

# here COMMAND...: runs it as start() does, and waits.
here() { (become "$@"); }

# build_linked NAME: as build_program, with -lckpt.
build_linked() {
	build_program "$1" -L "$LIB" -Wl,-rpath,"$LIB" -lckpt
}

# The process ended by itself with this status: ends PID STATUS.
ends() {
	local status=0

	wait "$1" || status=$?
	[ "$status" -eq "$2" ] || fail "process $1 ended with $status, not $2"
}

# The signal at which $PID is saved and ends.
save() {
	kill -TSTP "$PID"
	ends "$PID" 0
}

@test "the quick example works letter by letter" {
	terminal_open
	terminal_type "PATH=$BIN:.:\$PATH"
	terminal_expect '\$ '
	terminal_type 'ckpt foo                         # run foo with checkpointing'
	terminal_expect $'\n1\n2\n3\n'
	terminal_key '\x1a'
	terminal_expect '\$ '
	[[ ! $SHOWN =~ Stopped ]]
	last=$(grep -o '[0-9]*' <<< "3 $SHOWN" | tail -n 1)
	terminal_type 'echo status $?'
	terminal_expect 'status 0'
	terminal_type 'foo.ckpt                         # restart checkpoint'
	terminal_expect $'checkpoint\n'"$((last + 1))"$'\n'"$((last + 2))"$'\n'
	terminal_key '\x03'
	terminal_expect '\$ '
	terminal_type 'echo status $?'
	terminal_expect 'status 130'
}

# ---- Linking and configuration ---------------------------------------------------------------------

@test "a program is checkpointed by the command, by LD_PRELOAD, and linked with -lckpt" {
	build_program ckpt_lib_count
	cp ckpt_lib_count preloaded
	build_program ckpt_lib_count -L "$LIB" -Wl,-rpath,"$LIB" -Wl,--no-as-needed -lckpt
	cp ckpt_lib_count linked
	for how in "ckpt ./ckpt_lib_count" "env LD_PRELOAD=$LIB/libckpt.so ./preloaded" ./linked; do
		rm -f go
		# shellcheck disable=SC2086
		start $how > out 2> err
		wait_lines out 3
		save
		start "./${how##*/}.ckpt" 2> err
		grows out
		touch go
		ends "$PID" 7
		counts_up out
	done
}

@test "the environment configures the library" {
	build_linked ckpt_lib_config
	touch go
	run ./ckpt_lib_config
	[ "${lines[0]}" = "ckpt_lib_config.ckpt 20 0 0 1" ]
	run env CKPT_NAME=a/b CKPT_ASYNCSIG=SIGUSR1 CKPT_CONTINUE=1 CKPT_MSPERIOD=100000 CKPT_KEEP=3 \
		./ckpt_lib_config
	[ "${lines[0]}" = "a/b 10 1 100000 3" ]
	for no in 0 '' false no; do
		run env CKPT_CONTINUE="$no" CKPT_ASYNCSIG=0 ./ckpt_lib_config
		[ "${lines[0]}" = "ckpt_lib_config.ckpt 0 0 0 1" ]
	done
	run env CKPT_ASYNCSIG=SIGKILL CKPT_MSPERIOD=soon ./ckpt_lib_config
	[[ ${lines[0]} == "ckpt_lib_config: CKPT_ASYNCSIG=SIGKILL: "*ignored ]]
	[[ ${lines[1]} == "ckpt_lib_config: CKPT_MSPERIOD=soon: "*ignored ]]
	[ "${lines[2]}" = "ckpt_lib_config.ckpt 20 0 0 1" ]
}

@test "the options of ckpt are the environment of the library" {
	build_linked ckpt_lib_config
	touch go
	mkdir sub
	run ckpt -n sub/name -c -a USR2 -z 90000 --keep=4 ./ckpt_lib_config
	[ "${lines[0]}" = "$WORK/sub/name 12 1 90000 4" ]
	run env CKPT_NAME=other CKPT_ASYNCSIG=10 ckpt --name="$WORK/abs" --signal=0 ./ckpt_lib_config
	[ "${lines[0]}" = "$WORK/abs 0 0 0 1" ]
	run env CKPT_NAME=other CKPT_ASYNCSIG=10 ckpt ./ckpt_lib_config
	[ "${lines[0]}" = "other 10 0 0 1" ]
}

@test "ckpt_config tells the configuration and changes it" {
	build_linked ckpt_lib_config
	start env CKPT_NAME=first CKPT_CONTINUE=yes ./ckpt_lib_config change > out
	wait_lines out 3
	diff out - <<-END
		first 20 1 0 1
		first 20 1 0 1
		changed 12 0 0 1
	END
	kill -USR2 "$PID"
	ends "$PID" 0
	touch go
	./changed
	[ "$(tail -n 1 out)" = end ]
	[ ! -e first ]
}

@test "after ckpt_config the former signal does again what it did" {
	build_linked ckpt_lib_config
	start env CKPT_ASYNCSIG=SIGTERM ./ckpt_lib_config change > out
	wait_lines out 3
	kill -TERM "$PID"
	ends "$PID" 143
}

# ---- Hooks and calls ---------------------------------------------------------------------------------

@test "ckpt_ckpt returns 0 after a checkpoint and 1 after a restart, with the hooks around it" {
	build_linked ckpt_lib_calls
	CKPT_CONTINUE=1 here ./ckpt_lib_calls ./saved > out
	diff out - <<-END
		ready
		pre1
		pre2
		post1
		post2
		returned 0
	END
	printf '%s\n' ready pre1 pre2 > out  # what was there at the checkpoint
	./saved
	diff out - <<-END
		ready
		pre1
		pre2
		restart2
		restart1
		returned 1
	END
}

@test "a program that does not continue ends in ckpt_ckpt, with no other hook than those before" {
	build_linked ckpt_lib_calls
	here ./ckpt_lib_calls ./saved > out
	printf '%s\n' ready pre1 pre2 | diff out -
	./saved
	[ "$(tail -n 1 out)" = "returned 1" ]
}

@test "hooks are called at the signal, too" {
	build_linked ckpt_lib_calls
	start env CKPT_CONTINUE=1 ./ckpt_lib_calls > out
	wait_text out ready
	kill -TSTP "$PID"
	wait_text out post2
	touch go
	ends "$PID" 0
	printf '%s\n' ready pre1 pre2 post1 post2 end | diff - out
	printf '%s\n' ready pre1 pre2 > out
	./ckpt_lib_calls.ckpt
	printf '%s\n' ready pre1 pre2 restart2 restart1 end | diff - out
}

@test "ckpt_ckpt fails with -1 and one line, no hook is called afterwards, and the program goes on" {
	build_linked ckpt_lib_calls
	here ./ckpt_lib_calls ./nowhere/saved > out 2> err
	printf '%s\n' ready pre1 pre2 "returned -1" | diff - out
	[ "$(wc -l < err)" -eq 1 ]
	grep -q '^ckpt_lib_calls: not checkpointed: .*nowhere' err
}

@test "a descriptor and memory are left out where the program asks for it" {
	build_linked ckpt_lib_exclude
	here ./ckpt_lib_exclude > out
	[ ! -s out ]
	here ./saved
	[ "$(< out)" = "1 0 120 0 120" ]
}

@test "a checkpoint that fails leaves the program running and the older one whole" {
	[ "$(id -u)" -eq 0 ] || skip "a full disk needs root"
	build_program ckpt_lib_count
	mkdir full
	mount -t tmpfs -o size=2m none full
	echo older > full/saved
	start ckpt -n full/saved ./ckpt_lib_count > out 2> err
	wait_lines out 3
	kill -TSTP "$PID"
	wait_lines err 1 || { umount full; false; }
	grows out || { umount full; false; }
	older=$(< full/saved)
	others=$(find full -type f | wc -l)
	umount full
	[ "$older" = older ] && [ "$others" -eq 1 ]
	grep -qx 'ckpt_lib_count: not checkpointed: .*: No space left on device.*; make room or name a file on another disk' err
	[ "$(wc -l < err)" -eq 1 ]
	touch go
	ends "$PID" 7
	counts_up out
}

@test "an ordinary user's checkpoint fails where the user may not write" {
	build_program ckpt_lib_count
	mkdir mine theirs
	copy_programs
	chmod 777 mine theirs
	cd mine
	start "${AS_USER[@]}" "$WORK/bin/ckpt" -n ../theirs/saved ../ckpt_lib_count > out 2> err
	wait_lines out 3
	chmod 555 ../theirs
	kill -TSTP "$PID"
	wait_text err '^ckpt_lib_count: not checkpointed: .*/theirs/saved.*Permission denied'
	grows out
	touch go
	ends "$PID" 7
}

@test "a period that fails says so once, and again after a success" {
	build_program ckpt_lib_count
	mkdir theirs
	copy_programs
	touch out err
	chmod a+w out err
	start "${AS_USER[@]}" "$WORK/bin/ckpt" -z 20 -n theirs/saved ./ckpt_lib_count > out 2> err
	wait_until 20 test -e theirs/saved
	chmod 555 theirs
	wait_lines err 1
	wait_lines out $(($(wc -l < out) + 30))
	[ "$(wc -l < err)" -eq 1 ]
	chmod 777 theirs
	rm -f theirs/saved
	wait_until 20 test -e theirs/saved
	[ "$(wc -l < err)" -eq 1 ]
	chmod 555 theirs
	wait_lines err 2
	touch go
	ends "$PID" 7
	chmod 777 theirs
}

# ---- What the program keeps ----------------------------------------------------------------------------

@test "the program's environment and arguments are back, and those of the restart are ignored" {
	build_program ckpt_lib_count
	start env WORD=original ckpt ./ckpt_lib_count argument > out
	wait_lines out 3
	save
	touch go
	run -7 env WORD=other ./ckpt_lib_count.ckpt --help 3>&-
	[ "$(tail -n 1 out)" = "argument original" ]
}

@test "the program of the command is the process that was started" {
	build_program ckpt_lib_count
	start ckpt ./ckpt_lib_count > out
	wait_lines out 3
	[ "$(readlink "/proc/$PID/exe")" = "$WORK/ckpt_lib_count" ]
	[ -z "$(pgrep -P "$PID")" ]
	save
	start ./ckpt_lib_count.ckpt
	grows out
	[ -z "$(pgrep -P "$PID")" ]
	touch go
	ends "$PID" 7
}

@test "a system call that waits goes on after the checkpoint and after the restart" {
	build_program savefds_waits
	for call in sleep absolute poll select ppoll pause read epoll sigsuspend sigtimedwait; do
		start ckpt -c ./savefds_waits "$call" > out
		wait_lines out 1
		wait_state "$PID" S
		kill -TSTP "$PID"
		wait_until 20 test -s savefds_waits.ckpt
		wait_state "$PID" S
		kill -KILL "$PID"
		start ./savefds_waits.ckpt
		wait_state "$PID" S
		kill -KILL "$PID"
		[ "$(wc -l < out)" -eq 1 ] || fail "$call: $(< out)"
		rm savefds_waits.ckpt
	done
}

@test "with -c the program goes on and each signal makes a newer checkpoint" {
	build_program ckpt_lib_count
	start ckpt -c ./ckpt_lib_count > out 2> err
	for _ in 1 2 3; do
		rm -f ckpt_lib_count.ckpt
		grows out
		kill -TSTP "$PID"
		wait_until 20 test -e ckpt_lib_count.ckpt
	done
	cp out before
	touch go
	ends "$PID" 7
	counts_up out
	cp before out
	rm go
	start ./ckpt_lib_count.ckpt
	# What was written behind the checkpoint is written again.
	wait_lines out $(($(wc -l < before) + 3))
	touch go
	ends "$PID" 7
	counts_up out
	[ ! -s err ]
}

@test "checkpoints come periodically, and the last ones are kept" {
	build_program ckpt_lib_count
	start ckpt -z 50 --keep=3 ./ckpt_lib_count > out 2> err
	wait_until 20 test -e ckpt_lib_count.ckpt.2
	grows out
	save
	[ ! -e ckpt_lib_count.ckpt.3 ]
	for checkpoint in ckpt_lib_count.ckpt ckpt_lib_count.ckpt.[12]; do
		restart --check "$checkpoint"
	done
	# The restarted program goes on with its period.
	rm ckpt_lib_count.ckpt.*
	start ./ckpt_lib_count.ckpt
	wait_until 20 test -e ckpt_lib_count.ckpt.2
	touch go
	ends "$PID" 7
	counts_up out
	[ ! -s err ]
}

@test "a program that takes the signal by sigwait() in one thread and blocks it in the others has its period" {
	build_program ckpt_lib_sigwait
	start ckpt -z 50 ./ckpt_lib_sigwait > out
	wait_text out ready
	# One may have been on its way.
	for _ in 1 2; do
		rm -f ckpt_lib_sigwait.ckpt
		wait_until 20 test -e ckpt_lib_sigwait.ckpt
	done
	kill -TSTP "$PID"
	ends "$PID" 0
	# Nothing but the one signal that was sent has come to it.
	printf '%s\n' ready "signal $(kill -l TSTP)" | diff - out
}

@test "the signal of the period asks for nothing when somebody else sends it" {
	build_program ckpt_lib_count
	start ckpt -z 1000000 ./ckpt_lib_count > out
	wait_lines out 3
	kill -61 "$PID"
	grows out
	touch go
	ends "$PID" 7
	counts_up out
	[ ! -e ckpt_lib_count.ckpt ]
}

@test "a signal that comes during a checkpoint still ends a pause()" {
	need "$PYTHON"
	for _ in 1 2 3 4 5; do
		# Nearly all the time there is a checkpoint.  A second alarm would end what hangs.
		start ckpt -z 1 "$PYTHON" -u -c '
import signal
waits = False
def rung(*a):
    if waits:
        print("alarm")
    else:  # too early
        signal.setitimer(signal.ITIMER_REAL, 0.4, 10)
signal.signal(signal.SIGALRM, rung)
signal.setitimer(signal.ITIMER_REAL, 0.4, 10)
waits = True
signal.pause()
print("end")' > out
		wait_text out end 5
		ends "$PID" 0
		printf '%s\n' alarm end | diff - out
	done
}

@test "a period leaves alarm() and setitimer() to the program" {
	need "$PYTHON"
	start ckpt -z 30 "$PYTHON" -u -c '
import os, signal, time
rung = []
signal.signal(signal.SIGALRM, lambda *a: rung.append(print("alarm")))
signal.setitimer(signal.ITIMER_REAL, 0.2)
while not rung or not os.path.exists("python3.ckpt"):
    time.sleep(0.01)
print("end")' > out
	ends "$PID" 0
	printf '%s\n' alarm end | diff - out
}

@test "a program that would lose something is not ended" {
	start ckpt -n saved bash -c 'exec 5> >(cat > got); echo ready
		until [ -e go ]; do sleep 0.01; done; echo still >&5; echo end' > out 2> err
	wait_text out ready
	kill -TSTP "$PID"
	wait_text err '^bash: not checkpointed: descriptor 5 was a pipe to another process .*(with ckpt -c, or CKPT_CONTINUE=1 in its environment, it is saved'
	[ ! -e saved ]
	touch go
	ends "$PID" 0
	wait_text got still
}

# ---- Children ------------------------------------------------------------------------------------------

@test "a child that executes another program has a checkpoint of its own" {
	build_program ckpt_lib_count
	mkdir sub
	start ckpt -n sub/parent.ckpt bash -c './ckpt_lib_count > counted & echo $! > child; wait; echo end' > out
	wait_lines counted 3
	child=$(< child)
	kill -TSTP "$child"
	wait_until 20 test -e "sub/ckpt_lib_count.$child.ckpt"
	ends "$PID" 0
	[ "$(< out)" = end ]
	[ ! -e sub/parent.ckpt ]
	start "sub/ckpt_lib_count.$child.ckpt"
	grows counted
	touch go
	ends "$PID" 7
	counts_up counted
}

@test "a child whose environment was cleared is ended by the signal, and not checkpointed" {
	need "$PYTHON"
	cat > child.py <<-'END'
		import os, signal
		print("ready", os.getpid(), flush=True)
		signal.pause()
	END
	# shellcheck disable=SC2016  # the inner shell's
	start ckpt -a USR1 sh -c 'env -i "$0" child.py & wait $!; echo status $?' "$PYTHON" > out
	wait_text out '^ready'
	kill -USR1 "$(sed -n 's/^ready //p' out)"
	ends "$PID" 0
	has_text out "^status $((128 + $(kill -l USR1)))$"
	[ -z "$(find . -name '*.ckpt')" ]
}

@test "a child made by fork has a checkpoint of its own, and its period" {
	need "$PYTHON"
	cat > forks.py <<-'END'
		import os, time
		if os.fork() == 0:
		    print(os.getpid(), flush=True)
		while not os.path.exists("go"):
		    time.sleep(0.01)
	END
	start ckpt -z 50 "$PYTHON" forks.py > out
	wait_lines out 1
	wait_until 20 test -e "python3.$(< out).ckpt"
	wait_until 20 test -e python3.ckpt
	touch go
	ends "$PID" 0
	here "./python3.$(< out).ckpt"
	here ./python3.ckpt
	[ "$(find . -name 'python3*' | wc -l)" -eq 2 ]
}

@test "a program that executes another one keeps the name to itself" {
	build_program ckpt_lib_count
	start ckpt -n kept bash -c 'exec ./ckpt_lib_count' > out
	wait_lines out 3
	save
	touch go
	run -7 here ./kept
}

@test "where the library is not, the children of a restarted program are not told to load it" {
	copy_programs
	mkfifo fifo
	start "$WORK/bin/ckpt" bash -c 'until [ -e go ]; do read -t 0.02 <> fifo; done; env > environment; ls go' > out 2> err
	wait_until 20 has_text "/proc/$PID/maps" libckpt.so
	wait_until 20 has_text "/proc/$PID/comm" bash
	save
	rm -r lib bin
	touch go
	./bash.ckpt
	[ "$(< out)" = go ]
	[ ! -s err ] || fail "$(< err)"
	lacks_text environment 'LD_PRELOAD=.*libckpt'
}

# ---- Programs that have their own mind about the signal --------------------------------------------------

@test "a program that handles, ignores or resets the signal is checkpointed all the same" {
	need "$PYTHON"
	cat > minds.py <<-'END'
		import os, signal, sys, time
		def handler(*a): pass
		wanted = {"handler": handler, "ignore": signal.SIG_IGN, "default": signal.SIG_DFL}[sys.argv[1]]
		signal.signal(signal.SIGTSTP, wanted)
		print(signal.getsignal(signal.SIGTSTP) == wanted, flush=True)
		while not os.path.exists("go"):
		    time.sleep(0.01)
		print("end")
	END
	for mind in handler ignore default; do
		rm -f go
		start ckpt "$PYTHON" minds.py "$mind" > out
		wait_text out True
		save
		touch go
		here ./python3.ckpt
		[ "$(tail -n 1 out)" = end ]
	done
}

@test "a program that waits for the signal itself gets it, and is not checkpointed" {
	need "$PYTHON"
	cat > waits.py <<-'END'
		import os, signal
		signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTSTP])
		print("ready", flush=True)
		print(signal.sigwait([signal.SIGTSTP]) == signal.SIGTSTP)
	END
	start ckpt "$PYTHON" waits.py > out
	wait_text out '^ready'
	kill -TSTP "$PID"
	ends "$PID" 0
	printf '%s\n' ready True | diff - out
	[ ! -e python3.ckpt ]
}

@test "the terminal of a program that ends with its checkpoint has the modes of before" {
	printf '%s\n' 'import os, tty, time' 'tty.setraw(0, when=0)' 'open("pid", "w").write(str(os.getpid()))' \
		'print("entered", end="\r\n", flush=True)' 'time.sleep(1000)' > raw.py
	terminal_open
	terminal_type "$BIN/ckpt -a USR1 -n raw $PYTHON raw.py; stty -a | tr ' ' '\\n' | grep -x -e '-*icanon' -e '-*echo'"
	terminal_expect 'entered'
	kill -USR1 "$(< pid)"
	terminal_expect $'icanon\n'
	[[ $SHOWN != *-icanon* ]] && [[ $SHOWN != *'-' ]] || fail "$SHOWN"
	terminal_expect $'echo\n'
	[[ $SHOWN != *'-' ]] || fail "$SHOWN"
}

@test "a program that has used much of its stack keeps its handlers" {
	build_program ckpt_lib_deep
	start ckpt ./ckpt_lib_deep > out 2> err
	wait_text out '^ready'
	save
	touch go
	run -7 ./ckpt_lib_deep.ckpt 3>&-
	[ "$(tail -n 1 out)" = handled ]
	[ ! -s err ]
}

@test "a program that uses sigset() for the signal is checkpointed all the same" {
	build_program ckpt_lib_sigset
	start ckpt ./ckpt_lib_sigset > out
	wait_text out '^ready'
	save
	[ -x ckpt_lib_sigset.ckpt ]
}

@test "bash, which sets every signal, is checkpointed while it reads from a terminal" {
	terminal_open
	terminal_type "$BIN/ckpt -a USR1 bash --norc --noprofile --noediting -i"
	terminal_type 'PS1="in""ner "; variable=kept; kill -USR1 $$'
	terminal_expect '\$ '
	terminal_type 'echo "status $?"; ls; ./bash.ckpt'
	terminal_expect 'status 0'
	terminal_expect 'bash.ckpt'
	terminal_expect 'inner '
	terminal_type 'echo $variable'
	terminal_expect 'kept'
	terminal_type 'exit 5'
	terminal_expect '\$ '
	terminal_type 'echo status $?'
	terminal_expect 'status 5'
}

# ---- --resume ----------------------------------------------------------------------------------------------

@test "one command line serves the first run and every later one" {
	build_program ckpt_lib_count
	command=(ckpt --resume -n job.ckpt ./ckpt_lib_count)
	start "${command[@]}" > out
	wait_lines out 3
	save
	start "${command[@]}"
	grows out
	save
	touch go
	start "${command[@]}"
	ends "$PID" 7
	counts_up out
}

@test "a checkpoint that is cut off is passed over for an older one, and never overwritten" {
	build_program ckpt_lib_count
	start ckpt -c --keep=2 -n job ./ckpt_lib_count > out
	wait_lines out 3
	kill -TSTP "$PID"
	wait_until 20 test -e job
	kill -TSTP "$PID"
	wait_until 20 test -e job.1 -a ! job -ef job.1
	touch go
	ends "$PID" 7
	truncate -s -4096 job
	cp job cut
	run -7 here ckpt --resume -n job ./ckpt_lib_count
	[[ $output == *"job: truncated:"*"; an older one is whole"*"ckpt: continuing ./ckpt_lib_count from "*"job.1"* ]]
	rm job.1
	run -125 here ckpt --resume -n job ./ckpt_lib_count
	[[ $output == *"job: truncated:"*"; there is none to continue from (give another name, or remove it to start the program afresh)" ]]
	cmp job cut
	echo text > job
	run -125 here ckpt --resume -n job ./ckpt_lib_count
	[[ $output == *"job: is there and no checkpoint"* ]]
	[ "$(< job)" = text ]
}

@test "--resume says what it continues, and refuses another program" {
	compile counts "${CC:-gcc}" -g -Wl,--build-id "$ROOT/tests/programs/ckpt_lib_count.c"
	printf '#!/bin/sh\nexec ./counts\n' > wrapper
	chmod +x wrapper
	start ckpt -n job ./wrapper > out
	wait_lines out 3
	save
	touch go
	run -125 here ckpt --resume -n job ./counts
	[ "$output" = "ckpt: $WORK/job: is a checkpoint of $WORK/wrapper and not of $WORK/counts (run $WORK/job to continue that, or give another name)" ]
	PATH=$PATH:. run -7 here ckpt --resume -n job wrapper
	[ "${lines[0]}" = "ckpt: continuing ./counts from $WORK/job" ]
	compile counts "${CC:-gcc}" -O2 -Wl,--build-id "$ROOT/tests/programs/ckpt_lib_count.c"
	run -7 here ckpt --resume -n job ./wrapper
	[ "${lines[0]}" = "ckpt: continuing ./counts from $WORK/job, in the old build of counts (remove $WORK/job to start the new one)" ]
}

@test "--resume continues a program that was moved" {
	compile counts "${CC:-gcc}" -g -Wl,--build-id "$ROOT/tests/programs/ckpt_lib_count.c"
	start ckpt -n job ./counts word > out
	wait_lines out 3
	save
	touch go
	mkdir elsewhere && mv counts elsewhere
	run -7 here ckpt --resume -n job elsewhere/counts
	[ "${lines[0]}" = "ckpt: continuing ./counts word from $WORK/job" ]
	cp elsewhere/counts other
	run -125 here ckpt --resume -n job ./other
}

# ---- The command ---------------------------------------------------------------------------------------------

@test "a program that is not there, cannot be run, or cannot be checkpointed is refused" {
	run -127 ckpt ./nothing
	run -127 ckpt nothing-of-that-name
	mkdir -m 0 closed
	chmod 755 .
	cp "$BIN/ckpt" .
	run -127 as_user env PATH="$WORK/closed:/bin" "$WORK/ckpt" nothing-of-that-name
	touch plain
	run -126 ckpt ./plain
	run -126 ckpt .
	run -125 ckpt -a SIGKILL true
	run -125 ckpt -z soon true
	[ "$(id -u)" -eq 0 ] || skip "a set-uid program needs root"
	cp /bin/sleep setuid
	chmod 4755 setuid
	chmod 755 .
	run -126 as_user "$BIN/ckpt" ./setuid 1
	[[ $output == *"set-uid"* ]]
}

@test "a folder where no checkpoint can be written is said before the program runs" {
	copy_programs
	mkdir shut
	cd shut
	chmod 555 .
	run -125 as_user "$WORK/bin/ckpt" touch ../ran
	[ "$output" = 'ckpt: touch.ckpt: no checkpoint can be written there: Permission denied (-n NAME writes it elsewhere)' ]
	run -125 as_user "$WORK/bin/ckpt" -n ran touch ../ran
	[ "$output" = "ckpt: $WORK/shut/ran: no checkpoint can be written there: Permission denied" ]
	[ ! -e ../ran ]
	as_user "$WORK/bin/ckpt" -a 0 true
	as_user "$WORK/bin/ckpt" -n ../elsewhere true
}

@test "a script is run, and its checkpoint has its name" {
	printf '#!/bin/sh\nuntil [ -e go ]; do sleep 0.02; done; echo end\n' > job.sh
	chmod +x job.sh
	start ckpt ./job.sh > out
	wait_until 20 has_text "/proc/$PID/cmdline" job.sh
	save
	touch go
	./job.sh.ckpt
	[ "$(< out)" = end ]
}

@test "the command stands alone, for an ordinary user without a home" {
	build_program ckpt_lib_count
	mkdir alone cache
	cp "$BIN/ckpt" alone/ckpt
	touch out err
	chmod 777 . cache out err
	start "${AS_USER[@]}" HOME=/nonexistent XDG_CACHE_HOME="$WORK/cache" alone/ckpt ./ckpt_lib_count > out 2> err
	wait_lines out 3
	[[ $(echo cache/ckpt/*) == cache/ckpt/libckpt-*.so ]]
	save
	rm -r cache
	start "${AS_USER[@]}" ./ckpt_lib_count.ckpt 2> err
	grows out || fail "$(< err)"
	# Nothing is installed any more, and it can be checkpointed again.
	rm -r alone
	save
	touch go
	start "${AS_USER[@]}" ./ckpt_lib_count.ckpt
	ends "$PID" 7
	counts_up out
}

@test "the library is not put into a folder that others can write to" {
	mkdir -m 777 shared private
	mkdir -m 777 shared/ckpt
	cp "$BIN/ckpt" ckpt
	XDG_CACHE_HOME=$WORK/shared HOME=$WORK/private ./ckpt true
	[ -z "$(ls shared/ckpt)" ]
	[[ $(echo private/.cache/ckpt/*) == private/.cache/ckpt/libckpt-*.so ]]
	# A file that is not the library any more is replaced.
	echo spoilt > private/.cache/ckpt/libckpt-*.so
	XDG_CACHE_HOME=$WORK/shared HOME=$WORK/private ./ckpt true
	cmp -s "$LIB/libckpt.so" private/.cache/ckpt/libckpt-*.so
}

# ---- Static programs -----------------------------------------------------------------------------------------

# ckpt_lib_count is checkpointed twice, and nothing of it is lost.
counts_on() {
	rm -f go
	start env WORD=original ckpt ./ckpt_lib_count argument > out 2> err
	wait_lines out 3
	[ -z "$(pgrep -P "$PID")" ]
	save
	start ./ckpt_lib_count.ckpt
	grows out
	save
	touch go
	start ./ckpt_lib_count.ckpt
	ends "$PID" 7
	counts_up out
	[ "$(tail -n 1 out)" = "argument original" ]
	[ ! -s err ]
}

@test "a static program is checkpointed by the command, again and again" {
	for kind in -static "-static-pie -fPIE"; do
		# shellcheck disable=SC2086
		build_program ckpt_lib_count $kind
		counts_on
	done
}

@test "a static program has its period, and a call that waits goes on" {
	build_program ckpt_lib_count -static
	start ckpt -z 50 --keep=2 ./ckpt_lib_count > out 2> err
	wait_until 20 test -e ckpt_lib_count.ckpt.1
	touch go
	ends "$PID" 7
	counts_up out
	build_program savefds_waits -static
	start ckpt -c -a USR2 ./savefds_waits sleep > out
	wait_lines out 1
	wait_state "$PID" S
	kill -USR2 "$PID"
	wait_until 20 test -s savefds_waits.ckpt
	wait_state "$PID" S
	[ "$(wc -l < out)" -eq 1 ]
}

@test "a static program of an ordinary user is checkpointed" {
	build_program ckpt_lib_count -static
	copy_programs
	start "${AS_USER[@]}" "$WORK/bin/ckpt" -n saved ./ckpt_lib_count > out
	wait_lines out 3
	save
	touch go
	run -7 here ./saved
	counts_up out
}

@test "a program of musl is checkpointed, linked statically or not" {
	need musl-gcc
	for kind in -static -O1; do
		CC=musl-gcc build_program ckpt_lib_count "$kind"
		counts_on
	done
}

# ---- What may happen to the engine ------------------------------------------------------------------------------

# The engine that writes a checkpoint of PID, which must write for a while: engine_of PID.
engine_of() { pgrep -f -- "ckpt --pid=$1 " | head -n 1; }

@test "when the engine is killed the program goes on and says so, and the older checkpoint is whole" {
	need "$PYTHON"
	cat > large.py <<-'END'
		import os, time
		memory = os.urandom(400 << 20)
		print("ready", flush=True)
		while not os.path.exists("go"):
		    time.sleep(0.01)
		print(len(memory) >> 20)
	END
	for how in "" -c; do
		rm -f go
		echo older > python3.ckpt
		# shellcheck disable=SC2086
		start ckpt $how "$PYTHON" large.py > out 2> err
		wait_text out ready
		kill -TSTP "$PID"
		wait_until 20 engine_of "$PID"
		kill -KILL "$(engine_of "$PID")"
		touch go
		ends "$PID" 0
		printf '%s\n' ready 400 | diff - out
		[ "$(< python3.ckpt)" = older ]
		[ "$how" = -c ] || grep -qx 'python3: not checkpointed: the engine was killed' err
	done
}

# The program catches SIGTSTP, or has ended: is_enabled PID.
is_enabled() {
	local caught

	caught=$(sed -n 's/^SigCgt:\s*/0x/p' "/proc/$1/status") || return 0
	((caught >> 19 & 1)) || in_state "$1" Z
}

@test "programs that are interrupted at random, again and again, print what they print undisturbed" {
	need "$PYTHON"
	local times=${SOAK:+50}
	cat > work.py <<-'END'
		import hashlib, threading
		lock, sums = threading.Lock(), {}
		def work(n):
		    h = hashlib.sha256(b"%d" % n)
		    for i in range(60000):
		        h = hashlib.sha256(h.digest())
		        if i % 6000 == 0:
		            with lock: sums[n, i] = h.hexdigest()
		threads = [threading.Thread(target=work, args=(n,)) for n in range(3)]
		for t in threads: t.start()
		for t in threads: t.join()
		for key in sorted(sums): print(key, sums[key])
	END
	"$PYTHON" work.py > undisturbed
	command=(ckpt --resume -n job "$PYTHON" work.py)
	for ((i = 0; i < ${times:-5}; i++)); do
		start "${command[@]}" >> out
		wait_until 20 is_enabled "$PID"
		sleep "0.$((RANDOM % 3))$((RANDOM % 10))"  # at a random moment: no synchronisation
		kill -TSTP "$PID" 2>/dev/null || true
		ends "$PID" 0
		[ ! -s out ] || break
	done
	[ -s out ] || here "${command[@]}"
	diff undisturbed out
}

# ---- The examples ------------------------------------------------------------------------------------------------

@test "the example synchronous goes back to its checkpoint" {
	run here "$BIN/synchronous"
	[ "$status" -eq 0 ]
	printf '%s\n' 'the sum is 55' 'now it is spoilt, so back to the checkpoint' \
		'after the restart the sum is 55' | diff - <(echo "$output")
}

@test "the example hooks has its notes opened again where it goes on" {
	start "$BIN/hooks" > out
	wait_lines out 1
	save
	[ "$(< hooks.notes)" = started ]
	rm hooks.notes
	start ./hooks.ckpt
	wait_text hooks.notes restarted
}

@test "the example periodic goes on from its last checkpoint when it is killed" {
	start "$BIN/periodic" > out
	wait_until 20 test -e periodic.ckpt
	kill -KILL "$PID"
	start ./periodic.ckpt
	wait_lines out 2
	kill -KILL "$PID"
	expected='0 primes below 0
78498 primes below 1000000'
	[ "$(head -n 2 out)" = "$expected" ]
}

@test "the example warm_start is started and then serves what is asked" {
	need "$PYTHON"
	# A pipe to somebody else becomes that of who starts the checkpoint.
	coproc HOLDER { become sleep 100; }
	STARTED+=("$HOLDER_PID")
	here ckpt "$ROOT/examples/warm_start.py" <&"${HOLDER[0]}" > out
	[ ! -s out ]
	here ./warm < <(echo '{"b": 2, "a": 1}')
	printf '%s\n' '{' ' "a": 1,' ' "b": 2' '}' | diff - out
}
