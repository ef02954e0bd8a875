#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Open files that cannot come back as they were: refused before anything is done, or told.  What does
# come back is in tests/holds.bats.

load helper

setup_file() {
	chmod a+rx "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR"
	export HOLDS=$BATS_FILE_TMPDIR/holds
	build_holds "$HOLDS"
}

# hold NAME...: a program that holds these, ready.
hold() {
	start "$HOLDS" go "$@" < /dev/null > out 2> err
	wait_text out '^ready' || { cat err; return 1; }
}

# checkpoint OPTION...: into core, with the text beside it.
checkpoint() { "$BIN/ckpt" --accept-loss -p "$PID" -o core --log=text "$@"; }

resume() { timeout 120 "$BIN/restart" -n -w "$@" core > restart.out 2>&1 < /dev/null; }

# refused MESSAGE OPTION...: nothing is started, and the message is told.
refused() {
	local message=$1 status=0

	shift
	resume "$@" || status=$?
	cat restart.out
	[ "$status" -eq 125 ] && has_text restart.out "$message" && lacks_text out '^1\.\.'
}

# Goes on, and whatever is lost the program itself finds.
goes_on() {
	touch go
	resume "$@" || [ $? -eq 1 ] || { cat restart.out && return 1; }
	cat restart.out out
	has_text out '^1\.\.'
}

@test "a file that has changed since is told, and refused with --strict" {
	hold file-offset
	checkpoint -k
	lacks_text restart.out 'since the checkpoint'
	printf grow >> holds.middle
	refused "^restart: descriptor 3: $WORK/holds.middle is 4 bytes longer since the checkpoint was made" --strict
	refused "^restart: text:[0-9]*: descriptor 3: $WORK/holds.middle is 4 bytes longer since" --strict -ftext
	truncate -s 10 holds.middle
	refused "descriptor 3: $WORK/holds.middle was modified since the checkpoint was made" --strict
	mv holds.middle other && cp other holds.middle && printf 12 >> holds.middle
	refused "descriptor 3: $WORK/holds.middle is another file than .*, and is 2 bytes longer" --strict
	goes_on
	has_text restart.out 'is another file than when the checkpoint was made, and is 2 bytes longer$'
}

@test "a file that is no file any more is refused, a device in its place is told" {
	hold file-offset
	checkpoint -k
	rm holds.middle
	local was="descriptor 3 was $WORK/holds.middle, a regular file, which is"
	mkfifo holds.middle
	refused "^restart: $was a fifo now (put the file back, or use --map OLD=NEW)$"
	refused "^restart: text:[0-9]*: $was a fifo now" -ftext
	mv holds.middle fifo && ln -s fifo holds.middle
	refused "^restart: $was a fifo now" --strict
	rm holds.middle && mkdir holds.middle
	refused "^restart: $was a directory now (put"
	rmdir holds.middle && ln -s /dev/null holds.middle
	refused "^restart: descriptor 3: $WORK/holds.middle was a regular file and is a device now (which --strict refuses)$" --strict
	"$BIN/restart" --check core > found
	has_text found "^loss: descriptor 3: $WORK/holds.middle was a regular file and is a device now$"
}

@test "a directory that is none any more is refused" {
	hold directory-listing
	checkpoint -k
	local folder
	folder=$(sed -n 's/^3 : \([^ ]*\) : .*/\1/p' text)
	mv "$folder" elsewhere && touch "$folder"
	refused "^restart: descriptor 3 was $folder, a directory, which is a regular file now (put it back, or use --map OLD=NEW)$"
}

@test "a process that still runs and writes to the same file is told of" {
	hold file-append
	checkpoint
	local note="^note: process $PID still runs and writes to $WORK/holds.log, as this one will (end it, or name a copy with --map OLD=NEW)$"
	"$BIN/restart" --check core > found
	has_text found "$note"
	cp holds.log copy
	"$BIN/restart" --check --map="$WORK/holds.log=$WORK/copy" core > found
	lacks_text found 'writes to .*/holds.log'
	lacks_text found 'writes to .*/copy'
	kill -KILL "$PID"
	wait_until 20 gone "$PID"
	"$BIN/restart" --check core > found
	lacks_text found 'still runs'
}

@test "a file that has not changed passes --strict without a word" {
	hold file-offset file-append proc-self directory-listing
	checkpoint -k
	goes_on --strict
	lacks_text restart.out 'descriptor'
	lacks_text out '^not ok'
}

@test "an unlinked file beyond the limit takes --accept-loss" {
	hold unlinked memfd
	checkpoint -k --unlinked-max=200000
	refused "descriptor 3 was $WORK/holds.unlinked, whose 300001 bytes are not in the checkpoint (ckpt --unlinked-max=SIZE keeps them), and would be /dev/null (--accept-loss"
	goes_on --accept-loss
	has_text out '^not ok 1 - unlinked:'
	has_text out '^ok 2 - memfd:'
}

@test "the size of --unlinked-max is checked" {
	for size in '' -1 x 1x 1kk 513M 1G 18446744073709551617; do
		run "$BIN/ckpt" -p $$ "--unlinked-max=$size"
		[ "$status" -eq 125 ]
		[ "$output" = "ckpt: not a size, 0 to 512M: $size (try ckpt --help)" ]
	done
}

@test "an unlinked file whose folder is gone is kept in memory" {
	hold unlinked
	checkpoint -k
	goes_on "--map=$WORK/holds.unlinked=/no/such/folder/at all"
	lacks_text out '^not ok'
}

@test "a restart leaves no file behind" {
	hold unlinked unlinked-twice tmpfile
	checkpoint -k
	ls -A > before
	goes_on
	ls -A > after
	diff <(grep -v -e go -e restart.out -e after before) <(grep -v -e go -e restart.out -e after after)
}

@test "a lock that another process has takes --accept-loss" {
	hold flock posix-locks ofd-locks
	checkpoint
	refused "descriptor 3 had a lock on $WORK/holds.flock, which another process has now, and would have none (--accept-loss"
	for file in flock-shared posix ofd; do
		[ "$file" = flock-shared ] || has_text restart.out "had a lock on $WORK/holds.$file,"
	done
	lacks_text restart.out 'flock-shared'  # two may share it
	kill -STOP "$PID"  # it keeps its locks
	goes_on --accept-loss
	for name in flock posix-locks ofd-locks; do
		has_text out "^not ok . - $name"
	done
}

@test "signals of a descriptor that go elsewhere take --accept-loss" {
	hold async-pipe
	checkpoint -k
	sed -i 's/^owner : 3 : process : [0-9]* :/owner : 3 : group : 4242 :/' text
	refused '^restart: text:[0-9]*: descriptor 3 sent its signals to process group 4242 and would send none (--accept-loss' -ftext
	goes_on --accept-loss -ftext
	has_text out '^not ok 1 - async-pipe'
}

@test "a timer that wakes the machine takes a privilege" {
	hold timerfd
	checkpoint -k
	sed -i 's/CLOCK_MONOTONIC/CLOCK_BOOTTIME_ALARM/' text
	chmod a+rw . ./*
	BIN=$(copy_programs && echo "$WORK/bin")
	run as_user "$BIN/restart" -n -w -ftext core
	[ "$status" -eq 125 ]
	[[ $output == *"descriptor 3 was a timerfd that wakes the machine, which takes CAP_WAKE_ALARM, and would be one that does not (--accept-loss"* ]]
}

@test "a pidfd of another process takes --accept-loss" {
	hold pidfd-self
	checkpoint -k
	sed -i 's/^pidfd : 3 : .*/pidfd : 3 : 1/' text
	refused '^restart: text:[0-9]*: descriptor 3 was pidfd and would be /dev/null (--accept-loss' -ftext
}

@test "events of an inotify that nobody has read take --accept-loss" {
	hold inotify
	mkdir holds.watched/early
	checkpoint -k
	refused 'descriptor 3 was an inotify with 32 bytes of events to be read, and would have none (--accept-loss'
	goes_on --accept-loss
	has_text out '^ok 1 - inotify'
}

@test "a watch of an inotify that is not found takes --accept-loss, or its path" {
	hold inotify
	checkpoint -k
	sed -i 's|^\(inotify-watch : 3 : 2 : .*\) : .*/holds.watched$|\1|' text
	refused '^restart: text:[0-9]*: descriptor 3 was an inotify whose watch 2 is on a file that was not found, and would not watch it (write its path on the inotify-watch line) (--accept-loss' -ftext
	mv holds.watched elsewhere
	refused "descriptor 3 was an inotify on $WORK/holds.watched, and would not watch it: No such file or directory (--accept-loss"
	mv elsewhere holds.watched
	sed -i "s|^inotify-watch : 3 : 2 : .*|& : $WORK/holds.watched|" text
	goes_on -ftext
	has_text out '^ok 1 - inotify'
}

@test "with savefds beside gcore open files come back too" {
	need gdb
	hold pipe-data pipe-packets pipe-many fifo-data eventfd timerfd file-offset \
		file-shared directory-listing unlinked unlinked-sparse memfd memfd-sealed flock posix-locks
	gdb -p "$PID" -batch -ex "shell $BIN/savefds $PID" -ex 'gcore core' > gdb.out 2>&1
	kill -KILL "$PID"
	wait_until 20 gone "$PID"
	goes_on -f
	lacks_text out '^not ok'
}

@test "a watch far from everything else is found where that is permitted" {
	[ "$(id -u)" -eq 0 ] || skip "takes CAP_DAC_READ_SEARCH"
	mkdir -p far/away/from/everything
	cat > watcher.c <<-'EOF'
	#include <stdio.h>
	#include <sys/inotify.h>
	#include <unistd.h>
	int main(void)
	{
		inotify_add_watch(inotify_init(), "far/away/from/everything", IN_CREATE);
		chdir("/");
		puts("ready"); fflush(stdout);
		for (;;) pause();
	}
	EOF
	gcc -o watcher watcher.c
	start "$WORK/watcher" < /dev/null > out
	wait_text out ready
	checkpoint -k
	has_text text "^inotify-watch : 3 : 1 : 0x100 : $WORK/far/away/from/everything$"
}

@test "another root directory takes --accept-loss" {
	[ "$(id -u)" -eq 0 ] || skip "chroot takes root"
	mkdir cell
	printf 'int pause(void);\nint main(void) { return pause(); }\n' > waits.c
	gcc -static -o cell/waits waits.c
	start chroot cell /waits < /dev/null > out
	wait_state "$PID" S
	wait_until 20 test "$(readlink "/proc/$PID/exe")" = "$WORK/cell/waits"
	checkpoint -k
	run "$BIN/restart" --check cell/waits core
	[ "$status" -eq 125 ]
	[[ $output == *"obstacle: the process had $WORK/cell as its root directory and would have ours (--accept-loss goes on without it)"* ]]
	run "$BIN/restart" --check --accept-loss cell/waits core
	[ "$status" -eq 0 ]
}

@test "the plan names what it opens" {
	hold file-append memfd timerfd flock pipe-size
	checkpoint -k
	run "$BIN/restart" --plan core
	[ "$status" -eq 0 ]
	for call in "open(\"$WORK/holds.log\", O_WRONLY|" 'open("/proc/self/fd/' 'timerfd_settime(' \
			'flock(' 'pipe2('; do
		[[ $output == *"$call"* ]]
	done
}
