#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# restart: what comes back from a core, and how it is told to the user.
#
# A victim (programs/restart_*.c) sets up its state, dumps core of its own accord, checks its state
# when it goes on, and prints `ok'.

load helper

setup_file() {
	local name

	export VICTIMS=$BATS_FILE_TMPDIR
	cd "$VICTIMS" || return 1
	for name in process growth untouched mappings threads registers signals dlopen again clock ends rseq \
		hidden calls io_calls no_ptrace; do
		build_program "restart_$name" -lm
	done
	compile plugin.so "${CC:-gcc}" -shared -fPIC "$ROOT/tests/programs/restart_plugin.c"
	for name in process growth threads clock; do
		build_kind "$name" static -static -no-pie -fno-pie
		build_kind "$name" static_pie -static-pie -fPIE
		build_kind "$name" nopie -no-pie -fno-pie
	done
}

# build_kind NAME SUFFIX FLAGS...: restart_NAME linked in another way.
build_kind() {
	local name=$1 suffix=$2

	shift 2
	compile "restart_${name}_$suffix" "${CC:-gcc}" -std=gnu11 -g -O1 -I "$ROOT" \
		"$ROOT/tests/programs/restart_$name.c" -pthread "$@"
}

# Standard input is a fifo that is never at its end; WORK's files out and err get what is printed.
setup() {
	common_setup
	need_core
	mkfifo input
	exec {INPUT}<> input
	DUMPS=0
	export MARK=here
}

teardown() {
	exec {INPUT}>&-
	common_teardown
}

is_root() { [ "$(id -u)" -eq 0 ]; }

# dump COMMAND...: runs it until it dumps core, and leaves the core's name in $CORE.
dump() {
	local status=0

	start "$@" <&"$INPUT" >> out 2>> err
	wait "$PID" || status=$?
	[ "$status" -eq 131 ] || fail "status $status, not a core: $(cat err)" || return 1
	take_core
}

dump_saving() { dump env LD_PRELOAD="$SAVEFDS" "$@"; }

# Each core gets a name of its own, so that --lazy may map it and a later dump leaves it alone.
take_core() {
	CORE=$WORK/saved.$((++DUMPS))
	mv "$(find_core "${1:-.}" "$PID")" "$CORE"
}

# dump_gdb COMMAND...: the core is gdb's; then the victim's wait finds its byte.
dump_gdb() {
	need gdb
	start env WAIT=1 "$@" <&"$INPUT" >> out 2>> err
	wait_text out '^ready$'
	CORE=$WORK/saved.$((++DUMPS))
	gdb -p "$PID" -batch -ex "gcore $CORE" > gdb.log 2>&1 || true
	[ -s "$CORE" ] || fail "no core: $(cat gdb.log)" || return 1
	kill -KILL "$PID"
	wait "$PID" || true
	printf x >&"$INPUT"
}

# dump_gdb_saving COMMAND...: the same with savefds's text.
dump_gdb_saving() {
	need gdb
	start env WAIT=1 "$@" <&"$INPUT" >> out 2>> err
	wait_text out '^ready$'
	CORE=$WORK/saved.$((++DUMPS))
	gdb -p "$PID" -batch -ex "shell $BIN/savefds $PID" -ex "gcore $CORE" > gdb.log 2>&1 || true
	[ -s "$CORE" ] || fail "no core: $(cat gdb.log)" || return 1
	kill -KILL "$PID"
	wait "$PID" || true
	printf x >&"$INPUT"
}

# resume ARGS...: restarts from $CORE, lets it run and waits; the status is the program's.
resume() {
	timeout -k 5 120 "$BIN/restart" -n -w "$@" "$CORE" <&"$INPUT" >> out 2>> err
}

# succeeds ARGS...: as resume, and all is well.
succeeds() {
	local status=0

	resume "$@" || status=$?
	[ "$status" -eq 0 ] || fail "status $status: $(cat out err)" || return 1
	[ "$(tail -n 1 out)" = ok ] || fail "not ok: $(cat out err)" || return 1
	rm out
}

# The process id that restart has told: told_pid FILE.
told_pid() { sed -n 's/.*: process \([0-9]*\).*/\1/p' "$1" | tail -n 1; }

# Goes on from a kernel core without and with the text, and from gdb's core.
survives() {
	dump "$@"
	succeeds
	dump_gdb "$@"
	succeeds
}

survives_with_text() {
	dump_saving "$@"
	succeeds -f
}

# ---- Kinds of programs ---------------------------------------------------------------------------

@test "memory that was never touched comes back from a kernel core, and from gdb's with the text" {
	dump "$VICTIMS/restart_untouched"
	succeeds
	dump_gdb_saving "$VICTIMS/restart_untouched"
	succeeds -f
}

@test "a dynamic position-independent program goes on" {
	survives "$VICTIMS/restart_process" "last argument"
	survives_with_text "$VICTIMS/restart_process" "last argument"
	survives_with_text "$VICTIMS/restart_threads"
}

@test "a dynamic program at a fixed address goes on" {
	survives "$VICTIMS/restart_process_nopie" "last argument"
	survives "$VICTIMS/restart_threads_nopie"
	survives_with_text "$VICTIMS/restart_process_nopie" "last argument"
}

@test "a static program goes on" {
	survives "$VICTIMS/restart_process_static" "last argument"
	survives "$VICTIMS/restart_threads_static"
}

@test "a static position-independent program goes on" {
	survives "$VICTIMS/restart_process_static_pie" "last argument"
	survives "$VICTIMS/restart_threads_static_pie"
}

@test "heap and stack grow on, threads are made and rseq works in all kinds of programs" {
	dump "$VICTIMS/restart_growth"
	succeeds
	dump_saving "$VICTIMS/restart_growth"
	succeeds -f
	for kind in static static_pie nopie; do
		dump "$VICTIMS/restart_growth_$kind"
		succeeds
	done
	dump_gdb "$VICTIMS/restart_growth"
	succeeds
}

# ---- What comes back -----------------------------------------------------------------------------

@test "private views of files, code made at run time and protections come back" {
	survives "$VICTIMS/restart_mappings"
}

@test "with the text a shared view of a file stays shared" {
	survives_with_text "$VICTIMS/restart_mappings" shared
}

@test "a library that was loaded at run time comes back" {
	cp "$VICTIMS/plugin.so" .
	survives "$VICTIMS/restart_dlopen"
	survives_with_text "$VICTIMS/restart_dlopen"
}

@test "threads come back with their held locks, and with the old ids signals reach them" {
	is_root || skip "choosing thread ids takes root"
	dump "$VICTIMS/restart_threads" ids
	succeeds --pid=keep
	dump_gdb "$VICTIMS/restart_threads" ids
	succeeds --pid=keep
	dump_saving "$VICTIMS/restart_threads" ids
	succeeds -f --pid=keep
}

@test "threads and held locks know their new ids" {
	dump "$VICTIMS/restart_threads" ids
	succeeds --pid=new
	dump_gdb "$VICTIMS/restart_threads" ids
	succeeds --pid=new
}

@test "vector registers, segment bases and rounding modes come back" {
	grep -q '\<avx\>' /proc/cpuinfo || skip "this cpu has no AVX"
	dump "$VICTIMS/restart_registers"
	succeeds
	dump "$VICTIMS/restart_registers" loop
	succeeds --pid=new
	dump_saving "$VICTIMS/restart_registers" loop
	succeeds -f --pid=new
	dump_gdb "$VICTIMS/restart_registers" loop
	succeeds --pid=new
}

@test "with the text signal handlers, masks and the alternate stack come back" {
	survives_with_text "$VICTIMS/restart_signals"
}

@test "clocks are right and fast" {
	survives "$VICTIMS/restart_clock"
	survives_with_text "$VICTIMS/restart_clock"
}

# other_vdso CORE: makes the core that of another kernel: the code of each function of its vdso
# becomes traps, and the build-ID another; what a program looks up, the symbols, stays.
other_vdso() {
	python3 - "$1" <<-'EOF'
	import struct, sys
	core = bytearray(open(sys.argv[1], "rb").read())
	def segments(at):
	    phoff, = struct.unpack_from("<Q", core, at + 32)
	    phnum, = struct.unpack_from("<H", core, at + 56)
	    return [struct.unpack_from("<IIQQQQ", core, at + phoff + 56 * i) for i in range(phnum)]
	address = None
	for kind, _, offset, _, _, size in segments(0):
	    at = offset
	    while kind == 4 and at < offset + size:
	        namesz, descsz, note = struct.unpack_from("<III", core, at)
	        desc = at + 12 + (namesz + 3 & ~3)
	        if note == 6:
	            words = struct.unpack_from("<%dQ" % (descsz // 8), core, desc)
	            address = dict(zip(words[::2], words[1::2]))[33]
	        at = desc + (descsz + 3 & ~3)
	vdso = next(s[2] for s in segments(0) if s[0] == 1 and s[3] == address)
	shoff, = struct.unpack_from("<Q", core, vdso + 40)
	shnum, = struct.unpack_from("<H", core, vdso + 60)
	damaged = 0
	for i in range(shnum):
	    _, kind, _, _, offset, size = struct.unpack_from("<IIQQQQ", core, vdso + shoff + 64 * i)
	    if kind == 7:
	        core[vdso + offset + size - 1] ^= 255
	    for at in range(vdso + offset, vdso + offset + size, 24) if kind == 11 else []:
	        _, info, _, _, value, length = struct.unpack_from("<IBBHQQ", core, at)
	        if info & 15 == 2:
	            core[vdso + value:vdso + value + length] = b"\xcc" * length
	            damaged += 1
	assert damaged >= 4
	open(sys.argv[1], "wb").write(core)
	EOF
}

@test "a process from another kernel has right and fast clocks" {
	need python3
	for kind in "" _static _nopie; do
		dump "$VICTIMS/restart_clock$kind"
		other_vdso "$CORE"
		"$BIN/restart" --plan "$CORE" | grep -q 'the old vdso, leading to the new one'
		succeeds
	done
	# So has the process that it becomes, after the next dump.
	dump "$VICTIMS/restart_again"
	other_vdso "$CORE"
	resume || [ $? -eq 131 ]
	PID=$(told_pid err)
	take_core
	resume || [ $? -eq 131 ]
	[ "$(tail -n 1 out)" = "round 2" ]
}

@test "a thread that had not registered its rseq area yet can do so" {
	dump "$VICTIMS/restart_rseq"
	succeeds
}

# ---- Interrupted system calls --------------------------------------------------------------------

# each_in_parallel FUNCTION NAME...: FUNCTION NAME in a folder of its own; all must succeed.
each_in_parallel() {
	local function=$1 name pids=() failed=()

	shift
	for name; do
		mkdir "$WORK/$name"
		(cd "$WORK/$name" && WORK=$PWD && "$function" "$name") &
		pids+=($!)
	done
	for name; do
		wait "${pids[0]}" || failed+=("$name")
		pids=("${pids[@]:1}")
	done
	[ ${#failed[@]} -eq 0 ] || fail "failed: ${failed[*]}"
}

SLEEPS=(nanosleep clock_nanosleep absolute futex timed_futex pause sigsuspend sigtimedwait poll ppoll
	select pselect semop msgrcv)

plain_call() { dump "$VICTIMS/restart_calls" "$1" && succeeds --pid=new; }
saved_call() { dump_saving "$VICTIMS/restart_calls" "$1" && succeeds -f --pid=new; }
gdb_call() { dump_gdb "$VICTIMS/restart_calls" "$1" && succeeds --pid=new; }

@test "a system call that slept goes on from a kernel core" {
	each_in_parallel plain_call "${SLEEPS[@]}"
}

@test "a system call that slept goes on with the text" {
	each_in_parallel saved_call "${SLEEPS[@]}"
}

# Standard input has its data when the process goes on.
input_call() {
	rm -f input
	mkfifo input
	exec {INPUT}<> input
	"${@:2}" "$VICTIMS/restart_io_calls" "$1"
	printf x >&"$INPUT"
}
plain_input_call() { input_call "$1" dump && succeeds --pid=new; }
saved_input_call() { input_call "$1" dump_saving && succeeds -f --pid=new; }

@test "a system call that waited for standard input goes on without and with the text" {
	each_in_parallel plain_input_call read poll ppoll select pselect
	rm -r read poll ppoll select pselect
	each_in_parallel saved_input_call read poll ppoll select pselect
}

saved_io_call() { dump_saving "$VICTIMS/restart_io_calls" "$1" && succeeds -f --pid=new; }

@test "a read of a pipe, epoll_wait, a wait for a lock and waitpid go on with the text" {
	each_in_parallel saved_io_call pipe epoll lock waitpid
}

# with_socket KIND COMMAND...: runs it with a socket as standard input; KIND says what the peer does
# meanwhile: nothing (idle), send a byte (send), connect (connect).
with_socket() {
	python3 - "$@" <<-'EOF'
	import socket, subprocess, sys
	kind, command = sys.argv[1], sys.argv[2:]
	if kind.startswith("listen"):
	    ours = socket.socket()
	    ours.bind(("127.0.0.1", 0))
	    peer = socket.socket()
	else:
	    ours, peer = socket.socketpair()
	if kind == "listen-connect":
	    ours.listen(1)
	    peer.connect(ours.getsockname())
	if kind == "send":
	    peer.send(b"x")
	process = subprocess.Popen(command, stdin=ours)
	status = process.wait()
	sys.exit(status if status >= 0 else 128 - status)
	EOF
}

socket_call() {
	local status=0

	PID=none
	with_socket "$2" env --default-signal=QUIT "$VICTIMS/restart_io_calls" "$1" || status=$?
	[ "$status" -eq 131 ]
	CORE=$(echo core*)
	with_socket "$3" timeout 120 "$BIN/restart" -n -w --pid=new "$CORE" > out 2> err
	[ "$(cat out)" = ok ]
}
recv_call() { socket_call "$1" idle send; }
accept_call() { socket_call "$1" listen listen-connect; }

@test "recv, recv with a timeout and accept go on when standard input is a socket again" {
	need python3
	each_in_parallel recv_call recv timed_recv
	each_in_parallel accept_call accept
}

# ---- Again and again -------------------------------------------------------------------------------

# five_times DUMP ARGS...
five_times() {
	local dump=$1 round

	shift
	"$dump" "$VICTIMS/restart_again"
	for round in 1 2 3 4; do
		timeout -k 5 120 "$BIN/restart" -n -w "$@" "$CORE" <&"$INPUT" >> out 2>> err ||
			[ $? -eq 131 ] || fail "round $round: $(cat err)"
		PID=$(told_pid err)
		take_core
		[ "$(tail -n 1 out)" = "round $round" ]
	done
	succeeds "$@"
}

@test "a restarted process can be dumped and restarted to depth five" {
	five_times dump
}

@test "so it can with other thread ids each time" {
	five_times dump --pid=new
	dump "$VICTIMS/restart_threads"
	succeeds --pid=new
}

@test "with --lazy it can, too, and its memory is mapped from the core" {
	five_times dump --lazy
	lacks_text err 'in place'
	dump "$VICTIMS/restart_process" "last argument"
	leave_stopped --lazy
	grep -q " $CORE\$" "/proc/$PID/maps"
	kill -CONT "$PID"
	wait_text out '^ok$'
}

@test "without --lazy the core may be removed once the process is there" {
	dump "$VICTIMS/restart_process" "last argument"
	leave_stopped
	: > "$CORE"
	rm "$CORE"
	kill -CONT "$PID"
	wait_text out '^ok$'
}

@test "so it can with the text" {
	five_times dump_saving -f
}

# ---- What others see of it ---------------------------------------------------------------------------

# Leaves the restarted process stopped, and its id in $PID.
leave_stopped() {
	"$BIN/restart" "$@" "$CORE" <&"$INPUT" >> out 2> told
	PID=$(told_pid told)
	STARTED+=("$PID")
	grep -q 'stopped until SIGCONT$' told
	wait_state "$PID" T
}

@test "/proc shows the original program, command line, environment and name" {
	dump "$VICTIMS/restart_process" "last argument"
	leave_stopped
	[ "$(readlink "/proc/$PID/exe")" = "$VICTIMS/restart_process" ]
	[ "$(tr '\0' '|' < "/proc/$PID/cmdline")" = "$VICTIMS/restart_process|last argument|" ]
	tr '\0' '\n' < "/proc/$PID/environ" | grep -qx MARK=here
	[ "$(cat "/proc/$PID/comm")" = restart_process ]
	for label in heap stack vdso; do
		[ "$(grep -c "\\[$label\\]" "/proc/$PID/maps")" -eq 1 ]
	done
}

@test "gdb -p on a restarted process shows symbols and all threads" {
	need gdb
	dump "$VICTIMS/restart_threads"
	leave_stopped
	gdb -p "$PID" -batch -ex 'thread apply all backtrace' -ex 'print ready' > shown 2>&1
	[ "$(grep -c '^Thread ' shown)" -eq 3 ]
	[ "$(grep -c ' wait_in (' shown)" -eq 2 ]
	grep -q ' main (' shown
	grep -qx '$1 = 2' shown
}

@test "gdb can be attached to the process that is left stopped, and let it go on" {
	need gdb
	dump "$VICTIMS/restart_process" "last argument"
	leave_stopped
	gdb -p "$PID" -batch -ex 'backtrace 1' -ex 'handle SIGSTOP nostop noprint nopass' -ex continue \
		> shown 2>&1
	grep -q 'exited normally' shown
	[ "$(cat out)" = ok ]
}

@test "without -n the process is left stopped, and SIGCONT continues it" {
	dump "$VICTIMS/restart_process" "last argument"
	leave_stopped
	[ ! -s out ]
	kill -CONT "$PID"
	wait_text out '^ok$'
	wait_until 20 gone "$PID"
}

@test "with -n alone restart leaves and the process runs on" {
	dump "$VICTIMS/restart_process" "last argument"
	"$BIN/restart" -n "$CORE" <&"$INPUT" >> out 2> told
	wait_text out '^ok$'
	lacks_text told stopped
}

@test "with -w alone restart waits for the stopped process to be continued and to end" {
	dump "$VICTIMS/restart_ends" 9
	start "$BIN/restart" -w "$CORE" <&"$INPUT" >> out 2> told
	wait_text told 'stopped until SIGCONT'
	wait_state "$(told_pid told)" T
	kill -CONT "$(told_pid told)"
	status=0
	wait "$PID" || status=$?
	[ "$status" -eq 9 ]
}

@test "with -w the exit status is the program's" {
	for end in 0 7 255 -15 -9; do
		dump "$VICTIMS/restart_ends" "$end"
		status=0
		resume || status=$?
		if [ "$end" -lt 0 ]; then
			[ "$status" -eq $((128 - end)) ]
		else
			[ "$status" -eq "$end" ]
		fi
	done
}

@test "with -w signals are passed on" {
	dump "$VICTIMS/restart_ends" signals
	for signal in TERM INT HUP USR1 WINCH RTMIN; do
		rm -f out
		start "$BIN/restart" -n -w "$CORE" <&"$INPUT" >> out 2>> err
		wait_text out '^waiting$'
		status=0
		kill -s "$signal" "$PID"
		wait "$PID" || status=$?
		[ "$status" -eq 3 ]
		grep -qx "signal $(kill -l "$signal")" out
	done
}

@test "on a terminal ^Z stops both, fg continues both, and the keyboard is the program's" {
	need script
	terminal_open
	terminal_type "sed -u 's/^/got /'"
	terminal_type one
	terminal_expect 'got one'
	terminal_key '\x1c'
	terminal_expect 'Quit \(core dumped\)'
	terminal_type "$BIN/restart -n -w core"
	terminal_expect 'process [0-9]+'
	terminal_type two
	terminal_expect 'got two'
	terminal_key '\x1a'
	terminal_expect 'Stopped'
	terminal_type 'jobs'
	terminal_expect 'Stopped.*restart -n -w core'
	terminal_type 'fg'
	terminal_expect 'restart -n -w core'
	terminal_type three
	terminal_expect 'got three'
	terminal_key '\x03'
	terminal_expect '\$ '
	terminal_type 'echo status $?'
	terminal_expect 'status 130'
}

# ---- What can only come back changed -----------------------------------------------------------------

@test "memory that is not in the core takes --accept-loss" {
	# Without shared memory: see core(5), /proc/PID/coredump_filter.
	dump bash -c 'echo 0x31 > /proc/self/coredump_filter && exec "$@"' dump \
		env HIDDEN=1 "$VICTIMS/restart_hidden"
	run resume
	[ "$status" -eq 125 ]
	[[ $(cat err) =~ memory\ at\ [0-9a-f]+-[0-9a-f]+.*\ is\ not\ in\ the\ core\ and\ would\ be\ zeros\ \(--accept-loss ]]
	succeeds --accept-loss
}

@test "a socket, a pipe to another process and files that no path opens take --accept-loss" {
	dump "$VICTIMS/restart_hidden" 4
	cat > text <<-EOF
	0 : /dev/null : 0
	1 : $WORK/out : 0 : O_WRONLY|O_APPEND
	3 : socket:[77] : 0 : O_RDWR
	4 : pipe:[78] : 0 : O_RDONLY
	5 : $WORK/gone : 0 : O_RDWR|deleted
	6 : anon_inode:[signalfd] : 0 : O_RDWR
	EOF
	run resume -ftext
	[ "$status" -eq 125 ]
	grep -q '^restart: text:3: descriptor 3 was a socket and would be one whose peer is gone (--accept-loss' err
	grep -q '^restart: text:4: descriptor 4 was a pipe to another process and would be one whose other end is closed (--accept-loss' err
	grep -q "^restart: text:5: descriptor 5 was $WORK/gone, a deleted file, and would be /dev/null (--accept-loss" err
	grep -q '^restart: text:6: descriptor 6 was anon_inode:\[signalfd\] and would be /dev/null (--accept-loss' err
	succeeds -ftext --accept-loss
}

# ---- Process ids -------------------------------------------------------------------------------------

@test "--pid=keep gives the old id, --pid=new another, and what was done is told" {
	is_root || skip "choosing a process id takes root"
	dump "$VICTIMS/restart_process" "last argument"
	succeeds --pid=keep
	[ "$(told_pid err)" -eq "$PID" ]
	grep -q ', as before$' err
	rm err
	succeeds --pid=new
	[ "$(told_pid err)" -ne "$PID" ]
	grep -q "(was $PID)\$" err
}

@test "by default the old id comes back when it is free, else a new one" {
	is_root || skip "choosing a process id takes root"
	dump "$VICTIMS/restart_process" "last argument"
	leave_stopped
	old=$PID
	rm out
	succeeds
	[ "$(told_pid err)" -ne "$old" ]
	kill -KILL "$old"
}

@test "--pid=ns gives the old ids in a namespace, to an ordinary user too" {
	unshare --user --pid --fork true 2> /dev/null || skip "no user namespaces here"
	dump "$VICTIMS/restart_threads" ids
	succeeds --pid=ns
	copy_programs
	cp "$VICTIMS/restart_threads" .
	rm -f err
	dump "${AS_USER[@]}" "$WORK/restart_threads" ids
	as_user timeout -k 5 120 bin/restart -n -w --pid=ns "$CORE" <&"$INPUT" > out 2> err
	[ "$(cat out)" = ok ]
}

@test "an ordinary user's process goes on for that user" {
	copy_programs
	cp "$VICTIMS/restart_threads" "$VICTIMS/restart_process" .
	touch out err
	chmod a+rw input out err
	for victim in process threads; do
		dump "${AS_USER[@]}" env LD_PRELOAD="$WORK/lib/libsavefds.so" \
			"$WORK/restart_$victim" "last argument"
		as_user timeout -k 5 120 bin/restart -n -w -f "$CORE" <&"$INPUT" 2>> err
		[ "$(cat out)" = ok ]
		: > out
	done
}

# ---- In place ------------------------------------------------------------------------------------------

# Dumps all of the process's memory, also what its files hold.
dump_whole() { dump bash -c 'echo 0x3f > /proc/self/coredump_filter && exec "$@"' dump "$@"; }

in_place='the process is restored in place: /proc/PID/exe will be restart.s own'

@test "a process whose program is gone is restored in place, and restart says so" {
	for victim in process_static threads growth_nopie; do
		cp "$VICTIMS/restart_$victim" victim
		dump_whole env INPLACE=1 ./victim "last argument"
		rm victim
		[[ $("$BIN/restart" --check "$CORE") =~ $in_place ]]
		succeeds
		grep -q "$in_place" err
		rm err
	done
}

@test "a process restored in place can be left stopped" {
	cp "$VICTIMS/restart_process" victim
	dump_whole env INPLACE=1 ./victim "last argument"
	rm victim
	leave_stopped
	[ ! -s out ]
	[ "$(tr '\0' '|' < "/proc/$PID/cmdline")" = './victim|last argument|' ]
	kill -CONT "$PID"
	wait_text out '^ok$'
}

@test "a program that may be executed but not read is restored in place for an ordinary user" {
	is_root || skip "making a program unreadable takes root"
	copy_programs
	cp "$VICTIMS/restart_threads" victim
	touch out err
	chmod a+rw input out err
	dump_whole "${AS_USER[@]}" ./victim
	chmod 711 victim
	for program in "" ./victim; do
		as_user timeout -k 5 120 bin/restart -n -w $program "$CORE" <&"$INPUT" > out 2> err
		[ "$(cat out)" = ok ]
		grep -q "$in_place" err
	done
}

@test "where ptrace is forbidden a process is restored in place" {
	dump env INPLACE=1 "$VICTIMS/restart_process" "last argument"
	"$VICTIMS/restart_no_ptrace" timeout -k 5 120 "$BIN/restart" -n -w "$CORE" \
		<&"$INPUT" > out 2> err
	[ "$(cat out)" = ok ]
	grep -q "ptrace is not permitted here: restored in place, so /proc/PID/exe is restart's own" err
}

# ---- The other modes -------------------------------------------------------------------------------------

@test "--show tells what is in a core" {
	dump_saving "$VICTIMS/restart_threads" "an argument"
	"$BIN/restart" -f --show "$CORE" > shown
	grep -q "^core: *$CORE, written by the kernel, 20" shown
	grep -q "^program: *$VICTIMS/restart_threads\$" shown
	grep -q "^command: .*restart_threads an argument" shown
	grep -q "^process: *$PID, " shown
	grep -q '^threads: *3, dumped by SIGQUIT$' shown
	[ "$(grep -c '^  [0-9]* .*in futex, called at .*libc' shown)" -eq 2 ]
	grep -q '^has: .*open files, signal handlers' shown
	grep -q '^lacks: *nothing$' shown
	grep -q '^  1 .*/out at 0$' shown
	"$BIN/restart" --show "$CORE" > shown
	grep -q '^lacks: *open files, signal handlers, working directory' shown
}

@test "--plan lists the operations and does nothing" {
	dump_saving "$VICTIMS/restart_threads"
	rm out
	"$BIN/restart" -f --plan "$CORE" > plan
	# Numbered from 0, without a gap.
	awk '$1 != NR - 1 { exit 1 }' plan
	[ "$(grep -c ' thread(' plan)" -eq 2 ]
	[ "$(grep -c ' end(' plan)" -eq 3 ]
	grep -q ' munmap(0x0, .*everything below the bootstrap' plan
	grep -q " chdir(\"$WORK\")" plan
	grep -q " open(\"$WORK/out\", O_WRONLY|.*O_APPEND" plan
	[ ! -e out ]
}

@test "--check says whether it would restart, what is lost, and how to avoid that" {
	dump_saving "$VICTIMS/restart_threads"
	"$BIN/restart" --check "$CORE" > found
	[ "$(tail -n 1 found)" = 'It would restart here.' ]
	grep -q '^loss: .*preload libsavefds.so' found
	"$BIN/restart" -f --check "$CORE" > found
	lacks_text found '^loss'
	rm out
	run "$BIN/restart" -f --check "$CORE"
	[ "$status" -eq 125 ]
	[[ $output =~ obstacle:\ filedescriptors:[0-9]+:\ descriptor\ 1\ was\ $WORK/out:.*--map\ OLD=NEW ]]
	[[ $output = *'It would not restart here.' ]]
	[ ! -e out ]
}

@test "--log says that a kernel core has no text" {
	dump "$VICTIMS/restart_ends" 0
	run "$BIN/restart" --log "$CORE"
	[ "$status" -eq 125 ]
	[ "$output" = "restart: $CORE holds no state text (it may be in a file filedescriptors beside it)" ]
}

@test "--map relocates open files, the directory, the program and its libraries" {
	mkdir old
	cp "$VICTIMS/restart_dlopen" "$VICTIMS/plugin.so" old
	mkfifo old/input
	exec {INPUT}<> old/input
	start env -C old LD_PRELOAD="$SAVEFDS" ./restart_dlopen <&"$INPUT" > old/out 2> old/err
	wait "$PID" || [ $? -eq 131 ]
	take_core old
	mv old new
	run "$BIN/restart" -n -w -fnew/filedescriptors "$CORE"
	[ "$status" -eq 125 ]
	timeout 120 "$BIN/restart" -n -w -fnew/filedescriptors --map="$WORK/old=$WORK/new" "$CORE" 2>> err
	[ "$(tail -n 1 new/out)" = ok ]
}

@test "-V tells what is being done, -v the version, -h the usage" {
	dump "$VICTIMS/restart_ends" 0
	resume -V
	run "$BIN/restart" -v
	[ "$status" -eq 0 ]
	[[ $output =~ ^restart\ [0-9.]+$ ]]
	run "$BIN/restart" --help
	[ "$status" -eq 0 ]
	[[ $output = 'Usage: restart [OPTIONS] [PROG] CORE'* ]]
}

@test "-b lets the program run up to an address first" {
	dump "$VICTIMS/restart_process_nopie" "last argument"
	address=0x$(nm "$VICTIMS/restart_process_nopie" | awk '$3 == "main" { print $1 }')
	succeeds -b "$address" "$VICTIMS/restart_process_nopie"
	run resume -b 0x10 "$VICTIMS/restart_process_nopie"
	[ "$status" -eq 125 ]
	run resume -b main "$VICTIMS/restart_process_nopie"
	[ "$status" -eq 125 ]
}

@test "-s asks for each memory region" {
	dump "$VICTIMS/restart_ends" 0
	regions=$("$BIN/restart" --show "$CORE" | grep -cE '^  [0-9a-f]+-[0-9a-f]+ ')
	yes n | "$BIN/restart" --plan -s "$CORE" > few 2> asked
	[ "$(grep -o 'restore it?' asked | wc -l)" -lt "$regions" ]
	lacks_text few libc.so
	yes | timeout 120 "$BIN/restart" -n -w -s "$CORE" 2>> err
	run "$BIN/restart" -s "$CORE" < /dev/null
	[ "$status" -eq 125 ]
	[[ ${lines[-1]} = *'--select: the answers ended before the regions did'* ]]
}

# ---- Sudden death --------------------------------------------------------------------------------------------

ours_alive() { [ -n "$(find /proc -maxdepth 2 -name exe -lname "$WORK/*" 2> /dev/null)" ]; }
none_alive() { ! ours_alive; }

@test "restart killed at any of its steps leaves no process behind" {
	need strace
	cp "$VICTIMS/restart_threads" "$BIN/restart" .
	dump ./restart_threads
	for ((step = 1; step < 500; step++)); do
		status=0
		strace -o trace -e trace=ptrace -e inject=ptrace:signal=KILL:when=$step \
			./restart -n -w "$CORE" <&"$INPUT" > out 2> err || status=$?
		[ "$status" -ne 0 ] || break
		[ "$status" -eq 137 ]
		wait_until 20 none_alive
	done
	[ "$step" -gt 10 ]
	[ "$(cat out)" = ok ]
}
