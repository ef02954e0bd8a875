#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Sockets with more in them than a new socket has room for.

load helper

setup() {
	common_setup
	need python3
	copy_programs && BIN=$WORK/bin
	chmod a+rwx "$WORK"
}

# victim SCRIPT: fill() writes numbers until there is no room, and `all()' is that they come.
victim() {
	cat > victim.py <<-EOF
	import os, socket, struct, sys, time
	def fill(s, size=4):
	    n = 0
	    s.setblocking(False)
	    try:
	        while s.send(struct.pack("I", n).ljust(size, b".")) == size:
	            n += 1
	    except BlockingIOError:
	        pass
	    s.setblocking(True)
	    return n
	def all(s, count, size=4):
	    data = b""
	    while len(data) < count * size:
	        more = s.recv(1 << 20)
	        if not more:
	            break
	        data += more
	    return data == b"".join(struct.pack("I", i).ljust(size, b".") for i in range(count))
	def wait():
	    print("ready", flush=True)
	    while not os.path.exists("go"):
	        time.sleep(0.01)
	def buffers(*sockets):
	    return [s.getsockopt(socket.SOL_SOCKET, o) for s in sockets for o in (socket.SO_SNDBUF, socket.SO_RCVBUF)]
	EOF
	printf '%s\n' "$1" | sed 's/^\t//' >> victim.py
	touch out err && chmod a+w out err
	start "${AS_USER[@]}" python3 -S victim.py < /dev/null > out 2> err
	wait_text out '^ready' || { cat err; return 1; }
	as_user "$BIN/ckpt" -k -p "$PID" -o core
}

resume() {
	touch go
	timeout 30 "${AS_USER[@]}" "$BIN/restart" -n -w --pid=new "$@" core > restart.out 2>&1 < /dev/null || { cat restart.out; false; }
}

@test "AF_UNIX sockets whose sender had the largest buffer" {
	victim '
	a, b = socket.socketpair()
	a.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 19)
	n = fill(a, 30000)
	c, d = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
	c.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 19)
	m = fill(c, 1000)
	e, f = socket.socketpair()
	e.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 19)
	l = fill(e, 30000)
	e.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4608)
	had = buffers(a, b, c, d, e, f)
	wait()
	print(n * 30000 > 300000, m > 200, l > 10, all(b, n, 30000), all(d, m, 1000), all(f, l, 30000))
	print(had == buffers(a, b, c, d, e, f))'
	resume
	grep -qx 'True True True True True True' out
	grep -qx True out
}

@test "a TCP connection of the process with itself that is full" {
	victim '
	s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 19)
	s.bind(("127.0.0.1", 0)); s.listen()
	a = socket.create_connection(s.getsockname())
	b, _ = s.accept()
	a.sendall(b"x" * 150000)
	while len(b.recv(1 << 20, socket.MSG_PEEK)) < 150000:
	    time.sleep(0.01)
	had = buffers(b)
	wait()
	left = 150000
	while left:
	    left -= len(b.recv(left))
	a.send(b"end")
	print(b.recv(9), left, had == buffers(b))'
	resume
	grep -qx "b'end' 0 True" out
}

@test "what does not fit is refused, by --check too" {
	victim '
	a, b = socket.socketpair()
	fill(a, 30000)
	wait()'
	"$BIN/restart" --log core > text
	fd=$(sed -n 's/^socket-data : \([0-9]*\) .*/\1/p' text | head -n 1)
	# The kernel takes wmem_max for half of it.
	limit=$(< /proc/sys/net/core/wmem_max)
	[ "$limit" -le 4194304 ] || skip "net.core.wmem_max is $limit"
	letters=$(printf '%01048576d' 0)
	for ((i = 0; i <= limit >> 19; i++)); do echo "socket-data : $fd : $letters"; done >> text
	status=0
	timeout 30 "${AS_USER[@]}" "$BIN/restart" --check -ftext core > check.out < /dev/null || status=$?
	[ "$status" -eq 125 ]
	grep -q "^obstacle: text:[0-9]*: descriptor $fd: the [0-9]* bytes that wait in the socket do not fit into the buffers that it can have here (be root, raise /proc/sys/net/core/wmem_max, or edit its lines)$" check.out
}
