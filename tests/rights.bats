#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Descriptors on their way in sockets (SCM_RIGHTS).  Each program says afterwards what came; one that
# was not interrupted must have said the same.

load helper

setup() {
	common_setup
	need python3
	copy_programs && BIN=$WORK/bin
	echo 'the contents of a file' > file
	chmod -R a+rwX "$WORK"
}

# victim SCRIPT: what goes before `wait()' and behind it.
victim() {
	cat > victim.py <<-EOF
	import array, os, socket, sys, time
	def wait():
	    print("ready", flush=True)
	    while not os.path.exists("go"):
	        time.sleep(0.01)
	def come(s, size=100):
	    "What one recvmsg() gets: the bytes, and the descriptors."
	    try:
	        data, extra, flags, _ = s.recvmsg(size, 4096, socket.MSG_DONTWAIT)
	    except BlockingIOError:
	        return "nothing", []
	    fds = array.array("i")
	    for _, _, bytes in extra:
	        fds.frombytes(bytes)
	    return data, list(fds)
	def told(s, size=100):
	    data, fds = come(s, size)
	    return data, len(fds)
	def pair(type=socket.SOCK_STREAM):
	    return socket.socketpair(socket.AF_UNIX, type)
	def send(s, data, *fds):
	    s.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))])
	def open_fds():
	    return len(os.listdir("/proc/self/fd"))
	EOF
	printf '%s\n' "$1" | sed 's/^\t//' >> victim.py
}

# same_as_before OPTION...: runs it to its end, and with a checkpoint in between.
same_as_before() {
	touch go want out err && chmod a+w want out err
	"${AS_USER[@]}" timeout 20 python3 -S victim.py < /dev/null > want
	rm go
	start "${AS_USER[@]}" python3 -S victim.py < /dev/null > out 2> err
	wait_text out '^ready'
	as_user "$BIN/ckpt" -k -p "$PID" -o core
	touch go
	as_user timeout 20 "$BIN/restart" -n -w --pid=new "$@" core > restart.out 2>&1 < /dev/null || { cat restart.out; false; }
	cat want
	[ "$(wc -l < want)" -gt 1 ]
	diff want out
	[ "$(grep -vc ': process .*(was ' restart.out)" -eq 0 ] || { cat restart.out; false; }
}

@test "a descriptor that the process still has is the same description when it comes" {
	victim '
	a, b = pair()
	f = os.open("file", os.O_RDONLY)
	os.read(f, 4)
	send(a, b"with", f)
	count = open_fds()
	wait()
	print(count == open_fds())
	data, (g,) = come(b)
	print(data, os.read(g, 8), os.read(f, 9), os.get_inheritable(g))'
	same_as_before
	grep -q "b'with' b'contents' b' of a fil'" out
}

@test "descriptors that the process has closed come as they were" {
	victim '
	a, b = pair()
	f = os.open("file", os.O_RDWR | os.O_APPEND); os.lseek(f, 4, 0)
	g = os.dup(f)
	u = os.open("unlinked", os.O_RDWR | os.O_CREAT, 0o600); os.write(u, b"gone"); os.unlink("unlinked")
	r, w = os.pipe(); os.write(w, b"waits")
	m = os.memfd_create("m"); os.write(m, b"memory")
	e = os.eventfd(5) if hasattr(os, "eventfd") else os.open("/dev/zero", 0)
	send(a, b"x", f, g, u, w, m, e)
	for fd in f, g, u, w, m, e:
	    os.close(fd)
	count = open_fds()
	wait()
	print(count == open_fds())
	data, (f, g, u, w, m, e) = come(b)
	print(os.read(f, 3), os.read(g, 9), os.pread(u, 9, 0), os.read(r, 9), os.pread(m, 9, 0), len(os.read(e, 8)))
	os.close(w)
	print(os.read(r, 9))'
	same_as_before
	grep -q "b'con' b'tents of ' b'gone' b'waits' b'memory' 8" out
}

@test "the pieces of a stream keep their borders" {
	victim '
	a, b = pair()
	a.send(b"ab"); a.send(b"cd")
	send(a, b"efg", 0)
	send(a, b"h", 0, 1)
	a.send(b"ij")
	send(a, b"k" * 20000, 2)
	a.send(b"l" * 3000); a.send(b"m")
	c, d = pair()
	send(c, b"nop", 0, 0, 0)
	d.recv(1)
	e, f = pair()
	send(e, b"qrs", 0)
	wait()
	print(told(b, 1), told(b, 4), told(b), told(b), told(b, 2))
	for i in range(2):
	    data, fds = told(b, 50000)
	    print(len(data), data[:1], data[-1:], fds)
	print(told(d), told(f, 2), told(f))'
	same_as_before
}

@test "messages keep their order, and those without bytes their descriptors" {
	victim '
	a, b = pair(socket.SOCK_DGRAM)
	c, d = pair(socket.SOCK_SEQPACKET)
	for s in a, c:
	    s.send(b"first")
	    send(s, b"", 0)
	    send(s, b"third", 1, 2)
	    s.send(b"")
	    send(s, b"fifth", 0)
	n = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); n.bind("\0named-%d" % os.getpid())
	o = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); o.connect(n.getsockname())
	send(o, b"to a name", 2)
	o.close()
	wait()
	for s in b, d:
	    print(told(s), told(s), told(s), told(s), told(s))
	print(told(n))'
	same_as_before
}

@test "sockets come through sockets, with what waits in them" {
	victim '
	a, b = pair()
	c, d = pair()
	e, f = pair()
	g, h = pair(socket.SOCK_DGRAM)
	os_file = os.open("file", 0)
	send(g, b"in h", os_file)
	send(e, b"in f", h.fileno(), e.fileno())
	send(c, b"in d", f.fileno())
	send(a, b"in b", d.fileno(), b.fileno())
	c.close(); d.close(); f.close(); g.close(); h.close(); os.close(os_file)
	a.close()
	wait()
	data, (d, again) = come(b)
	print(data, os.fstat(again).st_ino == os.fstat(b.fileno()).st_ino, b.recv(9))
	data, (f,) = come(socket.socket(fileno=d))
	f = socket.socket(fileno=f)
	data2, (h, other) = come(f)
	data3, (file,) = come(socket.socket(fileno=h))
	print(data, data2, data3, os.read(file, 12))
	e.send(b"still connected")
	print(f.recv(99), os.fstat(other).st_ino == os.fstat(e.fileno()).st_ino)'
	same_as_before
}

@test "with SIGQUIT and libsavefds they come, too" {
	need_core
	victim '
	a, b = pair()
	f = os.open("file", os.O_RDONLY); os.lseek(f, 4, 0)
	r, w = os.pipe(); os.write(w, b"waits")
	send(a, b"fine", f, r, 0)
	os.close(f); os.close(r)
	wait()
	data, (f, r, z) = come(b)
	print(data, os.read(f, 8), os.read(r, 9), os.fstat(z).st_ino == os.fstat(0).st_ino)'
	touch out
	start_saving python3 -S victim.py < /dev/null > out 2> err
	wait_text out '^ready'
	make_core . "$PID"
	touch go
	timeout 20 "$BIN/restart" -f -n -w --pid=new "$CORE" > restart.out 2>&1 < /dev/null || { cat restart.out; false; }
	grep -qx "b'fine' b'contents' b'waits' True" out
}

@test "in the text what is on its way has a number above the others, which is free afterwards" {
	victim '
	a, b = pair()
	f = os.open("file", os.O_RDONLY)
	send(a, b"x", f, 0)
	os.close(f)
	wait()
	print(sorted(map(int, os.listdir("/proc/self/fd"))))'
	touch out err && chmod a+w out err
	start "${AS_USER[@]}" python3 -S victim.py < /dev/null > out 2> err
	wait_text out '^ready'
	as_user "$BIN/ckpt" -k -p "$PID" -o core
	"$BIN/restart" --log core > text
	grep -qx "5 : $WORK/file : 0 : O_RDONLY|in-flight" text
	grep -qx 'socket-data : 4 : x : 5 0' text
	touch go
	timeout 20 "${AS_USER[@]}" "$BIN/restart" -n -w --pid=new core < /dev/null
	grep -qx '\[0, 1, 2, 3, 4, 5\]' out  # 5 is the list itself
	sed -i 's/|in-flight//' text
	timeout 20 "${AS_USER[@]}" "$BIN/restart" -ftext -n -w --pid=new core < /dev/null
	grep -qx '\[0, 1, 2, 3, 4, 5, 6\]' out
}
