#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# Sockets and pipes that only an edited text can speak of: what cannot be is refused with one line.

load helper

setup() {
	common_setup
	start sleep 1000 < /dev/null > out 2> err
	wait_text "/proc/$PID/comm" '^sleep$'
	"$BIN/ckpt" -k -p "$PID" -o saved
	printf '%s : /dev/null : 0\n' 0 1 2 > text
}

# check OPTION...: what would stand in the way, in check.out.
check() { timeout 120 "$BIN/restart" --check -ftext "$@" saved > check.out 2>&1 < /dev/null; }

refused() {
	local status=0

	check || status=$?
	cat check.out
	[ "$status" -eq 125 ] && has_text check.out "$1" && [ "$(grep -c '^obstacle: ' check.out)" -eq 1 ]
}

@test "two sockets of one number are refused" {
	cat >> text <<-EOF
	3 : socket:[8] : 0 : O_RDWR
	4 : socket:[9] : 0 : O_RDWR
	socket : 3 : unix stream : plain
	socket : 4 : unix dgram : plain
	EOF
	check
	sed -i 's/^4 : socket:.9./4 : socket:[8]/' text
	refused '^obstacle: text:5: descriptors 3 and 4 are both socket:\[8\] (make one a dup of the other, or give it'
}

@test "two sockets of one address are refused, unless they may share it" {
	cat >> text <<-EOF
	3 : socket:[8] : 0 : O_RDWR
	4 : socket:[9] : 0 : O_RDWR
	socket : 3 : unix stream : listening 5 0 : $WORK/here
	socket : 4 : unix dgram : plain : $WORK/here
	EOF
	refused "^obstacle: text:5: descriptors 3 and 4 were both bound to $WORK/here, which only one socket can be"
	sed -i "s,$WORK/here,@$WORK/here," text
	check
	sed -i 's/unix dgram : plain/unix stream : plain/' text
	refused 'descriptors 3 and 4 were both bound to @'
	sed -i '/^socket :/d' text
	cat >> text <<-EOF
	socket : 3 : inet dgram 17 : plain : 127.7.7.7:1977
	socket : 4 : inet dgram 17 : plain : 127.7.7.7:1977
	socket-option : 3 : SO_REUSEADDR : 1
	EOF
	refused 'descriptors 3 and 4 were both bound to 127.7.7.7:1977'
	echo 'socket-option : 4 : SO_REUSEADDR : 1' >> text
	check
}

@test "bytes that wait in a fifo which is none are refused" {
	mkfifo pipe
	cat >> text <<-EOF
	3 : $WORK/pipe : 0 : O_RDWR
	pipe-data : 3 : waiting
	EOF
	check
	rm pipe
	touch pipe
	refused "^obstacle: text:4: descriptor 3 was $WORK/pipe, a fifo, which is none now (put it back, or delete its pipe lines)$"
}

@test "--map relocates the paths of sockets, if they fit" {
	local long

	mkdir new
	cat >> text <<-EOF
	3 : socket:[8] : 0 : O_RDWR
	4 : socket:[9] : 0 : O_RDWR
	socket : 3 : unix dgram : plain : $WORK/old/here
	socket : 4 : unix dgram : connected : - : $WORK/old/here : socket:[8]
	socket-message : 3 : 2 : hi
	EOF
	refused "^obstacle: text:4: descriptor 3 was bound to $WORK/old/here, which cannot be made"
	check --map "$WORK/old=$WORK/new"
	"$BIN/restart" --plan -ftext --map "$WORK/old=$WORK/new" saved > plan
	lacks_text plan "$WORK/old"
	has_text plan "bind(3, "
	long=$(printf '%0100d' 0)
	check --map "$WORK/old=$WORK/$long" || [ $? -eq 125 ]
	has_text check.out "^restart: --map: $WORK/0*/here in place of $WORK/old/here is too long for the name of a socket"
}

@test "--show opens and binds nothing" {
	need strace
	cat >> text <<-EOF
	3 : socket:[8] : 0 : O_RDWR
	4 : socket:[9] : 0 : O_RDWR
	5 : socket:[10] : 0 : O_RDWR
	socket : 3 : inet stream 6 : connected : 127.0.0.1:1977 : 127.0.0.1:1978
	socket : 4 : inet stream 6 : connected : 127.0.0.1:1978 : 127.0.0.1:1977
	socket : 5 : unix dgram : plain : $WORK/here
	EOF
	strace -f -o calls -e trace=network "$BIN/restart" --show -ftext saved > shown
	has_text shown '^  5 socket:\[10\]'
	lacks_text calls '('
}
