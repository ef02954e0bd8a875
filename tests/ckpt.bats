#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# ckpt -p: a checkpoint of a process that is alive.  What happens to it, what is written, and how it is
# resumed.  ckpt_harm.bats has what must not happen to it.

# shellcheck disable=SC2015,SC2154  # `fail' never succeeds; bats sets stderr
bats_require_minimum_version 1.5.0
load helper
load twins

# ---- Programs that know nothing of us ----------------------------------------------------------------

setup_file() {
	! command -v javac || build_java real_java "$BATS_FILE_TMPDIR/classes"
}

begin_python() {
	need "$PYTHON"
	begin "$PYTHON" "$PROGRAMS/real_python.py"
}

begin_bash() {
	seq 3000 > plain/input
	begin /bin/bash "$PROGRAMS/real_builtins.sh"
}

begin_node() {
	need node
	begin "$(readlink -f "$(command -v node)")" "$PROGRAMS/real_node.js"
}

begin_java() {
	local main=("$PROGRAMS/real_java.java")

	need java
	need_old_ids
	[ ! -e "$BATS_FILE_TMPDIR/classes" ] || main=(-cp "$BATS_FILE_TMPDIR/classes" RealJava)
	begin "$(readlink -f "$(command -v java)")" -Xmx64m "${main[@]}"
}

begin_threads() {
	build_program real_threads
	begin "$WORK/real_threads"
}

# checkpoint ARGS...: ckpt, which must have nothing to say.
checkpoint() {
	local said status=0

	said=$(timeout 60 "$BIN/ckpt" "$@" 2>&1 > /dev/null) || status=$?
	[ "$status" -eq 0 ] && [ -z "$said" ] || fail "ckpt $*: status $status: $said"
}

# It is checkpointed some times, and goes on.
undisturbed() {
	wait_text out '^half$' || return 1
	for ((i = 0; i < 5; i++)); do
		checkpoint -p "$PID" -o ../core
	done
	touch go
	wait "$PID" || fail "ended with $?: $(< err)" || return 1
	compare
}

# It is checkpointed, goes on, is checkpointed and ended, and resumed.
resumed() {
	local status=0

	wait_text out '^half$' || return 1
	checkpoint -p "$PID" -o ../core
	checkpoint -p "$PID" -k
	wait "$PID" || status=$?
	[ "$status" -eq 137 ] || fail "ended with $status" || return 1
	touch go
	status=0
	timeout 60 "$BIN/restart" -n -w "${IDS[@]}" "core.$PID" > restart.log 2>&1 < /dev/null || status=$?
	[ "$status" -eq 0 ] || fail "status $status: $(< restart.log) $(< err)" || return 1
	compare
}

@test "python3 goes on undisturbed" { begin_python && undisturbed; }
@test "python3 is resumed" { begin_python && resumed; }
@test "bash goes on undisturbed" { begin_bash && undisturbed; }
@test "bash is resumed" { begin_bash && resumed; }
@test "node goes on undisturbed" { begin_node && undisturbed; }
@test "node is resumed" { begin_node && resumed; }
@test "java goes on undisturbed" { begin_java && undisturbed; }
@test "java is resumed" { begin_java && resumed; }
@test "a thousand threads go on undisturbed" { begin_threads && undisturbed; }
@test "a thousand threads are resumed" { begin_threads && resumed; }

# ---- Kinds of state --------------------------------------------------------------------------------------

# start_state KIND [FLAGS]: tests/programs/ckpt_state.c, which goes on when it reads a byte from `in'.
start_state() {
	local kind=$1

	shift
	build_program ckpt_state "$@"
	mkfifo in
	exec {IN}<> in
	start ./ckpt_state "$kind" < in > out 2> err
	wait_text out '^ready$'
}

# go_on STATUS_OF_WAIT...: the process that reads `in' ends well.
ends_well() {
	local status=0

	echo >&"$IN"
	"$@" || status=$?
	[ "$status" -eq 0 ] || fail "status $status: $(cat err restart.log)" || return 1
	[ "$(tail -n 1 out)" = ok ]
}

# Checkpointed in both ways, goes on; resumed from both, finds its state again.
goes_on_and_is_resumed() {
	checkpoint -p "$PID" -o core.fork
	checkpoint -p "$PID" -o core.stop --stop
	ends_well wait "$PID"
	for core in core.fork core.stop; do
		: > restart.log
		timeout 120 "$BIN/restart" -n -w "$core" < in > restart.log 2>&1 &
		ends_well wait $!
	done
}

@test "private and shared anonymous memory, and what a fork does not copy, come back" {
	start_state memory
	goes_on_and_is_resumed
}

@test "mappings of deleted files and memory files come back" {
	start_state deleted
	goes_on_and_is_resumed
}

@test "signal handlers come back, with the alternate stacks of all threads" {
	start_state signals
	goes_on_and_is_resumed
}

@test "a static program comes back" {
	start_state memory -static
	goes_on_and_is_resumed
}

@test "a program that is not on its own stack comes back with its handlers" {
	start_state elsewhere
	goes_on_and_is_resumed
}

@test "a program that filters its system calls stands still meanwhile and lives on" {
	start_state seccomp
	run --separate-stderr "$BIN/ckpt" -p "$PID"
	[ "$status" -eq 0 ]
	[[ $stderr == *"stands still"*"seccomp"* ]]
	ends_well wait "$PID"
}

# ---- Options -----------------------------------------------------------------------------------------------

start_counter() {
	start "$BASH" -c 'for ((i = 0; ; i++)); do echo $i; read -t 0.005 _ <> pause; done' > out 2> err
	wait_lines out 3
}

setup_pause() { mkfifo pause; }

@test "without -o the file is core.PID, for its owner only" {
	setup_pause
	start_counter
	checkpoint -p "$PID"
	[ "$(stat -c '%a %F' "core.$PID")" = '600 regular file' ]
	[ -z "$(find . -name '.restart*')" ]
}

@test "an existing file is replaced whole, and nothing else than a file is" {
	setup_pause
	start_counter
	echo old > kept
	ln kept core
	checkpoint -p "$PID" -o core
	[ "$(< kept)" = old ]
	[ "$(head -c 4 core)" = $'\x7fELF' ]
	run "$BIN/ckpt" -p "$PID" -o /dev/null
	[ "$status" -eq 1 ] && [ "${#lines[@]}" -eq 1 ]
	[ -c /dev/null ]
}

@test "-o - writes to a file or a pipe, with the same memory" {
	start_state memory
	"$BIN/ckpt" -p "$PID" -o - --stop > one
	"$BIN/ckpt" -p "$PID" -o - --stop | cat > two
	"$BIN/ckpt" -p "$PID" -o three --stop
	ends_well wait "$PID"
	[ "$(stat -c %s one)" -eq "$(stat -c %s three)" ]
	[ "$(stat -c %s two)" -eq "$(stat -c %s three)" ]
	for core in one two; do
		: > restart.log
		timeout 120 "$BIN/restart" -n -w "$core" < in > restart.log 2>&1 &
		ends_well wait $!
	done
}

@test "-k: nothing runs between the checkpoint and the end" {
	local last

	setup_pause
	start_counter
	checkpoint -p "$PID" -k
	run wait "$PID"
	last=$(tail -n 1 out)
	start "$BIN/restart" -n -w "core.$PID" > restart.log 2>&1 < /dev/null
	wait_lines out $((last + 5))
	kill -KILL "$PID"
	[ "$(head -n $((last + 5)) out)" = "$(seq 0 $((last + 4)))" ]
}

@test "a SIGSTOP on its way to a stopped process is no state of it" {
	start bash -c 'echo ready; until [ -e go ]; do sleep 0.01; done; echo ok' > out
	wait_text out ready
	kill -STOP "$PID"
	wait_state "$PID" T
	kill -STOP "$PID"  # waits for as long as it is stopped
	"$BIN/ckpt" -k -p "$PID" -o core
	touch go
	"$BIN/restart" -n -w core < /dev/null 2> err
	[ "$(tail -n 1 out)" = ok ]
}

@test "-k: the end of a program with threads is heard of when it comes" {
	need strace
	build_program real_threads
	start ./real_threads > out 2> err
	wait_text out '^half$'
	# Without --seccomp-bpf it would stop at each of the many calls that a thousand threads take.
	strace -f --seccomp-bpf -o trace -e trace=poll "$BIN/ckpt" -p "$PID" -k -o core 2> strace.err
	run ! grep Timeout trace
	[ -s trace ]
}

@test "--log writes the text that is in the core" {
	setup_pause
	start_counter
	checkpoint -p "$PID" -o core --log text
	[ "$(stat -c %a text)" = 600 ]
	grep -q "^1 : $WORK/out : " text
	"$BIN/restart" --log core | cmp - text
}

@test "--stats and --json print what it took" {
	setup_pause
	start_counter
	run --separate-stderr "$BIN/ckpt" -p "$PID" --stats
	[[ $output =~ ^stall_ms=[0-9.]+\ total_ms=[0-9.]+\ bytes=[0-9]+\ pages_saved=[0-9]+\ pages_zero=[0-9]+\ threads=1\ mib_per_s=[0-9]+$ ]]
	run --separate-stderr "$BIN/ckpt" -p "$PID" --json -o core
	python3 -c 'import json, sys; d = json.loads(sys.argv[1])
assert sorted(d) == sorted("stall_ms total_ms bytes pages_saved pages_zero threads mib_per_s".split())
assert 0 < d["stall_ms"] < d["total_ms"] and d["threads"] == 1
assert d["pages_saved"] * 4096 < d["bytes"] < d["pages_saved"] * 4096 + 65536 + 4096' "$output"
	[ $(($(stat -c %b core) * 512)) -lt 8000000 ]
}

@test "-v says how long the process stood still, and with -o - the core alone is on standard output" {
	setup_pause
	start_counter
	run --separate-stderr "$BIN/ckpt" -v -p "$PID" -o core
	[[ $stderr == *"process $PID goes on after "*" ms"* ]] && [ -z "$output" ]
	"$BIN/ckpt" -v --stats -p "$PID" -o - > core 2> said
	readelf -h core 2>&1 > /dev/null | diff - /dev/null
	grep -q '^stall_ms=' said
}

@test "gdb, eu-readelf and readelf read the core without a complaint" {
	build_program real_threads
	mkdir run2 && cd run2
	start ../real_threads < /dev/null > out 2> err
	wait_text out '^half$'
	checkpoint -p "$PID" -o core
	readelf -a --wide core 2>&1 > /dev/null | diff - /dev/null
	if command -v eu-readelf; then
		eu-readelf -n -l -h core 2>&1 > /dev/null | diff - /dev/null
	fi
	if command -v eu-stack; then
		eu-stack --core=core > stacks 2> stacks.err
		[ "$(grep -c '^TID ' stacks)" -eq 1001 ]
		grep -q ' main' stacks
	fi
	need gdb
	gdb -nx -batch -iex 'set debuginfod enabled off' -ex 'thread apply all -q bt' ../real_threads core \
		> gdb.out 2> gdb.err
	# It also shows where the first thread is.
	[ "$(grep -c '^#0 ' gdb.out)" -eq 1002 ] || fail "$(tail -n 20 gdb.out gdb.err)"
	[ "$(grep -c ' main (' gdb.out)" -ge 1 ]
	# Registers that gdb does not know yet, as it says of the kernel's own cores.
	sed -i '/Unexpected size of section `.reg-xstate/d' gdb.err
	! grep -iE 'warning|error|cannot' gdb.err || fail "$(< gdb.err)"
}

@test "an ordinary user checkpoints and resumes his own process" {
	[ "$(id -u)" -eq 0 ] || skip "only root can become somebody else"
	copy_programs
	build_program ckpt_state
	mkfifo in
	touch out err
	chmod a+rwX . in out err
	exec {IN}<> in
	start "${AS_USER[@]}" ./ckpt_state memory < in > out 2> err
	wait_text out '^ready$'
	as_user "$WORK/bin/ckpt" -p "$PID" -o core
	ends_well wait "$PID"
	timeout 120 "${AS_USER[@]}" "$WORK/bin/restart" -n -w core < in > restart.log 2>&1 &
	ends_well wait $!
}

# ---- Refused -----------------------------------------------------------------------------------------------

# refused PATTERN ARGS...: one line, status 1, no file.
refused() {
	local pattern=$1

	shift
	run timeout 120 "$BIN/ckpt" "$@"
	[ "$status" -eq 1 ] && [ "${#lines[@]}" -eq 1 ] && [[ $output == *$pattern* ]] ||
		fail "status $status: $output" || return 1
	[ -z "$(find . -name 'core*' -o -name '.restart*')" ]
}

@test "refused: what is not there, is a zombie, a thread, a kernel thread" {
	refused 'no such process' -p 4194300
	# The child ends when nobody is left who would wait for it.
	start "$BASH" -c '{ until read -r name < /proc/$$/comm && [ "$name" = sleep ]; do :; done; } &
		exec sleep 1000'
	wait_until 20 eval '[[ $(ps -o state= --ppid '"$PID"') == Z* ]]'
	refused 'ended' -p "$(ps -o pid= --ppid "$PID" | tr -d ' ')"
	build_program real_threads
	(cd run && start ../real_threads < /dev/null > out 2> err; echo "$PID" > ../pid)
	wait_text run/out '^half$'
	PID=$(< pid)
	STARTED+=("$PID")
	thread=$(find "/proc/$PID/task" -maxdepth 1 -name '[0-9]*' -printf '%f\n' | grep -vx "$PID" | head -n 1)
	refused 'thread' -p "$thread"
	[ ! -e /proc/2/exe ] || ! grep -qx kthreadd /proc/2/comm || refused 'kernel' -p 2
}

@test "refused: a process that is traced already, which goes on" {
	need strace
	setup_pause
	start_counter
	strace -o trace -p "$PID" 2> strace.err &
	wait_text strace.err attached
	refused 'traced' -p "$PID"
	wait_lines out $(($(wc -l < out) + 5))
	kill $!
}

@test "refused: another user's process" {
	[ "$(id -u)" -eq 0 ] || skip "only root can become somebody else"
	setup_pause
	start_counter
	copy_programs
	run as_user "$WORK/bin/ckpt" -p "$PID"
	[ "$status" -eq 1 ] && [ "${#lines[@]}" -eq 1 ] && [[ $output == *owner* ]] || fail "$output"
	wait_lines out $(($(wc -l < out) + 5))
}

@test "refused: a 32-bit process, which goes on" {
	printf '%s\n' '.globl _start' '_start: mov $29, %eax' 'int $0x80' 'jmp _start' > p.s
	as --32 p.s -o p.o && ld -m elf_i386 p.o -o p || skip "no 32-bit program can be made"
	start ./p
	wait_state "$PID" S
	refused '32-bit' -p "$PID"
	wait_state "$PID" S
}

@test "wrong use is said in one line, with status 125" {
	for args in '' '-p x' '-p 0' '-p 1 rest'; do
		# shellcheck disable=SC2086
		run "$BIN/ckpt" $args
		[ "$status" -eq 125 ] && [ "${#lines[@]}" -eq 1 ]
	done
	"$BIN/ckpt" --help | grep -q '^Usage: ckpt'
	"$BIN/ckpt" --version | grep -q '^ckpt '
}

@test "children are counted, and that they do not come back is said" {
	start "$BASH" -c 'sleep 1000 & sleep 1000 & echo "$!" > started; wait'
	wait_until 20 test -s started
	"$BIN/ckpt" -p "$PID" -o core
	"$BIN/restart" --log core | grep -qx 'children : 2'
	"$BIN/restart" --check core | grep -qx 'loss: 2 child processes of it are not restored: a wait for them says that there is none'
	"$BIN/ckpt" -k -p "$PID" -o core 2> said
	[ "$(< said)" = "ckpt: process $PID had children (2), which are not in its checkpoint and go on" ]
	kill -KILL "$(< started)"
}
