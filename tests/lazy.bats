#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# restart --lazy: what is mapped from the core behaves as the memory that it was.

load helper

setup_file() {
	export VICTIMS=$BATS_FILE_TMPDIR
	cd "$VICTIMS" && build_program lazy_blocks
}

# dump COMMAND...: runs it until it dumps core, which is then named `saved'.
dump() {
	need_core
	start "$@" > out 2> err
	own_core . "$PID" || { cat err; return 1; }
	mv "$CORE" saved
}

# resume OPTION...: lets the process go on; it must say ok.
resume() {
	"$BIN/restart" -n -w "$@" saved 3>&- > out 2> err < /dev/null || fail "status $?: $(cat out err)"
	[ "$(tail -n 1 out)" = ok ]
}

@test "blocks of malloc grow after restart --lazy, also beyond the end of the core" {
	dump "$VICTIMS/lazy_blocks"
	resume --lazy
}

@test "blocks of musl's malloc do, too" {
	need musl-gcc
	musl-gcc -std=gnu11 -g -O1 -I "$ROOT" -static -o blocks "$ROOT/tests/programs/lazy_blocks.c"
	dump ./blocks
	"$BIN/restart" --plan --lazy saved | grep -q 'rw-, MAP_PRIVATE|MAP_FIXED_NOREPLACE[^$]*$'
	resume --lazy
}

@test "blocks, heap and arena are mapped from the core, memory of unknown use is copied" {
	dump "$VICTIMS/lazy_blocks"
	"$BIN/restart" --plan --lazy saved > plan
	# Four blocks of three megabytes, all but the first page; a page less and a little more when aligned.
	[ "$(grep -c 'mmap(0x[0-9a-f]*, 0x300000, rw-, MAP_PRIVATE|MAP_FIXED_NOREPLACE[^$]*$' plan)" -eq 4 ]
	[ "$(grep -c 'mmap(0x[0-9a-f]*, 0x3[1-9a-f][0-9a-f]*, rw-, MAP_PRIVATE|MAP_FIXED_NOREPLACE[^$[]*$' plan)" -eq 1 ]
	[ "$(grep -c 'mmap(0x[0-9a-f]*000000, 0x2[0-9a-f]*, rw-, MAP_PRIVATE|MAP_FIXED_NOREPLACE[^$]*$' plan)" -eq 1 ]
	grep -q 'mmap(.*, rw-, MAP_PRIVATE|MAP_FIXED_NOREPLACE.*\[heap\]$' plan
	"$BIN/restart" --plan saved > plan
	run grep 'mmap(.*, rw-, MAP_PRIVATE|MAP_FIXED_NOREPLACE[^$]*$' plan
	[ "$status" -eq 1 ]
}

@test "a checkpoint of a process that was restarted with --lazy does not need the old core" {
	local again

	dump "$VICTIMS/lazy_blocks"
	start "$BIN/restart" --lazy saved > out 2> told < /dev/null
	wait "$PID"
	again=$(sed -n 's/.*: process \([0-9]*\).*/\1/p' told)
	STARTED+=("$again")
	grep -q " $WORK/saved\$" "/proc/$again/maps"
	"$BIN/ckpt" -k -p "$again" -o second
	rm saved
	mv second saved
	lacks_text <("$BIN/restart" --show saved) "$WORK/saved "
	resume
	resume --lazy
}
