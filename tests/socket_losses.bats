#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What of sockets and watches comes back changed, and is told.

load helper

setup() {
	common_setup
	need python3
	copy_programs && BIN=$WORK/bin
	chmod a+rwx "$WORK"
}

# saved SCRIPT: the checkpoint of a python program that has done it, and its text.
saved() {
	printf '%s\n' 'import os, socket, sys, time' > victim.py
	printf '%s\n' "$1" | sed 's/^\t//' >> victim.py
	printf '%s\n' 'print("ready", flush=True)' 'time.sleep(1000)' >> victim.py
	touch out err && chmod a+w out err
	start "${AS_USER[@]}" python3 -S victim.py < /dev/null > out 2> err
	wait_text out '^ready' || { cat err; return 1; }
	as_user "$BIN/ckpt" --accept-loss -k -p "$PID" -o core
	"$BIN/restart" --log core > text
}

check() { timeout 20 "${AS_USER[@]}" "$BIN/restart" --check -ftext core > check.out 2>&1 < /dev/null || [ $? -eq 125 ]; }

@test "bytes that the receiver has no window for take --accept-loss" {
	saved '
	s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
	s.bind(("127.0.0.1", 0)); s.listen()
	a = socket.create_connection(s.getsockname())
	b, _ = s.accept()
	a.setblocking(False)
	try:
	    while True:
	        a.send(b"x" * 100000)
	except BlockingIOError:
	    pass'
	check
	has_text check.out '^obstacle: text:[0-9]*: bytes that were on their way in the socket of descriptor 4 could not be saved and would be lost (--accept-loss'
}

@test "a TCP connection of the process with itself whose ports are in use gets others" {
	saved '
	s = socket.create_server(("127.0.0.1", 0))
	a = socket.create_connection(s.getsockname())
	b, _ = s.accept()
	s.close()
	print(b.getsockname()[1])'
	start python3 -Sc "import socket, time
s = socket.create_server(('127.0.0.1', $(head -n 1 out)))
print('taken', flush=True)
time.sleep(1000)" > taken
	wait_text taken taken
	check
	has_text check.out "^loss: text:[0-9]*: the TCP connection of descriptor [0-9] from 127.0.0.1:[0-9]* to 127.0.0.1:[0-9]* gets other ports: those are in use (wait a minute after the process has ended)$"
}

@test "an option that cannot be set here is told of" {
	saved '
	s = socket.socket()'
	echo 'socket-option : 3 : SO_MARK : 7' >> text
	check
	has_text check.out '^loss: text:[0-9]*: option SO_MARK of descriptor 3 cannot be set here as it was$'
}

@test "a datagram socket whose peer is gone comes back without" {
	saved '
	s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind("peer")
	c = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); c.connect("peer")
	s.close()'
	check
	has_text check.out '^loss: text:[0-9]*: descriptor 4 was connected to peer, which nobody has now: it comes back without a peer$'
}

@test "datagrams from other machines, and messages of netlink, are lost" {
	saved '
	s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("127.0.0.1", 0))
	n = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0); n.bind((0, 0))
	# RTM_GETLINK of all links; the kernel answers before send() returns.
	n.send(b"\x14\0\0\0\x12\0\x01\x03" + bytes(12))'
	echo 'socket-message : 3 : 2 : hi : 192.0.2.1:1977' >> text
	check
	has_text check.out '^loss: text:[0-9]*: datagrams that waited in descriptor 3 may be lost: they came from addresses that are not to be had here (1 of them)$'
	has_text check.out '^loss: text:[0-9]*: messages that waited in descriptor 4, of netlink, are lost$'
}

@test "a watch of an inotify with a number that would take too many tries takes --accept-loss" {
	saved '
	import ctypes
	c = ctypes.CDLL(None)
	c.inotify_add_watch(c.inotify_init(), os.getcwd().encode(), 0x100)'
	sed -i 's/^inotify-watch : 3 : 1 :/inotify-watch : 3 : 20001 :/' text
	check
	has_text check.out "^obstacle: text:[0-9]*: descriptor 3 was an inotify whose watch on $WORK had the number 20001, and would have a lower one (--accept-loss"
}
