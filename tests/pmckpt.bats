#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Programs with marks in their source: ckptcvt, pmckpt.o, checkpoint.

# shellcheck disable=SC2015,SC2154  # `fail' never succeeds; bats sets status and output
bats_require_minimum_version 1.5.0
load helper

EXAMPLES=$ROOT/examples/pmckpt

setup() {
	common_setup
	PATH=$BIN:$PATH
	unset "${!CKPT@}"
	cp "$LIB"/pmckpt.[oh] "$LIB/pmceot.o" .
}

# convert SOURCE PROGRAM [FLAG...]: by the commands of the manual.
convert() {
	local source=$1 program=$2

	shift 2
	ckptcvt < "$source" > tmp.c
	"${CC:-cc}" -Wall -Wextra -Werror "$@" -c tmp.c
	"${CC:-cc}" "$@" -o "$program" pmckpt.o tmp.o pmceot.o
}

# build_marked NAME [FLAG...]: of tests/programs.
build_marked() {
	local name=$1

	shift
	convert "$ROOT/tests/programs/$name.c" "$name" "$@"
}

# The output of test.c.
thirteen() {
	printf '%s\n' 'main 0' 'main 1' 'sub1 11' 'sub2 110' 'sub1 12' 'sub2 120' 'sub1 10' \
		'main 2' 'sub1 21' 'sub2 210' 'sub1 22' 'sub2 220' 'sub1 20'
}

# ends PID STATUS: the process ended by itself, or by the signal, with this status.
ends() {
	local status=0

	wait "$1" || status=$?
	[ "$status" -eq "$2" ] || fail "process $1 ended with $status, not $2"
}

# interrupt PID: as ^C does, and waits for the checkpoint.
interrupt() {
	local before

	before=$(identity)
	kill -INT "$1"
	wait_until 20 newer "$before"
}
# resumed NAME: the program goes on; what is sent from now on is for it.
resumed() { wait_text "/proc/$PID/comm" "^$1\$"; }
identity() { stat -c '%i %z' CHECKPOINT 2>/dev/null || echo none; }
newer() { [ "$(identity)" != "$1" ] && [ -e CHECKPOINT ]; }

# start_and_crash: test writes to foo, is told to save itself after some lines, and dies after more.
start_and_crash() {
	start ./tmp 50 > foo
	wait_lines foo 4
	interrupt "$PID"
	wait_lines foo "$(($(wc -l < foo) + 2))"
	kill -QUIT "$PID"
	ends "$PID" 131
}

# ---- The tests of the text -------------------------------------------------------------------------

@test "test.c is converted, compiled and linked by the commands of the manual, and prints 13 lines" {
	cp "$EXAMPLES/test.c" .
	ckptcvt < test.c > tmp.c
	cc -c tmp.c
	cc -o tmp pmckpt.o tmp.o pmceot.o
	./tmp 0 > out
	thirteen | diff - out
	[ ! -e CHECKPOINT ]
	[ "$(sed -n '39s/[[:space:]]//gp' test.c)" = 'sub1(i);' ]  # as the manual says
}

@test "^C at any moment, and checkpoint goes on from there, as often as one likes" {
	convert "$EXAMPLES/test.c" tmp
	terminal_open
	terminal_type "PATH=$BIN:\$PATH; ulimit -c 0"
	terminal_expect '\$ '
	terminal_type './tmp 300'
	terminal_expect 'main 1'
	terminal_key '\x03'
	wait_until 20 test -e CHECKPOINT
	terminal_key '\x1c'
	terminal_expect 'Quit'
	# What was shown behind the checkpoint is shown again; nothing is left out.
	terminal_type 'checkpoint tmp CHECKPOINT'
	terminal_expect $'(main|sub1|sub2) [0-9]+\n'
	before=$(identity)
	terminal_key '\x03'
	wait_until 20 newer "$before"
	terminal_key '\x1c'
	terminal_expect 'Quit'
	for _ in 1 2; do
		terminal_type 'checkpoint tmp CHECKPOINT; echo status $?'
		terminal_expect $'(sub1|sub2) [0-9]+\n(.*\n)*sub1 20\nstatus 0'
	done
}

@test "output of a program that crashed and went on reads as if it had not crashed" {
	convert "$EXAMPLES/test.c" tmp
	start_and_crash
	checkpoint tmp CHECKPOINT >> foo 2> err
	thirteen | diff - foo
}

@test "nor does one who watched the file all the time see a line twice" {
	convert "$EXAMPLES/test.c" tmp
	: > foo
	start tail -f foo > seen
	TAIL=$PID
	start_and_crash
	checkpoint tmp CHECKPOINT >> foo 2> err
	thirteen | diff - foo
	wait_lines seen 13
	kill "$TAIL"
	thirteen | diff - seen
}

@test "the crash of the text leaves a core" {
	need_core
	convert "$EXAMPLES/test.c" tmp
	start ./tmp 50 > foo
	wait_lines foo 2
	interrupt "$PID"
	make_core . "$PID"
	checkpoint tmp CHECKPOINT >> foo 2> err
	thirteen | diff - foo
}

@test "each of many checkpoints of checkpoints goes on" {
	convert "$EXAMPLES/test.c" tmp
	start ./tmp 100 > foo
	for lines in 2 4 6 8; do
		wait_lines foo "$lines"
		interrupt "$PID"
		kill -KILL "$PID"
		start checkpoint tmp CHECKPOINT >> foo 2> err
		resumed tmp
	done
	ends "$PID" 0
	thirteen | diff - foo
	# And the last one once more.
	checkpoint tmp CHECKPOINT >> foo 2> err
	thirteen | diff - foo
}

@test "^C all the time, also while a checkpoint is made, changes nothing" {
	convert "$EXAMPLES/test.c" tmp
	start ./tmp 20 > foo
	wait_lines foo 1
	while kill -INT "$PID" 2> /dev/null; do
		:
	done
	ends "$PID" 0
	thirteen | diff - foo
	start checkpoint tmp CHECKPOINT >> foo 2> err
	ends "$PID" 0
	thirteen | diff - foo
}

@test "an ordinary user's program, in a folder without anything else" {
	convert "$EXAMPLES/test.c" tmp
	copy_programs
	mkdir mine
	mv tmp mine
	chmod 777 mine
	cd mine
	touch foo err
	chmod a+w foo err
	start "${AS_USER[@]}" ./tmp 50 > foo 2> err
	wait_lines foo 3
	interrupt "$PID"
	kill -KILL "$PID"
	as_user "$WORK/bin/checkpoint" tmp CHECKPOINT >> foo 2> err
	thirteen | diff - foo
	diff - <(ls) <<< $'CHECKPOINT\nerr\nfoo\ntmp'
}

# ---- Names, and what happens when it goes wrong ------------------------------------------------------

@test "CKPTFN and CKPTFNTEMP name the files" {
	convert "$EXAMPLES/test.c" tmp
	mkdir sub
	start env CKPTFN=sub/mine CKPTFNTEMP=sub/part ./tmp 50 > foo
	wait_lines foo 2
	kill -INT "$PID"
	wait_until 20 test -e sub/mine
	ends "$PID" 0
	[ "$(ls sub)" = mine ]
	[ ! -e CHECKPOINT ]
	checkpoint tmp sub/mine >> foo 2> err
	thirteen | diff - foo
}

@test "the temporary file is written first and then renamed" {
	convert "$EXAMPLES/test.c" tmp
	echo older > CHECKPOINT
	CKPTFNTEMP=nowhere/part start ./tmp 50 > foo 2> err
	wait_lines foo 2
	kill -INT "$PID"
	ends "$PID" 0
	[ "$(< CHECKPOINT)" = older ]
	[ "$(wc -l < err)" -eq 1 ]
	grep -q '^tmp: not checkpointed: .*nowhere/part.*No such file' err
	thirteen | diff - foo

	mkdir -p there/in-the-way
	CKPTFN=there start ./tmp 50 > foo 2> err
	wait_lines foo 2
	kill -INT "$PID"
	ends "$PID" 0
	diff - err <<< 'tmp: not checkpointed: CHECKPOINT.TEMP cannot become there: Is a directory'
	checkpoint tmp CHECKPOINT.TEMP >> foo 2> err
	thirteen | diff - foo
}

@test "the two names must be in one file system" {
	[ "$(stat -c %d . 2>&1)" != "$(stat -c %d /dev/shm 2>&1)" ] || skip "/dev/shm is the same one"
	convert "$EXAMPLES/test.c" tmp
	CKPTFN=/dev/shm/${WORK##*/} start ./tmp 50 > foo 2> err
	wait_lines foo 2
	kill -INT "$PID"
	ends "$PID" 0
	grep -q 'Invalid cross-device link (set CKPTFNTEMP to a name beside it)$' err
	[ ! -e "/dev/shm/${WORK##*/}" ]
}

@test "a full disk leaves the old checkpoint whole and the program running" {
	[ "$(id -u)" -eq 0 ] || skip "a full disk needs root"
	convert "$EXAMPLES/test.c" tmp
	mkdir full
	mount -t tmpfs -o size=2m none full
	echo older > full/saved
	start env CKPTFN=full/saved CKPTFNTEMP=full/temp ./tmp 50 > foo 2> err
	wait_lines foo 2
	kill -INT "$PID"
	ends "$PID" 0 || { umount full; false; }
	left=$(cd full && grep -r . .)
	umount full
	[ "$left" = ./saved:older ] || fail "$left"
	[ "$(wc -l < err)" -eq 1 ]
	grep -q '^tmp: not checkpointed: .*No space left' err
	thirteen | diff - foo
}

# Polls without a pause: writing does not last long.
being_written() {
	local deadline=$((SECONDS + 20 * PATIENCE))

	until compgen -G '.restart-*' > /dev/null; do
		[ "$SECONDS" -lt "$deadline" ] || fail "no checkpoint is being written" || return 1
	done
}

@test "kill -9 while a checkpoint is written leaves the old one whole" {
	build_marked pmckpt_large
	start ./pmckpt_large >> out 2> err
	wait_lines out 2
	interrupt "$PID"
	cp CHECKPOINT older
	for _ in 1 2 3; do
		kill -INT "$PID"
		being_written
		kill -KILL "$PID"
		cmp CHECKPOINT older
		wait_until 20 eval '! compgen -G ".restart-*"'
		before=$(wc -l < out)
		start checkpoint pmckpt_large CHECKPOINT 2> err
		wait_lines out $((before + 2))
	done
	touch go
	ends "$PID" 7
}

@test "checkpoint refuses another program, what is no checkpoint, and what is not there" {
	convert "$EXAMPLES/test.c" tmp
	start ./tmp 50 > foo
	wait_lines foo 1
	interrupt "$PID"
	ends "$PID" 0
	rm foo  # nothing may come so far as to miss it
	is=': is no checkpoint of'
	then='(name the program that made it, as it was then)'
	run -125 checkpoint /bin/true CHECKPOINT
	[ "$output" = "checkpoint: CHECKPOINT$is /bin/true $then" ]
	sed 's/"sub2"/"SUB2"/' "$EXAMPLES/test.c" > other.c
	convert other.c other
	run -125 checkpoint other CHECKPOINT
	[ "$output" = "checkpoint: CHECKPOINT$is other $then" ]
	run -125 checkpoint tmp tmp
	[ "$output" = "checkpoint: tmp$is tmp $then" ]
	run -125 checkpoint tmp nothing
	[ "$output" = "checkpoint: nothing: No such file or directory" ]
	run -125 checkpoint nothing CHECKPOINT
	[ "$output" = "checkpoint: nothing: No such file or directory" ]
	run -125 checkpoint tmp
	[ "$output" = "checkpoint: Usage: checkpoint PROG CHECKPOINT" ]
	head -c 6000000 CHECKPOINT > ./cut
	run -125 checkpoint tmp ./cut
	[ "$output" = "checkpoint: ./cut (chmod u+x; not on a noexec disk): Permission denied" ]
	chmod u+x ./cut
	run -125 checkpoint tmp ./cut
	[[ $output == *cut*truncated* ]]
}

# ---- What is in a program ------------------------------------------------------------------------------

# It saves itself after each tenth of a second of its work, which is less than it takes to the end.
@test "a long computation, killed again and again, has the same result" {
	convert "$EXAMPLES/integral.c" integral -O2
	./integral 30 > expected
	[ "$(cut -d' ' -f1,3 expected)" = "3.141592654 1073741824" ]
	rm -f CHECKPOINT
	start ./integral 30 > out
	for kills in 1 2 3 4 5 6; do
		before=$(identity)
		wait_until 60 eval 'newer "$before" || gone "$PID"'
		! gone "$PID" || break
		read -rt "0.0$((RANDOM % 10))" < <(:) || true  # any moment will do
		kill -KILL "$PID"
		start checkpoint integral CHECKPOINT 2> err
	done
	[ "$kills" -gt 2 ]  # it has come to its end before that only when it made no checkpoints
	ends "$PID" 0
	diff expected out
}

# Runs the program and resumes it: preambles STATUS DONE FLAG..., which is how it ends, and what the
# preambles have done by then.
preambles() {
	local status=$1 done=$2

	shift 2
	rm -f preambles
	build_marked pmckpt_preamble "$@"
	start ./pmckpt_preamble 2> err
	ends "$PID" 3
	start checkpoint pmckpt_preamble CHECKPOINT 2> err
	ends "$PID" "$status"
	[ "$(tr '\n' ' ' < preambles)" = "$done " ]
}

@test "preambles are run again, the outer one first, where a program asks for it" {
	for flag in -O0 -O2 -O3 -fno-omit-frame-pointer -static; do
		preambles 3 'outer inner' "$flag"
		preambles 7 'outer inner outer inner' "$flag" -DAGAIN
	done
}

@test "a marked program has no names of libckpt's" {
	diff - <(nm --defined-only -g --format=posix pmckpt.o | cut -d' ' -f1 | sort) <<-END
		ckpt_init
		ckpt_innermost
		ckpt_leave
		ckpt_point
		ckpt_schedule
		ckpt_scheduled
		ckpt_tops
	END
}

# ---- Its place ---------------------------------------------------------------------------------------------

@test "nothing else knows of pmckpt, which is small" {
	cd "$ROOT"
	run -1 grep -rlE 'pmckpt|ckptcvt' util process elf libsavefds restart ckpt libckpt
	[ "$(cat pmckpt/* | wc -l)" -lt 400 ]
}
