# SPDX-License-Identifier: LGPL-2.1-or-later
# What somebody who uses the programs for the first time runs into, and is told what to do about.

load helper
bats_require_minimum_version 1.5.0

# checkpointed COMMAND...: starts it and ends it by a checkpoint, `core'.  Its output goes to `log'.
checkpointed() {
	start "$@" < /dev/null >> log 2>> err
	wait_text "/proc/$PID/comm" '^sleep$'
	wait_state "$PID" S
	"$BIN/ckpt" -p "$PID" -k -o core
	wait "$PID" || true
}

@test "-f for a core that has its text inside says so" {
	checkpointed sleep 1000
	run -125 "$BIN/restart" -f core
	[ "$output" = 'restart: filedescriptors: No such file or directory (the core holds its own: leave -f out; another text is named in one word: -fFILE)' ]
	run -125 "$BIN/restart" -fcore
	[ "$output" = 'restart: no core file given; -fFILE is the text, and the core a word of its own (try restart --help)' ]
}

@test "a pipe through which nothing comes" {
	run -125 "$BIN/restart" - < /dev/null
	[ "$output" = 'restart: standard input: nothing came through it; see why what writes there ended' ]
}

@test "a core whose text is to be edited says how" {
	checkpointed sleep 1000
	mv log other
	run -125 "$BIN/restart" core
	[ "${lines[0]}" = "restart: descriptor 1 was $WORK/log: No such file or directory (put it back, edit the line, or use --map OLD=NEW)" ]
	[ "${lines[1]}" = 'restart: to edit the text in the core: restart --log core > FILE, then restart -fFILE core' ]
	[ "${#lines[@]}" -eq 2 ]
	"$BIN/restart" --log core | sed "s,/log :,/other :," > text
	run -0 "$BIN/restart" -ftext --check core
}

@test "a core from a pipe that is not restarted is kept" {
	export TMPDIR=$WORK
	checkpointed "${AS_USER[@]}" sleep 1000
	rm log
	for name in "core.$PID" "core.$PID.1"; do
		# shellcheck disable=SC2002  # a pipe it must be
		cat core | ("$BIN/restart" - || echo "status $?") > said 2>&1
		has_text said "^restart: the core that was read is kept: restart $WORK/$name, or remove it$"
		has_text said '^status 125$'
		cmp core "$name"
		[ "$(stat -c %a "$name")" = 600 ]
	done
	: > log
	run -0 "$BIN/restart" --check "core.$PID"
	# What is only asked, and what is no core, is not kept.
	rm "core.$PID" "core.$PID.1" log
	# shellcheck disable=SC2002
	cat core | (! "$BIN/restart" --check - > said)
	head -c 100000 core | (! "$BIN/restart" - 2> said)
	has_text said truncated
	[ -z "$(find . -name 'core.*')" ]
}

@test "a log that was appended to since is no loss" {
	checkpointed sleep 1000
	echo more >> log
	run -0 "$BIN/restart" --check core
	lacks_text <(echo "$output") '^loss: .*log'
	has_text <(echo "$output") '^note: descriptor 1: .*/log is 5 bytes longer'
	run -125 "$BIN/restart" --strict core
	[[ $output == *'log is 5 bytes longer'* ]]
}

@test "a process that another ckpt is checkpointing" {
	mkfifo full
	exec {FULL}<> full
	start sleep 1000
	wait_text "/proc/$PID/comm" '^sleep$'
	wait_state "$PID" S
	# Holds it until somebody reads.
	"$BIN/ckpt" -p "$PID" --stop -o - > full 2> err {FULL}>&- &
	writer=$!
	STARTED+=("$writer")
	wait_state "$PID" t
	run -1 "$BIN/ckpt" -p "$PID"
	[ "$output" = "ckpt: process $PID is being checkpointed already, by process $writer (try again when that has ended)" ]
	kill "$writer"
	wait "$writer" || true
	run -0 "$BIN/ckpt" -p "$PID"
}

@test "a process that shares the terminal with the shell says so" {
	terminal_open
	terminal_type 'sleep 1000 &'
	terminal_expect '\[1\] ([0-9]+)'
	pid=${BASH_REMATCH[1]}
	wait_state "$pid" S
	terminal_type "$BIN/ckpt -p $pid -k -o core; echo done\$?"
	terminal_expect 'done0'
	terminal_type "$BIN/restart core; echo done\$?"
	terminal_expect 'shares this terminal with the shell'
	terminal_expect ': process ([0-9]+)'
	STARTED+=("${BASH_REMATCH[1]}")
	terminal_expect 'done0'
	terminal_type "$BIN/restart core < /dev/null; echo done\$?"
	terminal_expect ': process ([0-9]+)'
	[[ $SHOWN != *shares* ]]
	STARTED+=("${BASH_REMATCH[1]}")
	terminal_expect 'done0'
}

@test "a checkpoint that could not be written is refused before the program runs" {
	run -125 "$BIN/ckpt" -n none/foo.ckpt touch ran
	[ "$output" = "ckpt: $WORK/none/foo.ckpt: no checkpoint can be written there: No such file or directory" ]
	mkdir folder
	run -125 "$BIN/ckpt" -n folder touch ran
	[ "$output" = "ckpt: $WORK/folder: is there and not a regular file; give another name" ]
	run -125 "$BIN/ckpt" -n folder/ touch ran
	chmod 755 .
	chmod 555 folder
	run -125 as_user "$BIN/ckpt" -n folder/foo.ckpt touch ran
	[ "$output" = "ckpt: $WORK/folder/foo.ckpt: no checkpoint can be written there: Permission denied" ]
	[ ! -e ran ]
}

@test "--show says what a socket is" {
	checkpointed sleep 1000
	"$BIN/restart" --log core > text
	cat >> text <<-'END'
		3 : socket:[11] : 0 : O_RDWR
		socket : 3 : inet stream 6 : listening 5 0 : 127.0.0.1:54601 : -
		4 : socket:[12] : 0 : O_RDWR
		socket : 4 : inet stream 6 : connected : 127.0.0.1:51972 : 127.0.0.1:54601
		5 : socket:[13] : 0 : O_RDWR
		socket : 5 : inet6 dgram 17 : plain : [::1]:46847 : -
		6 : socket:[14] : 0 : O_RDWR
		socket : 6 : unix stream : connected : - : - : socket:[15]
		7 : socket:[15] : 0 : O_RDWR
		socket : 7 : unix stream : connected : @name : - : socket:[14]
	END
	"$BIN/restart" --show -ftext core > shown
	diff - <(grep -E '^  [3-7] ' shown) <<-'END'
		  3 socket:[11] TCP 127.0.0.1:54601, listening
		  4 socket:[12] TCP 127.0.0.1:51972 to 127.0.0.1:54601
		  5 socket:[13] UDP [::1]:46847
		  6 socket:[14] unix stream to socket:[15]
		  7 socket:[15] unix stream @name to socket:[14]
	END
}

@test "a process id where a program is expected" {
	run -127 "$BIN/ckpt" 4711
	[ "$output" = 'ckpt: 4711: No such file or directory (the process of that number is ckpt -p 4711)' ]
}
