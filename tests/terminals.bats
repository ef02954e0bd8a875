#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Terminals: that of restart, and those that control a process.  Pseudo-terminals are in
# tests/holds.bats, too.

load helper

setup() {
	common_setup
	need python3
	cat > victim.py <<-EOF
	import fcntl, os, pty, struct, sys, termios, time
	def wait():
	    print("ready", flush=True)
	    while not os.path.exists("go"):
	        time.sleep(0.01)
	EOF
}

# script TEXT: what the victim does.
script() { printf '%s\n' "$1" | sed 's/^\t//' >> victim.py; }

@test "restart's own terminal gets the modes that the program had set" {
	script '
	modes = termios.tcgetattr(0)
	modes[3] &= ~termios.ECHO
	modes[6][termios.VEOF] = b"\x05"
	termios.tcsetattr(0, termios.TCSANOW, modes)
	open("pid", "w").write(str(os.getpid()))
	wait()
	modes = termios.tcgetattr(0)
	print("echo", bool(modes[3] & termios.ECHO), "end", modes[6][termios.VEOF])
	modes[3] |= termios.ECHO
	termios.tcsetattr(0, termios.TCSANOW, modes)'
	terminal_open
	terminal_type "python3 -S victim.py"
	terminal_expect ready
	"$BIN/ckpt" -k -p "$(< pid)" -o core
	terminal_expect '\$ '
	terminal_type "stty echo eof ^D; touch go"
	terminal_expect '\$ '
	terminal_type "$BIN/restart -n -w core"
	terminal_expect "echo False end b'.x05'"
}

@test "a program that draws the screen is told of its new window" {
	script '
	import signal, tty
	tty.setcbreak(0)
	def draw(*arguments):
	    open("drawn", "a").write("%d %d\n" % tuple(os.get_terminal_size()))
	signal.signal(signal.SIGWINCH, draw)
	open("pid", "w").write(str(os.getpid()))
	wait()'
	terminal_open
	terminal_type "stty rows 33 cols 111"
	terminal_expect '\$ '
	terminal_type "python3 -S victim.py"
	terminal_expect ready
	"$BIN/ckpt" -k -p "$(< pid)" -o core
	terminal_expect '\$ '
	[ ! -e drawn ]
	# Its size is as before in the end, and still it is told.
	terminal_type "$BIN/restart -n -w core"
	wait_text drawn '^111 33$'
	touch go
	terminal_expect '\$ '
}

@test "an executable checkpoint sets the modes of its terminal, and is told of the window" {
	script '
	import signal, tty
	tty.setcbreak(0)
	def draw(*arguments):
	    open("drawn", "w").close()
	signal.signal(signal.SIGWINCH, draw)
	open("pid", "w").write(str(os.getpid()))
	wait()
	print("line by line", bool(termios.tcgetattr(0)[3] & termios.ICANON))'
	terminal_open
	terminal_type "python3 -S victim.py"
	terminal_expect ready
	"$BIN/ckpt" -k -p "$(< pid)" -n saved
	terminal_expect '\$ '
	terminal_type "stty sane rows 33 cols 111; echo done\$?"
	terminal_expect done0
	[ ! -e drawn ]
	terminal_type ./saved
	wait_until 20 test -e drawn
	touch go
	terminal_expect 'line by line False'
}

@test "a terminal that the program was not in the foreground of keeps its modes" {
	script '
	wait()
	print("echo", bool(termios.tcgetattr(0)[3] & termios.ECHO))'
	terminal_open
	terminal_type "python3 -S victim.py &"
	terminal_expect ready
	terminal_type "stty -echo"
	terminal_expect '\$ '
	terminal_type "$BIN/ckpt -k -p \$! -o core; stty echo; touch go"
	terminal_expect '\$ '
	terminal_type "$BIN/restart -n -w core"
	terminal_expect 'echo True'
}

@test "the leader of a session has its controlling terminal again, which is its own" {
	script '
	master, slave = pty.openpty()
	fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
	current = os.open("/dev/tty", os.O_RDWR)
	wait()
	print(os.ttyname(slave) == os.ptsname(master) if hasattr(os, "ptsname") else True)
	print(os.tcgetpgrp(slave) == os.getpgrp(), os.getsid(0) == os.getpid())
	os.write(current, b"by name")
	print(os.read(master, 100))
	os.write(os.open("/dev/tty", os.O_RDWR), b"again")
	print(os.read(master, 100))'
	start setsid python3 -S victim.py < /dev/null > out 2> err
	wait_text out '^ready' || { cat err; false; }
	"$BIN/ckpt" -k -p "$PID" -o core
	touch go
	"$BIN/restart" -n -w --pid=new core < /dev/null > restart.out 2>&1 || { cat restart.out; false; }
	diff out - <<-EOF
	ready
	True
	True True
	b'by name'
	b'again'
	EOF
}

@test "what waits in a terminal is lost, and told" {
	script '
	master, slave = pty.openpty()
	os.write(slave, b"unread")
	wait()
	os.write(slave, b"new")
	print(os.read(master, 100))'
	start python3 -S victim.py < /dev/null > out 2> err
	wait_text out '^ready'
	"$BIN/ckpt" -k -p "$PID" -o core
	touch go
	"$BIN/restart" -n -w --pid=new core < /dev/null > restart.out 2>&1 || { cat restart.out; false; }
	grep -qx 'restart: 6 bytes that waited to be read from the terminal of descriptor 3 are lost' restart.out
	grep -qx "b'new'" out
}

@test "the master of a terminal of other processes is hung up" {
	script '
	pid, master = pty.fork()
	if pid == 0:
	    time.sleep(1000)
	termios.tcgetattr(master)
	while os.tcgetpgrp(master) != pid:
	    time.sleep(0.01)
	wait()
	try:
	    os.read(master, 100)
	except OSError as error:
	    print(error.errno == 5)'
	start python3 -S victim.py < /dev/null > out 2> err
	wait_text out '^ready'
	"$BIN/ckpt" -k -p "$PID" -o core
	touch go
	"$BIN/restart" -n -w --pid=new core < /dev/null > restart.out 2>&1 || { cat restart.out; false; }
	grep -qx 'restart: descriptor 3 was the master of a terminal of other processes, which are gone: it is hung up' restart.out
	grep -qx True out
}
