#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Compressed checkpoints, and checkpoints that come down a pipe.

# shellcheck disable=SC2015,SC2154  # `fail' never succeeds; bats sets stderr
bats_require_minimum_version 1.5.0
load helper

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	build_program compress_memory
}

setup() {
	common_setup
	need zstd
	mkfifo in
	exec {IN}<> in
}

# start_memory [MIB]: tests/programs/compress_memory.c, which looks at its memory at each line.
start_memory() {
	start "$BATS_FILE_TMPDIR/compress_memory" "${1:-1}" < in > out 2> err
	wait_text out '^ready$'
}

# checkpoint ARGS...: ckpt -p PID, which must have nothing to say.
checkpoint() {
	run --separate-stderr timeout 60 "$BIN/ckpt" -p "$PID" "$@"
	[ "$status" -eq 0 ] && [ -z "$output$stderr" ] || fail "ckpt $*: $status $output $stderr"
}

end_it() {
	kill -KILL "$PID"
	wait "$PID" || true
}

# resume COMMAND...: the program, with the end of its input to read, finds its memory whole.
resume() {
	echo ready > out
	timeout 60 "$@" > restart.out 2> restart.err || fail "$?: $(< restart.err) $(< out)" || return 1
	[ "$(< out)" = $'ready\nok' ] || fail "$(< out)"
}

# ---- Written ---------------------------------------------------------------------------------------

@test "without -o the file is core.PID.zst, for its owner only, and zstd -d gives what restart reads" {
	start_memory
	checkpoint -z
	checkpoint --compress=7 -o seven
	checkpoint -o plain
	[ "$(stat -c '%a %F' "core.$PID.zst")" = '600 regular file' ]
	for file in "core.$PID.zst" seven; do
		zstd -qdc "$file" > unpacked
		"$BIN/restart" --core "$file" | cmp - unpacked
		"$BIN/restart" --check unpacked
		rm unpacked
	done
	[ "$(stat -c %s seven)" -lt "$(stat -c %s plain)" ]
	# 3 MiB of noise, next to nothing for the other three and for the empty one
	[ "$(stat -c %s "core.$PID.zst")" -lt $((3 * 1048576 + 400000)) ]
	need gdb
	zstd -qd "core.$PID.zst" -o unpacked
	gdb -nx -batch -iex 'set debuginfod enabled off' -ex 'bt' "$BATS_FILE_TMPDIR/compress_memory" \
		unpacked 2>&1 | grep -q ' main ('
}

@test "-o - is the same stream, and --stats counts what was written" {
	start_memory
	"$BIN/ckpt" -p "$PID" -z -o - --stats 2> said | cat > piped
	[[ $(< said) =~ \ bytes=([0-9]+)\  ]]
	[ "${BASH_REMATCH[1]}" -eq "$(stat -c %s piped)" ]
	[[ $(< said) =~ \ pages_saved=([0-9]+)\  ]]
	[ "${BASH_REMATCH[1]}" -gt 1536 ]
	zstd -qt piped
}

@test "empty memory costs nothing: 64 GiB of it take 2 MiB more, and little time" {
	start_memory 1
	checkpoint -z -o small
	end_it
	start_memory 65536
	checkpoint -z -o large
	[ $(($(stat -c %s large) - $(stat -c %s small))) -lt $((2 * 1048576 + 100000)) ]
	zstd -lv large 2>&1 | grep -q 'Frames'
}

@test "at each level ckpt takes at most 64 MiB of memory" {
	need python3
	start_memory 64
	for level in 1 5 6 12 19; do
		python3 - "$BIN/ckpt" -p "$PID" -z$level -o core <<-'EOP'
		import resource, subprocess, sys
		subprocess.run(sys.argv[1:], check=True)
		peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
		sys.exit(None if peak <= 64 * 1024 else f"{peak} KiB")
		EOP
		zstd -qt core
	done
}

@test "a level that is none is refused" {
	start_memory
	for level in 0 20 -1 x 1x ' '; do
		run "$BIN/ckpt" -p "$PID" "-z$level"
		[ "$status" -eq 125 ] && [ "${#lines[@]}" -eq 1 ] || fail "$level: $output"
	done
	[ -z "$(find . -name 'core*')" ]
}

@test "a full disk and a reader that went away are said in one line, and the process goes on" {
	start_memory
	status=0
	"$BIN/ckpt" -p "$PID" -z -o - > /dev/full 2> said || status=$?
	[ "$status" -eq 1 ] && [ "$(wc -l < said)" -eq 1 ] && has_text said 'make room' || fail "$(< said)"
	(ulimit -f 1000; run "$BIN/ckpt" -p "$PID" -z -o core
		[ "$status" -eq 1 ] && [ "${#lines[@]}" -eq 1 ] && [[ $output == *'ulimit -f'* ]] ||
			fail "$output")
	"$BIN/ckpt" -p "$PID" -z -o - 2> said | head -c 1000 > /dev/null
	[ "$(wc -l < said)" -eq 1 ]
	echo >&"$IN"
	wait_lines out 2
	[ -z "$(find . -name 'core*' -o -name '.restart*')" ]
}

@test "no core goes to a terminal" {
	start_memory
	terminal_open
	terminal_type "'$BIN/ckpt' -p $PID -o -"
	terminal_expect 'ckpt: standard output is a terminal; send the core to a file or a pipe'
	terminal_type "'$BIN/restart' -n - ; echo status \$?"
	terminal_expect 'restart: standard input: is a terminal; give it a core'
	terminal_expect 'status 125'
}

@test "memory that was never touched does not go down a pipe" {
	need python3
	start /usr/bin/python3 -c 'import mmap
m = [mmap.mmap(-1, 1 << 36, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000, prot) for prot in (0, 3)]
print("ready", flush=True)
input()
m[1][5000] = 1
print(m[1][1 << 30], flush=True)' < in > out 2> err
	wait_text out '^ready$'
	checkpoint -o core
	[ "$("$BIN/ckpt" -p "$PID" -o - | wc -c)" -lt 100000000 ]
	end_it
	echo ready > out
	start "$BIN/restart" -n -w core < /dev/null > restart.out 2> restart.err
	wait_text restart.err process
	echo >&"$IN"
	wait "$PID" || fail "$(< err) $(< restart.err)"
	[ "$(< out)" = $'ready\n0' ]
}

# ---- Resumed -------------------------------------------------------------------------------------------

@test "a compressed core is resumed, whatever its name" {
	start_memory
	checkpoint -z -o plain_name
	checkpoint -o core
	end_it
	zstd -q core
	rm core
	exec {IN}>&-
	resume "$BIN/restart" -n -w plain_name < /dev/null
	resume "$BIN/restart" -n -w core.zst < /dev/null
	# several frames, and one to be passed over in front of them
	{ printf '\x50\x2a\x4d\x18\x03\0\0\0abc'; zstd -qdc core.zst | head -c 100000 | zstd -q;
		zstd -qdc core.zst | tail -c +100001 | zstd -q; } > pieces
	resume "$BIN/restart" -n -w pieces < /dev/null
}

@test "a core is resumed from a pipe, from standard input and from a process substitution" {
	start_memory
	checkpoint -o core
	checkpoint -z -o core.zst
	end_it
	exec {IN}>&-
	for file in core core.zst; do
		resume "$BIN/restart" -n -w - < "$file"
		resume "$BIN/restart" -n -w - < <(cat "$file")
		resume "$BIN/restart" -n -w /dev/fd/9 9< <(cat "$file") < /dev/null
		{ echo; cat "$file"; } > behind
		resume "$BIN/restart" -n -w - < <(tail -c +2 behind)
		{ read -r _; resume "$BIN/restart" -n -w -; } < behind
	done
}

@test "ckpt -k and restart at both ends of a pipe: an ordinary user moves a process" {
	copy_programs
	chmod a+rw in
	touch out err
	chmod a+rw out err
	cp "$BATS_FILE_TMPDIR/compress_memory" .
	for options in '' -z; do
		: > out
		start "${AS_USER[@]}" ./compress_memory < in > out 2> err
		wait_text out '^ready$'
		# shellcheck disable=SC2086
		{ as_user bin/ckpt -p "$PID" -k $options -o - || echo failed >&2; } 2> said |
			timeout 60 "${AS_USER[@]}" bin/restart -n -w - 2> restart.err &
		wait "$PID" || true
		wait_text restart.err 'process'
		: >> out
		echo >&"$IN"
		wait_lines out 2
		kill -KILL "$(sed -n 's/.*process \([0-9]*\).*/\1/p' restart.err)"
		wait $! || true
		[ ! -s said ] || fail "$(< said)"
	done
}

@test "the program does not read what comes behind the core: it has the terminal, or nothing" {
	start "$BATS_FILE_TMPDIR/compress_memory" < <(become cat in) > out 2> err
	wait_text out '^ready$'
	checkpoint -z -o core
	end_it
	exec {IN}>&-
	{ zstd -qdc core; echo line; } > behind
	resume setsid -w "$BIN/restart" -n -w - < <(cat behind)
	terminal_open
	echo ready > out
	terminal_type "'$BIN/restart' -n -w - < '$PWD/core'"
	terminal_expect 'process [0-9]+'
	terminal_type 'a line'
	wait_lines out 2
	terminal_key '\x04'
	wait_text out '^ok$'
}

@test "--lazy from standard input minds that the next dump may overwrite the core" {
	need_core
	start_memory
	checkpoint -o core
	end_it
	exec {IN}>&-
	echo ready > out
	pattern=$(< /proc/sys/kernel/core_pattern)
	[ "$pattern" = core ] || skip "the next dump has another name: $pattern"
	"$BIN/restart" -n -w --lazy - < core 2> restart.err
	has_text restart.err 'has the name that the next dump of the process will have'
}

@test "--show, --log, --plan and --check say the same of all forms of a core" {
	start_memory
	checkpoint -o core
	end_it
	zstd -q core
	for mode in --show --log --plan --check; do
		"$BIN/restart" "$mode" core > expected < /dev/null
		for from in core.zst '- < core' '- < core.zst' '- < <(cat core)'; do
			eval "'$BIN/restart' $mode $from" < /dev/null > told
			# but for the name, of a pipe the time when it was made, and where restart's own
			# vdso is
			diff <(sed '/^core: /d; /# park/d' expected) <(sed '/^core: /d; /# park/d' told)
		done
	done
	"$BIN/restart" --show - < core.zst | grep -q '^core: *standard input'
}

@test "with --lazy the memory comes from the unpacked file, and the process can be saved again" {
	need_core
	start_memory
	checkpoint -z -o core.zst
	end_it
	rm -f in
	mkfifo in
	exec {IN}>&- {IN}<> in
	echo ready > out
	start "$BIN/restart" -n -w --lazy core.zst < /dev/null > restart.out 2> restart.err
	wait_text restart.err process
	rm core.zst
	NEW=$(sed -n 's/.*process \([0-9]*\).*/\1/p' restart.err)
	grep -q '(deleted)' "/proc/$NEW/maps"
	echo >&"$IN"
	wait_lines out 2
	"$BIN/ckpt" -p "$NEW" -z -o again.zst
	kill -QUIT "$NEW"
	wait "$PID" || true
	core=$(find_core . "$NEW")
	exec {IN}>&-
	printf 'ready\nready\n' > out
	timeout 60 "$BIN/restart" -n -w again.zst < /dev/null 2> restart.err
	[ "$(tail -n 1 out)" = ok ]
	timeout 60 "$BIN/restart" -n -w "$core" < /dev/null > out 2> restart.err
	[ "$(< out)" = ok ]
}

# ---- Refused -------------------------------------------------------------------------------------------

# refuses PATTERN COMMAND...: one line that fits, status 125, nothing left.
refuses() {
	local pattern=$1 before after

	shift
	before=$(find . -ls)
	run timeout 60 "$@"
	after=$(find . -ls)
	[ "$status" -eq 125 ] && [ "${#lines[@]}" -eq 1 ] && [[ $output =~ $pattern ]] ||
		fail "status $status: $output" || return 1
	[ "$before" = "$after" ]
}

@test "a compressed core that is cut off or changed is refused" {
	local size at

	start_memory
	checkpoint -z -o whole
	end_it
	size=$(stat -c %s whole)
	for at in 4 5 20 1000 $((size / 2)) $((size - 4)) $((size - 1)); do
		head -c "$at" whole > "cut"
		refuses '^restart: cut: (truncated|damaged)' "$BIN/restart" -n cut
		refuses '^restart: standard input: (truncated|damaged)' "$BIN/restart" -n - < "cut"
	done
	for at in 4 100 $((size / 3)) $((size / 2)) $((size - 100)) $((size - 2)); do
		cp whole changed
		printf '\x5a\xa5' | dd of=changed bs=1 seek="$at" conv=notrunc status=none
		cmp -s whole changed || refuses '^restart: changed: ' "$BIN/restart" -n changed
	done
	{ cat whole; echo more; } > longer
	refuses '^restart: longer: corrupted' "$BIN/restart" -n longer
}

@test "an empty pipe, a terminal, a core of a few bytes and a program are refused" {
	printf x | zstd -q > x.zst
	zstd -q < /dev/null > nothing.zst
	zstd -q < "$BATS_FILE_TMPDIR/compress_memory" > program.zst
	refuses '^restart: standard input: nothing came through it' "$BIN/restart" -n - < /dev/null
	refuses '^restart: x.zst: is not a core' "$BIN/restart" -n x.zst
	refuses '^restart: nothing.zst: is empty' "$BIN/restart" -n nothing.zst
	refuses '^restart: program.zst: is a program' "$BIN/restart" -n program.zst
	zstd -q < x.zst > twice.zst
	refuses '^restart: twice.zst: is compressed' "$BIN/restart" -n twice.zst
}

@test "what unpacks to more than its headers tell is refused, without filling the disk" {
	start_memory
	checkpoint -o core
	end_it
	{ cat core; head -c 2G /dev/zero; } | zstd -q > bomb.zst
	{ cat core; head -c 64M /dev/zero | tr '\0' x; } | zstd -q > other.zst
	head -c 1G /dev/zero | zstd -q > zeros.zst
	yes | head -c 64M | zstd -q > text.zst
	(
		ulimit -f 30000
		for file in bomb other; do
			refuses 'damaged: it goes on behind' "$BIN/restart" -n "$file.zst"
			refuses 'damaged: it goes on behind' "$BIN/restart" -n - < <(zstd -qdc "$file.zst" 2> /dev/null)
		done
		refuses 'is not a core' "$BIN/restart" -n zeros.zst
		refuses 'is not a core' "$BIN/restart" -n text.zst
	)
}

@test "one that takes too much memory to unpack is refused, with the remedy" {
	{ head -c 3000000 /dev/urandom; head -c 300M /dev/zero; } | zstd -q --long=31 --single-thread \
		-o long.zst
	refuses 'takes more than 128 MiB .*zstd -d --long=31' "$BIN/restart" -n long.zst
}

@test "no room to unpack it is said with the remedy" {
	start_memory
	checkpoint -z -o core.zst
	end_it
	mkdir place
	(
		ulimit -f 1000
		refuses "core.zst: no room in $WORK/place for the whole core, after [01] MiB.*set TMPDIR" \
			env TMPDIR="$WORK/place" "$BIN/restart" -n core.zst
		refuses "core.zst: no room in /tmp for" env TMPDIR=/nowhere "$BIN/restart" -n core.zst
	)
}
