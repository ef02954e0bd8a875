#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# A text that asks for more than can be, or for what it must not get: refused with one line, at once,
# and nothing outside of the new process is changed.

load helper

setup() {
	common_setup
	need python3
	need_core
	start_saving python3 -uc 'print("ready"); import time; time.sleep(1000)' < /dev/null > out 2> err
	wait_text out ready
	make_core . "$PID"
	mv "$CORE" saved
	printf '%s : /dev/null : 0\n' 0 1 2 > text
}

check() { timeout 120 "$BIN/restart" --check -ftext "$@" saved > check.out 2>&1 < /dev/null; }

# refused MESSAGE OPTION...
refused() {
	local message=$1 status=0

	shift
	check "$@" || status=$?
	cat check.out
	[ "$status" -eq 125 ] && has_text check.out "$message"
}

# letters COUNT: as many.
letters() { printf "%0$1d" 0 | tr 0 x; }

@test "names with line ends and escapes are told on one line without any" {
	printf '%s\n' '5 : /no\033[31m\012where : 0' 'cwd : /no\012where' >> text
	for mode in --check --show --plan; do
		"$BIN/restart" "$mode" -ftext saved > told 2>&1 < /dev/null || true
		has_text told 'no?where'
		[ "$(grep -c '^where' told)" -eq 0 ]
		[ "$(tr -d '\n\t -~' < told | wc -c)" -eq 0 ]
	done
}

@test "bytes of a pipe that do not fit into it" {
	cat >> text <<-EOF
	5 : pipe:[77] : 0 : O_RDONLY
	6 : pipe:[77] : 0 : O_WRONLY
	pipe : 5 : 4096
	pipe-data : 5 : $(letters 4096)
	EOF
	check
	echo 'pipe-data : 5 : x' >> text
	refused '^obstacle: text:4: descriptor 5: the 4097 bytes that wait in the pipe do not fit into the 4096 that'
	sed -i 's/^pipe-data/pipe-packet/' text
	refused '^obstacle: text:4: descriptor 5: the 4097 bytes that wait'
}

@test "a pipe larger than this user may have, with more in it than his holds" {
	limit=$(< /proc/sys/fs/pipe-max-size)
	cat >> text <<-EOF
	5 : pipe:[77] : 0 : O_RDONLY
	6 : pipe:[77] : 0 : O_WRONLY
	pipe : 5 : $((2 * limit))
	pipe-data : 5 : $(letters $((limit + 1)))
	EOF
	chmod a+rx "$WORK" && chmod a+r saved text
	as_user timeout 120 "$BIN/restart" --check -ftext saved > check.out < /dev/null || [ $? -eq 125 ]
	has_text check.out '^obstacle: text:4: descriptor 5: the [0-9]* bytes that wait in the pipe do not fit'
}

@test "a lock on a fifo does not let in who waits to write to it" {
	mkfifo fifo
	(echo late > fifo) &
	waiter=$!
	STARTED+=("$waiter")
	wait_text "/proc/$waiter/syscall" '^257 '  # openat
	echo "5 : $WORK/fifo : 0 : O_RDWR" >> text
	echo 'lock : 5 : posix : write : 0 : EOF' >> text
	check
	[ "$(timeout 120 cat fifo)" = late ]
}

@test "a lock to the last byte that there can be is one to the end" {
	echo > file
	echo "5 : $WORK/file : 0 : O_RDWR" >> text
	echo 'lock : 5 : posix : write : 0 : 9223372036854775807' >> text
	timeout 120 "$BIN/restart" -ftext saved < /dev/null 2> told || { cat told; return 1; }
	pid=$(sed -n 's/.*process \([0-9]*\).*/\1/p' told)
	has_text /proc/locks "POSIX .* $pid .* 0 EOF"
	kill -KILL "$pid"
}

@test "numbers by which epoll knows files are not those that restart lends" {
	cat >> text <<-EOF
	3 : epoll : 0
	4 : pipe:[77] : 0 : O_RDONLY
	5 : pipe:[77] : 0 : O_WRONLY
	6 : memfd:x : 0 : O_RDWR|deleted
	stat : 6 : 00:01:5 : 3 : 0.0
	nameless : 00:01:5 : memfd : x : 3 : 600 : 0
	contents : 00:01:5 : 0 : YWJj
	EOF
	for fd in $(seq 10 40); do
		echo "epoll-watch : 3 : $fd : 1 : 0 : through 4" >> text
	done
	timeout 120 "$BIN/restart" -ftext saved < /dev/null 2> told || { cat told; return 1; }
	pid=$(sed -n 's/.*process \([0-9]*\).*/\1/p' told)
	[ "$(grep -c '^tfd:' "/proc/$pid/fdinfo/3")" -eq 31 ]
	[ "$(< "/proc/$pid/fd/6")" = abc ]
	kill -KILL "$pid"
}

@test "a socket's path that is too long to be looked at is none" {
	mkdir sub
	echo precious > s-data
	python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("s")'
	# So long that the last letters of the path are the first to go.
	cwd=$WORK
	while [ ${#cwd} -lt 4091 ]; do cwd=$cwd/.; done
	[ ${#cwd} -eq 4092 ] && cwd=/$cwd || cwd=//$cwd
	cat >> text <<-EOF
	cwd : $cwd
	5 : socket:[77] : 0 : O_RDWR
	socket : 5 : unix stream : plain : s-data
	EOF
	refused '^obstacle: text:5: descriptor 5 was bound to s-data, which cannot be made: File name too long'
	[ "$(< s-data)" = precious ]
}

@test "watches in any order take no longer" {
	echo "3 : inotify : 0" >> text
	seq 200000 -1 1 | sed 's/.*/inotify-watch : 3 : & : 0x100/' >> text
	timeout 120 "$BIN/restart" --show -ftext saved > told
	has_text told '3 inotify'
	echo 'inotify-watch : 3 : 7 : 0x100' >> text
	run "$BIN/restart" --show -ftext saved
	[[ $output == *'text:200005:1: watch 7 of this inotify stands on line 199998 already' ]]
}
