#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Sockets that cannot come back as they were, or not without a warning.  What comes back whole is in
# tests/holds.bats.

load helper

setup() {
	common_setup
	need python3
	copy_programs && BIN=$WORK/bin
	chmod a+rwx "$WORK"
	touch out err && chmod a+w out err
}

# victim SCRIPT: a python program that says "ready", and behind `wait()' that it goes on.
victim() {
	cat > victim.py <<-EOF
	import os, socket, sys, time
	def wait():
	    print("ready", flush=True)
	    while not os.path.exists("go"):
	        time.sleep(0.01)
	def attempt(call):
	    try:
	        return call()
	    except OSError as error:
	        return type(error).__name__
	EOF
	printf '%s\n' "$1" | sed 's/^\t//' >> victim.py
	start "${AS_USER[@]}" python3 -S victim.py < /dev/null > out 2> err
	wait_text out '^ready' || { cat err; return 1; }
}

# peer SCRIPT: another process, which ends with the test.  It says where it is in the file `where'.
peer() {
	start "${AS_USER[@]}" python3 -Sc "import os, socket, time
def tell(text):
    open('where.new', 'w').write(str(text))
    os.rename('where.new', 'where')
$1" < /dev/null > /dev/null 2> peer.err
	wait_until 20 test -e where || { cat peer.err; return 1; }
}

checkpoint() { as_user "$BIN/ckpt" -k -p "$PID" -o core; }
resume() { touch go && as_user "$BIN/restart" -n -w --pid=new "$@" core > restart.out 2>&1 < /dev/null; }

@test "a TCP connection to another process comes back as one whose peer is gone, after a warning" {
	peer '
listener = socket.create_server(("127.0.0.1", 0))
tell(listener.getsockname()[1])
connection = listener.accept()[0]
connection.send(b"half a message")
time.sleep(1000)'
	victim '
	s = socket.create_connection(("127.0.0.1", int(open("where").read())))
	s.recv(14, socket.MSG_PEEK | socket.MSG_WAITALL)
	wait()
	print(s.recv(100))
	print(attempt(lambda: s.recv(100)))
	print(s.recv(100))
	print(attempt(lambda: s.send(b"x")))'
	checkpoint
	resume || { cat restart.out; false; }
	grep -q "^restart: descriptor 3 was a TCP connection to 127.0.0.1:$(< where) and is one whose peer is gone now$" \
		restart.out
	diff out - <<-EOF
	ready
	b'half a message'
	ConnectionResetError
	b''
	BrokenPipeError
	EOF
}

@test "a connection that its peer had ended is read to its end" {
	peer '
listener = socket.create_server(("127.0.0.1", 0))
tell(listener.getsockname()[1])
connection = listener.accept()[0]
connection.send(b"all")
connection.shutdown(socket.SHUT_WR)
time.sleep(1000)'
	victim '
	s = socket.create_connection(("127.0.0.1", int(open("where").read())))
	s.recv(4, socket.MSG_PEEK | socket.MSG_WAITALL)
	wait()
	print(s.recv(100), s.recv(100))'
	checkpoint
	resume || { cat restart.out; false; }
	grep -qx "b'all' b''" out
}

@test "an AF_UNIX connection to another process takes --accept-loss" {
	peer '
listener = socket.socket(socket.AF_UNIX)
listener.bind("listener")
listener.listen()
tell("listener")
connection = listener.accept()[0]
time.sleep(1000)'
	victim '
	s = socket.socket(socket.AF_UNIX)
	s.connect("listener")
	wait()
	print(s.recv(100))'
	checkpoint
	run resume
	[ "$status" -eq 125 ]
	grep -q '^restart: descriptor 3 was a socket and would be one whose peer is gone (--accept-loss' restart.out
	resume --accept-loss || { cat restart.out; false; }
	grep -qx "b''" out
}

@test "an address that is taken, or a path that cannot be made, is an obstacle" {
	mkdir dir
	chmod a+rwx dir
	victim '
	t = socket.create_server(("127.0.0.1", 0))
	a = socket.socket(socket.AF_UNIX); a.bind("\0taken-" + str(os.getpid())); a.listen()
	p = socket.socket(socket.AF_UNIX); p.bind("path"); p.listen()
	b = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); b.bind("blocked")
	d = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); d.bind("dir/socket")
	print(t.getsockname()[1])
	wait()'
	as_user "$BIN/ckpt" -p "$PID" -o core
	rm -r blocked dir
	touch blocked
	as_user "$BIN/restart" -n core > restart.out 2>&1 && false
	grep -q "^restart: descriptor 3 was bound to 127.0.0.1:$(head -n 1 out): Address already in use (end the process that has it" restart.out
	grep -q "^restart: descriptor 4 was bound to @taken-$PID: Address already in use" restart.out
	grep -q '^restart: descriptor 5 was bound to path, which is another process.s now (end that)$' restart.out
	grep -q '^restart: descriptor 6 was bound to blocked, which is no socket now (move it away)$' restart.out
	grep -q '^restart: descriptor 7 was bound to dir/socket, which cannot be made: No such file or directory (make its directory)$' restart.out
	[ -S path ] && [ -f blocked ]
}

@test "descriptors on their way take --accept-loss" {
	victim '
	a, b = socket.socketpair()
	socket.send_fds(a, [b"with"], [0])
	wait()
	print(b.recv(100))'
	checkpoint
	run resume
	[ "$status" -eq 125 ]
	grep -q '^restart: descriptors that were on their way to descriptor 4 would be lost (--accept-loss' restart.out
	resume --accept-loss || { cat restart.out; false; }
	grep -qx "b'with'" out
}

@test "connections that wait to be accepted from other processes are closed, after a warning" {
	victim '
	t = socket.create_server(("127.0.0.1", 0))
	t.setblocking(False)
	print(t.getsockname()[1])
	wait()
	print(attempt(t.accept))'
	peer "
connection = socket.create_connection(('127.0.0.1', $(head -n 1 out)))
tell('connected')
time.sleep(1000)"
	PID=${STARTED[0]}
	checkpoint
	resume || { cat restart.out; false; }
	grep -q '^restart: connections that waited to be accepted by descriptor 3 are closed (1 of them)$' restart.out
	grep -qx BlockingIOError out
}

@test "a connection that waits to be accepted and has sent takes --accept-loss" {
	victim '
	a = socket.socket(socket.AF_UNIX); a.bind("\0waits-" + str(os.getpid())); a.listen()
	c = socket.socket(socket.AF_UNIX); c.connect(a.getsockname())
	c.send(b"unread")
	wait()'
	checkpoint
	run resume
	[ "$status" -eq 125 ]
	grep -q '^restart: descriptor 4 was a socket and would be one whose peer is gone (--accept-loss' restart.out
}

@test "AF_UNIX connections of another network namespace take --accept-loss" {
	[ "$(id -u)" -eq 0 ] || skip "not root"
	AS_USER=()
	cat > unshared.py <<-EOF
	import os
	os.unshare(os.CLONE_NEWNET) if hasattr(os, "unshare") else __import__("ctypes").CDLL(None).unshare(0x40000000)
	EOF
	victim '
	exec(open("unshared.py").read())
	a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
	c, d = socket.socketpair()
	d.close()
	wait()'
	checkpoint
	run resume
	[ "$status" -eq 125 ]
	grep -q '^restart: descriptor 3 was a socket and would be one whose peer is gone (--accept-loss' restart.out
	grep -q '^restart: descriptor 4 was a socket and would be one whose peer is gone (--accept-loss' restart.out
	lacks_text restart.out 'descriptor 5'
}

@test "sockets come back with savefds and gcore" {
	need gdb
	gcc -std=gnu11 -O1 -g -o holds "$ROOT"/tests/programs/holds/*.c -pthread -lm
	chmod a+rx holds
	start "${AS_USER[@]}" ./holds go socket-stream socket-datagrams socket-listener tcp-listener tcp-connection \
		< /dev/null > out 2> err
	wait_text out '^ready'
	as_user gdb -p "$PID" -batch -ex "shell $BIN/savefds -o text $PID" -ex 'gcore core' > gdb.out 2>&1
	kill -KILL "$PID"
	wait_until 20 gone "$PID"
	resume -ftext || { cat restart.out out; false; }
	[ "$(grep -c '^ok' out)" -eq 5 ]
}

@test "savefds that is killed while it looks at datagrams leaves the socket as it was" {
	need strace
	victim '
	a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
	a.send(b"one")
	a.send(b"two")
	wait()
	print(b.recv(100, socket.MSG_PEEK), b.getsockopt(socket.SOL_SOCKET, 42))'
	run as_user strace -f -o trace -e inject=recvmsg:signal=KILL:when=2 "$BIN/savefds" -o text "$PID"
	[ "$status" -ne 0 ]
	# strace -f ends when the process that stands by has ended, too.
	grep -q 'SO_PEEK_OFF, \[-1\]' trace
	touch go
	wait_text out "^b'one' -1$"
}
