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

checkpoint() { as_user "$BIN/ckpt" --accept-loss -k -p "$PID" -o core; }
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

@test "descriptors on their way that ckpt has no room for take --accept-loss" {
	victim '
	a, b = socket.socketpair()
	socket.send_fds(a, [b"with"], [0] * 200)
	wait()
	print(b.recv(100))'
	(ulimit -Sn 100 && checkpoint)
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
	build_holds holds
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

# ---- TCP connections that live on ---------------------------------------------------------------

# Two machines, as far as the network goes: processes $HERE and $THERE stand for them, with the addresses
# 10.9.0.1 and 10.9.0.2 and a cable in between.
two_machines() {
	[ "$(id -u)" -eq 0 ] || skip "not root"
	need ip unshare nsenter
	unshare -n true 2> /dev/null || skip "network namespaces are not permitted here"
	start unshare -n sleep 1000
	HERE=$PID
	start unshare -n sleep 1000
	THERE=$PID
	wait_until 20 is_apart "$HERE"
	wait_until 20 is_apart "$THERE"
	here ip link add cable type veth peer name cable netns "$THERE" || skip "the kernel has no veth"
	here ip address add 10.9.0.1/24 dev cable
	there ip address add 10.9.0.2/24 dev cable
	here ip link set cable up
	plug
	here python3 -Sc 'import socket; socket.socket().setsockopt(6, 19, 1)' 2> /dev/null ||
		skip "the kernel has no TCP_REPAIR"
}

is_apart() { [ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }
here() { nsenter -t "$HERE" -n "$@"; }
there() { nsenter -t "$THERE" -n "$@"; }
plug() { there ip link set cable up; }
unplug() { there ip link set cable down; }

# serve SCRIPT, call SCRIPT: a server here and its client there, each with the connection `s`.  The
# process id of the server is in SERVER; "${LESS[@]}" before the server takes something from it.
serve() {
	cat > server.py <<-EOF
	import os, select, socket, time
	l = socket.create_server(("10.9.0.1", 4000))
	open("listens", "w")
	s = l.accept()[0]
	l.close()
	EOF
	printf '%s\n' "$1" | sed 's/^\t//' >> server.py
	start nsenter -t "$HERE" -n "${LESS[@]}" python3 -S server.py < /dev/null > server.out 2>&1
	SERVER=$PID
	wait_until 20 test -e listens
}

call() {
	printf '%s\n' 'import os, socket, time' 's = socket.socket()' "${BEFORE_CONNECT:-}" \
		's.connect(("10.9.0.1", 4000))' > client.py
	printf '%s\n' "$1" | sed 's/^\t//' >> client.py
	start nsenter -t "$THERE" -n python3 -S client.py < /dev/null > client.out 2>&1
}

# An echo that numbers the lines, and one who checks the numbers and says each.
echo_server='
	f = s.makefile("rw", newline="\n")
	for n, line in enumerate(f, 1):
	    f.write("%d %s" % (n, line))
	    f.flush()'
echo_client='
	f = s.makefile("rw", newline="\n")
	n = 0
	while True:
	    n += 1
	    f.write("%d\n" % n)
	    f.flush()
	    assert f.readline() == "%d %d\n" % (n, n)
	    print(n, flush=True)
	    time.sleep(0.005)'

# goes_on: the client gets thirty more answers.
goes_on() { wait_lines client.out $(($(wc -l < client.out) + 30)) || { cat client.out server.out; false; }; }

repair_mode_is_off() {
	cat > mode.py <<-EOF
	import ctypes, os, socket, sys
	libc = ctypes.CDLL(None, use_errno=True)
	fd = libc.syscall(438, os.pidfd_open(int(sys.argv[1])), int(sys.argv[2]), 0)
	s = socket.socket(fileno=fd)
	print(s.getsockopt(6, 19), s.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR))
	EOF
	[ "$(python3 mode.py "$1" 4)" = "0 1" ]
}

@test "--tcp-established: a connection lives on, and its peer sees every line once" {
	two_machines
	serve "$echo_server"
	call "$echo_client"
	wait_lines client.out 30
	unplug
	"$BIN/ckpt" -k -p "$SERVER" --tcp-established -o core
	here "$BIN/restart" -n --pid=new --tcp-established core > restart.out 2>&1 < /dev/null ||
		{ cat restart.out; false; }
	STARTED+=("$(sed -n 's/.*: process \([0-9]*\) (was.*/\1/p' restart.out)")
	plug
	goes_on
	wait_text restart.out 'process'
	lacks_text restart.out 'peer is gone'
}

@test "--tcp-established: a connection lives on from one checkpoint to the next" {
	two_machines
	serve "$echo_server"
	call "$echo_client"
	wait_lines client.out 30
	for _ in 1 2 3; do
		unplug
		"$BIN/ckpt" -k -p "$SERVER" --tcp-established -o core
		here "$BIN/restart" -n --pid=new --tcp-established core > restart.out 2>&1 < /dev/null
		SERVER=$(sed -n 's/.*: process \([0-9]*\) (was.*/\1/p' restart.out)
		STARTED+=("$SERVER")
		plug
		goes_on
	done
}

@test "--tcp-established: what is under way in both directions comes to its end" {
	two_machines
	serve '
	s.setblocking(False)
	sent = 0
	# Full is what does not take any more when all has come to rest.
	while select.select([], [s], [], 0.5)[1]:
	    sent += s.send(b"%08d" % (sent // 8))
	s.setblocking(True)
	open("full", "w")
	while not os.path.exists("go"):
	    time.sleep(0.01)
	got = b""
	while len(got) < 400000:
	    got += s.recv(100000)
	assert got == b"".join(b"%08d" % n for n in range(50000))
	s.sendall(b"end")
	s.shutdown(socket.SHUT_WR)
	print("got all,", s.recv(1), sent, flush=True)'
	BEFORE_CONNECT='s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 20000)'
	call '
	s.sendall(b"".join(b"%08d" % n for n in range(50000)))
	open("all-sent", "w")
	while not os.path.exists("go"):
	    time.sleep(0.01)
	got = b""
	while piece := s.recv(100000):
	    got += piece
	size = len(got) - 3
	assert got[size:] == b"end"
	assert got[:size] == b"".join(b"%08d" % n for n in range(size // 8 + 1))[:size]
	print(size)'
	wait_until 20 test -e full
	wait_until 20 test -e all-sent
	unplug
	"$BIN/ckpt" -k -p "$SERVER" --tcp-established -o core
	"$BIN/restart" --log core > log
	grep -aq '^socket-data : 4 : 0000000000000001' log
	grep -aq '^tcp-data : 4 : ' log
	# Not all of it has been sent.
	grep -aq '^tcp : 4 : [0-9]* [1-9]' log
	here "$BIN/restart" -n --pid=new --tcp-established core > restart.out 2>&1 < /dev/null ||
		{ cat restart.out; false; }
	STARTED+=("$(sed -n 's/.*: process \([0-9]*\) (was.*/\1/p' restart.out)")
	plug
	touch go
	wait_text server.out "^got all, b'' [0-9]*$" || { cat client.out server.out; false; }
	wait_lines client.out 1
	diff <(sed 's/.* //' server.out) client.out
}

@test "--tcp-established: a connection whose peer has ended its side is answered still" {
	two_machines
	serve '
	s.recv(1)
	open("waits", "w")
	while not os.path.exists("go"):
	    time.sleep(0.01)
	got = b""
	while piece := s.recv(100):
	    got += piece
	s.sendall(b"".join(b"%08d" % n for n in range(50000)))
	print("got", got, flush=True)'
	call '
	s.sendall(b"-the question")
	s.shutdown(socket.SHUT_WR)
	got = b""
	while piece := s.recv(100000):
	    got += piece
	assert got == b"".join(b"%08d" % n for n in range(50000))
	print("got all")'
	wait_until 20 test -e waits
	# The end has come (08, CLOSE_WAIT) and is confirmed (05, FIN_WAIT2); the port is 4000.
	wait_until 20 here grep -q ' 0100090A:0FA0 0200090A:[0-9A-F]* 08 ' /proc/net/tcp
	wait_until 20 there grep -q ' 0200090A:[0-9A-F]* 0100090A:0FA0 05 ' /proc/net/tcp
	unplug
	"$BIN/ckpt" -k -p "$SERVER" --tcp-established -o core
	"$BIN/restart" --log core | grep -q '^socket : 4 : .* connected peer-done'
	here "$BIN/restart" --check --tcp-established core > check || true
	grep -q '^obstacle: .*descriptor 4 is a TCP connection to 10.9.0.2:[0-9]*, which cannot be carried on here: Network is down (' check
	here ip link set lo up
	here "$BIN/restart" -n --pid=new --tcp-established core > restart.out 2>&1 < /dev/null ||
		{ cat restart.out; false; }
	STARTED+=("$(sed -n 's/.*: process \([0-9]*\) (was.*/\1/p' restart.out)")
	lacks_text restart.out 'peer is gone'
	wait_until 20 here grep -q ' 0100090A:0FA0 0200090A:[0-9A-F]* 08 ' /proc/net/tcp
	plug
	touch go
	wait_text server.out "^got b'the question'$" || { cat restart.out server.out client.out; false; }
	wait_text client.out '^got all$' || { cat server.out client.out; false; }
}

@test "--tcp-established: a process that goes on keeps its connection" {
	two_machines
	serve "$echo_server"
	call "$echo_client"
	wait_lines client.out 30
	"$BIN/ckpt" -p "$SERVER" --tcp-established -o core
	repair_mode_is_off "$SERVER"
	goes_on
	"$BIN/ckpt" -p "$SERVER" --stop --tcp-established -o core
	goes_on
	here "$BIN/restart" --tcp-established --check core > check || true
	grep -q '^obstacle: .*descriptor 4 is a TCP connection from 10.9.0.1:4000 to 10.9.0.2:[0-9]*, and there is one here already (end the process that has it, or restart without' check
	"$BIN/restart" --tcp-established --check core > check || true
	grep -q '^obstacle: .*descriptor 4 is a TCP connection from 10.9.0.1:4000, which is no address of this machine (' check
	here setpriv --bounding-set=-net_admin --inh-caps=-net_admin "$BIN/restart" --tcp-established --check core > check || true
	grep -q '^obstacle: .*descriptor 4 is a TCP connection to 10.9.0.2:[0-9]*, which takes CAP_NET_ADMIN to carry on (be root, or restart without' check
	here "$BIN/restart" --check core > check
	grep -q '^loss: .*descriptor 4 was a TCP connection to 10.9.0.2:[0-9]* and is one whose peer is gone now$' check
}

@test "--tcp-established: a checkpoint that fails or is killed leaves the connection as it was" {
	need strace
	two_machines
	serve "$echo_server"
	call "$echo_client"
	wait_lines client.out 30
	# The disk is full, with -k.
	run bash -c "'$BIN/ckpt' -k -p $SERVER --tcp-established -o - > /dev/full"
	[ "$status" -ne 0 ]
	repair_mode_is_off "$SERVER"
	goes_on
	# ckpt is killed while its worker, slowed down, has the connection in repair mode.
	cat > kill-parent <<-EOF
	while ! grep -qs 'TCP_REPAIR_QUEUE' trace; do sleep 0.01; done
	kill -KILL "\$(< /proc/\$1/task/\$1/children)"
	EOF
	start strace -f -o trace -e trace=setsockopt -e inject=setsockopt:delay_exit=100000 \
		"$BIN/ckpt" -k -p "$SERVER" --tcp-established -o core
	bash kill-parent "$PID" || true
	wait_until 20 gone "$PID"
	# It was, and only then repair mode was left.
	sed -n '/killed by SIGKILL/,$p' trace | grep -q 'TCP_REPAIR, \[-1\]'
	wait_until 20 repair_mode_is_off "$SERVER"
	goes_on
	# The worker itself is killed while it writes the core.
	run strace -f -o trace -e trace=fsync,fdatasync -e inject=fsync,fdatasync:signal=KILL "$BIN/ckpt" -k -p "$SERVER" --tcp-established -o core
	grep -q 'killed by SIGKILL' trace
	wait_until 20 repair_mode_is_off "$SERVER"
	goes_on
}

@test "--tcp-established: what cannot be saved is refused, and goes on" {
	two_machines
	serve "
	if not os.fork():
	    time.sleep(1000)
	$echo_server"
	call "$echo_client"
	wait_lines client.out 30
	run "$BIN/ckpt" -k -p "$SERVER" --tcp-established -o core
	[ "$status" -eq 1 ]
	[[ $output =~ ^"ckpt: descriptor 4 is a TCP connection that process "[0-9]+" has, too (end that first, or checkpoint without" ]]
	goes_on
}

@test "--tcp-established takes CAP_NET_ADMIN" {
	two_machines
	LESS=(setpriv --bounding-set=-net_admin --inh-caps=-net_admin)
	serve "$echo_server"
	call "$echo_client"
	wait_lines client.out 30
	run "${LESS[@]}" "$BIN/ckpt" -k -p "$SERVER" --tcp-established -o core
	[ "$status" -eq 1 ]
	[[ $output == "ckpt: descriptor 4 is a TCP connection, which takes CAP_NET_ADMIN to save (checkpoint without --tcp-established)" ]]
	repair_mode_is_off "$SERVER"
	goes_on
}
