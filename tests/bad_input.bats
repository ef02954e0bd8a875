#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# restart with bad input: one clear line with the remedy, a status that is not 0, nothing started,
# nothing created, nothing changed.

load helper
bats_require_minimum_version 1.5.0

setup_file() {
	export VICTIMS=$BATS_FILE_TMPDIR
	cd "$VICTIMS" || return 1
	build_program restart_dlopen
	build_program restart_low
	build_program restart_process
	build_program restart_no_ptrace
	build_plugin plugin.so
	build_plugin other.so -DOTHER=1 -g
}

build_plugin() {
	compile "$1" "${CC:-gcc}" -shared -fPIC -Wl,--build-id "${@:2}" "$ROOT/tests/programs/restart_plugin.c"
}

# Each test has a copy of restart and of a victim, the victim's core and its text.
setup() {
	common_setup
	need_core
	cp "$VICTIMS/restart_dlopen" "$VICTIMS/plugin.so" "$BIN/restart" .
	start_saving ./restart_dlopen < /dev/null > out 2> err
	own_core . "$PID"
	mv "$CORE" saved
	echo data > out
	# The text as a person may have edited it: one open file, and where it stood.
	cat > text <<-EOF
	# a comment
	0 : /dev/null : 0
	1 : $WORK/out : 5 : O_WRONLY|O_APPEND
	2 : $WORK/err : 0 : O_WRONLY|O_APPEND
	EOF
}

is_root() { [ "$(id -u)" -eq 0 ]; }
ours_alive() { [ -n "$(find /proc -maxdepth 2 -name exe -lname "$WORK/*" 2> /dev/null)" ]; }
none_alive() { ! ours_alive; }

# All files here with size, time and contents.
listing() { find . -type f -printf '%p %s %T@ %m ' -exec cksum {} \; ; find . ! -type f; }

# refuses STATUS REGEX COMMAND...: the command says one line that fits, has that status, and that is
# all that happens.
refuses() {
	local want=$1 regex=$2 before after

	shift 2
	before=$(listing)
	run "-$want" timeout -k 5 120 "$@"
	after=$(listing)
	[ "$status" -eq "$want" ] || fail "status $status: $output" || return 1
	[ "${#lines[@]}" -eq 1 ] || fail "more than one line: $output" || return 1
	[[ $output =~ $regex ]] || fail "no $regex in: $output" || return 1
	[ "$before" = "$after" ] || fail "files changed: $(diff <(echo "$before") <(echo "$after"))" ||
		return 1
	wait_until 5 none_alive || fail "a process is left"
}

# patch FILE OFFSET BYTES: overwrites bytes, given as for printf.
patch() { printf "%b" "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none; }

# Where the description of the note of type $2 (0x202, ...) and owner $3 begins in the core $1.
note_offset() {
	python3 - "$@" <<-'EOF'
	import struct, sys
	core, kind, owner = open(sys.argv[1], "rb").read(), int(sys.argv[2], 0), sys.argv[3].encode()
	phoff, = struct.unpack_from("<Q", core, 32)
	phnum, = struct.unpack_from("<H", core, 56)
	for i in range(phnum):
	    p_type, _, offset, _, _, size = struct.unpack_from("<IIQQQQ", core, phoff + 56 * i)
	    at, end = offset, offset + size
	    while p_type == 4 and at + 12 <= end:
	        namesz, descsz, n_type = struct.unpack_from("<III", core, at)
	        desc = at + 12 + (namesz + 3 & ~3)
	        if n_type == kind and core[at + 12:at + 12 + namesz].rstrip(b"\0") == owner:
	            print(desc)
	            sys.exit()
	        at = desc + (descsz + 3 & ~3)
	sys.exit("no such note")
	EOF
}

@test "the fixture is right: what these tests damage does restart" {
	"$WORK/restart" --check -ftext saved
	timeout 120 ./restart -n -w -ftext saved
	[ "$(tail -n 1 out)" = ok ]
}

# ---- The core ------------------------------------------------------------------------------------

@test "a core that is cut off anywhere" {
	size=$(stat -c %s saved)
	cp saved whole
	for at in 1 40 64 100 700 4096 $((size / 2)) $((size - 1)); do
		head -c "$at" whole > saved
		refuses 125 '^restart: saved: .*(truncated|cut|ends|short|too small|beyond|not a core)' \
			./restart -n saved
	done
}

@test "a file that is no core: text, a program, a library, nothing, a folder, a fifo, none at all" {
	echo "some text" > text_file
	: > nothing
	mkdir folder
	mkfifo fifo
	refuses 125 '^restart: text_file: .*not a core' ./restart text_file
	refuses 125 '^restart: restart_dlopen: .*(not a core|program|executable)' ./restart restart_dlopen
	refuses 125 '^restart: plugin.so: .*(not a core|library|shared)' ./restart plugin.so
	refuses 125 '^restart: nothing: .*(empty|not a core)' ./restart nothing
	refuses 125 '^restart: folder: .*' ./restart folder
	refuses 125 '^restart: fifo: .*regular file' ./restart fifo
	refuses 125 '^restart: missing: No such file or directory' ./restart missing
}

@test "a core that may not be read" {
	copy_programs
	chmod 000 saved
	refuses 125 '^restart: saved: permission denied; read it as its owner, or as root' "${AS_USER[@]}" ./bin/restart saved
}

@test "a core of another machine, of a 32-bit program, of another byte order" {
	cp saved whole
	patch saved 18 '\xb7\x00'
	refuses 125 '^restart: saved: .*(machine|architecture)' ./restart -n saved
	cp whole saved
	patch saved 4 '\x01'
	refuses 125 '^restart: saved: ' ./restart -n saved
	cp whole saved
	patch saved 5 '\x02'
	refuses 125 '^restart: saved: ' ./restart -n saved
}

@test "a core with hostile headers: counts, sizes, offsets and addresses out of bounds, overlaps" {
	cp saved whole
	phoff=64
	last=$((phoff + 56 * ($(readelf -h saved | awk '/Number of program headers/ { print $5 }') - 2)))
	while read -r at bytes; do
		cp whole saved
		patch saved "$at" "$bytes"
		refuses 125 '^restart: saved: ' ./restart -n saved
	done <<-EOF
	32 \xff\xff\xff\xff\xff\xff\xff\x7f
	54 \x01\x00
	56 \x00\x00
	56 \xff\xff
	$((last + 8)) \xff\xff\xff\xff\xff\xff\xff\x7f
	$((last + 16)) \x01
	$((last + 32)) \xff\xff\xff\xff\xff\xff\xff\xff
	$((last + 40)) \xff\xff\xff\xff\xff\xff\xff\xff
	EOF
}

@test "a core with hostile notes" {
	need python3
	cp saved whole
	files=$(note_offset saved 0x46494c45 CORE)
	status_note=$(note_offset saved 1 CORE)
	for damage in "$files \xff\xff\xff\xff\xff\xff\xff\xff" "$((files + 8)) \x00\x00\x00\x00\x00\x00\x00\x00" \
		"$((status_note - 16)) \xff\xff\xff\xff" "$((status_note - 16)) \x08\x00\x00\x00"; do
		cp whole saved
		patch saved "${damage%% *}" "${damage#* }"
		refuses 125 '^restart: saved: ' ./restart -n saved
	done
}

@test "a core of a cpu with a feature that this one lacks" {
	need python3
	xstate=$(note_offset saved 0x202 LINUX)
	# Bit 62 of XCR0 is in nobody's cpu.
	patch saved $((xstate + 464 + 7)) '\x40'
	refuses 125 '^restart: .*cpu.*state 62.*lacks.*\(restart on such a machine\)' ./restart -n saved
}

# ---- PROG ------------------------------------------------------------------------------------------

@test "PROG that is another program, is missing, or cannot be executed" {
	refuses 125 'restart: /bin/true is not the program of saved: its build-ID differs .*was .*restart_dlopen' \
		./restart -n /bin/true saved
	refuses 127 'restart: ./nowhere: No such file or directory' ./restart -n ./nowhere saved
	refuses 127 'restart: nowhere-in-path: No such file or directory' ./restart -n nowhere-in-path saved
	copy_programs
	chmod a-x restart_dlopen
	chmod a+r saved
	refuses 126 'restart: ./restart_dlopen: .*cannot be executed.*Permission denied' \
		"${AS_USER[@]}" bin/restart -n ./restart_dlopen saved
	refuses 127 'restart: .: ' bin/restart -n . saved
}

@test "a program that was built anew is said once" {
	gcc -o restart_dlopen -Wl,--build-id -DANEW -Os -g0 -I "$ROOT" "$ROOT/tests/programs/restart_dlopen.c" -ldl
	refuses 125 'restart: .*restart_dlopen is not the program of saved: its build-ID differs' ./restart -n saved
}

# ---- Mapped files, open files -----------------------------------------------------------------------

@test "a library that was replaced since, or is gone" {
	cp "$VICTIMS/other.so" plugin.so
	refuses 125 'restart: .*/plugin.so was replaced since the core was made: its build-ID differs .*--map OLD=NEW' \
		./restart -n saved
	rm plugin.so
	refuses 125 'restart: .*/plugin.so was mapped .*No such file or directory .*--map OLD=NEW' \
		./restart -n saved
	mkfifo plugin.so
	refuses 125 'restart: .*/plugin.so was mapped .*no file any more .*--map OLD=NEW' \
		./restart -n saved
	mkdir elsewhere
	cp "$VICTIMS/plugin.so" elsewhere
	"$WORK/restart" --check --map="$WORK/plugin.so=$WORK/elsewhere/plugin.so" saved
}

@test "an open file that is gone, too short, or not permitted" {
	echo dat > out
	refuses 125 "^restart: text:3: descriptor 1 was at offset 5 of $WORK/out, which is only 4 bytes long now \\(put the file back, or edit the offset\\)" \
		./restart -n -ftext saved
	rm out
	refuses 125 "^restart: text:3: descriptor 1 was $WORK/out: No such file or directory \\(put it back, edit the line, or use --map OLD=NEW\\)" \
		./restart -n -ftext saved
	copy_programs
	echo data > out
	chmod a-w out
	refuses 125 "^restart: text:3: descriptor 1 was $WORK/out, which cannot be opened for writing: Permission denied" \
		"${AS_USER[@]}" bin/restart -n -ftext saved
}

@test "the working directory is gone" {
	echo "cwd : $WORK/nowhere" >> text
	refuses 125 "^restart: the working directory $WORK/nowhere cannot be entered: No such file or directory \\(.*--map OLD=NEW\\)" \
		./restart -n -ftext saved
	sed -i "s,nowhere$,out," text
	refuses 125 "^restart: the working directory $WORK/out cannot be entered: Not a directory \\(" \
		./restart -n -ftext saved
}

@test "a directory where a file was open for writing" {
	sed -i "s,^1 : $WORK/out,1 : $WORK," text
	refuses 125 "^restart: text:3: descriptor 1: $WORK is a directory, which cannot be opened for writing" \
		./restart -n -ftext saved
}

@test "a text that is malformed, missing, or has two lines for one descriptor" {
	echo "3 : $WORK/out : many" > bad
	refuses 125 '^restart: bad:1:[0-9]+: ' ./restart -n -fbad saved
	printf '0 : /dev/null : 0\n0 : /dev/null : 0\n' > bad
	refuses 125 '^restart: bad:2:[0-9]+: ' ./restart -n -fbad saved
	printf '1 : /dev/null : 0 : O_NONSENSE\n' > bad
	refuses 125 '^restart: bad:1:[0-9]+: ' ./restart -n -fbad saved
	refuses 125 '^restart: nowhere: No such file or directory' ./restart -n -fnowhere saved
}

@test "restart's own standard input is closed where the program needs it" {
	sed -i 's,^0 : .*,0 : /dev/tty : 0,' text
	refuses 125 'restart: text:2: descriptor 0 was /dev/tty and becomes restart.s own, which is closed \(open it: ' \
		bash -c './restart -n -ftext saved <&-'
}

@test "with standard input and output of restart closed a process that needs neither goes on" {
	timeout 120 ./restart -n -w -ftext saved <&- >&- 2>&-
	[ "$(tail -n 1 out)" = ok ]
}

# ---- The surroundings ---------------------------------------------------------------------------------

@test "--pid=keep while the id is taken, or not permitted" {
	sleep 60 &
	STARTED+=($!)
	cp saved whole
	if is_root; then
		need python3
		# The core is now of a process that is there: its thread, and the process itself.
		id=$(printf '%08x' $! | sed 's/\(..\)\(..\)\(..\)\(..\)/\\x\4\\x\3\\x\2\\x\1/')
		patch saved $(($(note_offset saved 1 CORE) + 32)) "$id"
		patch saved $(($(note_offset saved 3 CORE) + 24)) "$id"
		refuses 125 "^restart: --pid=keep: id $! is taken by another process \\(end it, or use --pid=ns or --pid=new\\)" \
			./restart -n --pid=keep saved
	fi
	copy_programs
	chmod a+r saved
	refuses 125 '^restart: --pid=keep: choosing a process id takes CAP_CHECKPOINT_RESTORE \(be root, or use --pid=ns\)' \
		"${AS_USER[@]}" bin/restart -n --pid=keep saved
}

@test "limits that are too small" {
	refuses 125 'restart: the stack .*\(raise it: ulimit -Hs\)' \
		bash -c 'ulimit -s 112; exec ./restart -n saved'
	sed -i "s/^2 : /900 : /" text
	refuses 125 'restart: .*limit of 500 open files \(raise it: ulimit -Hn\)' \
		bash -c 'ulimit -n 500; exec ./restart -n -ftext saved'
	# With the memory of this one: a block of 8 MiB.  A sanitizer build needs more itself.
	(ulimit -v 10000 && ./restart -v) || return 0
	cp "$VICTIMS/restart_process" .
	start ./restart_process > large_out
	own_core . "$PID"
	mv "$CORE" saved
	refuses 125 'restart: .*MiB of address space and the limit is 9 \(raise it: ulimit -v\)' \
		bash -c 'ulimit -v 10000; exec ./restart -n saved'
}

@test "memory at an address that this user may not map: found by the plan, and nothing is left" {
	is_root || skip "making such a core takes root"
	[ "$(cat /proc/sys/vm/mmap_min_addr)" -gt 0 ] || skip "anybody may map any address here"
	cp "$VICTIMS/restart_low" .
	start ./restart_low > low_out 2> low_err
	own_core . "$PID"
	mv "$CORE" saved
	copy_programs
	chmod a+rw saved low_out low_err
	run timeout -k 5 120 "${AS_USER[@]}" bin/restart -n saved
	[ "$status" -eq 125 ]
	[[ ${lines[-1]} =~ ^'restart: mmap(0x0, 0x1000,'.*'Operation not permitted'$ ]]
	wait_until 5 none_alive
}

# ---- The command line -----------------------------------------------------------------------------------

@test "a wrong command line" {
	refuses 125 '^restart: no core file given \(try restart --help\)' ./restart
	refuses 125 '^restart: too many arguments: c \(try restart --help\)' ./restart a b c
	refuses 125 '^restart: --pid takes new, keep or ns: old' ./restart --pid=old saved
	refuses 125 '^restart: --map takes OLD=NEW: nothing' ./restart --map=nothing saved
	refuses 125 '^restart: not an address: main' ./restart -b main saved
	refuses 125 '^restart: unknown option --nonsense \(try restart --help\)' ./restart --nonsense
}
