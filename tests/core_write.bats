#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# Cores of our own: other tools read them without a complaint, and restart brings them back.
#
# programs/copy_core.c reads a kernel core and writes it again.

bats_require_minimum_version 1.5.0
load helper

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	build_with_parts copy_core
	for name in threads growth process; do
		build_program "restart_$name" -lm
	done
}

setup() {
	common_setup
	need_core
	PATH=$BATS_FILE_TMPDIR:$PATH
}

# dump NAME ARGS...: the core of a victim is in ./kernel, its copy in ./ours.
dump() {
	local name=$1 status=0

	shift
	start "$BATS_FILE_TMPDIR/restart_$name" "$@" > out 2> err
	wait "$PID" || status=$?
	[ "$status" -eq 131 ] || fail "status $status, not a core: $(cat err)" || return 1
	mv "$(find_core . "$PID")" kernel
	copy_core kernel ours
}

@test "a kernel core that is written again says the same" {
	dump threads
	copy_core --same kernel ours
	copy_core --check ours
	run ! copy_core --check kernel
	[[ $output == *"has no checksums"* ]]
	copy_core ours again
	cmp ours again
}

@test "a copy down a pipe is the same, without holes" {
	dump growth
	copy_core kernel | cat > piped
	cmp ours piped
	copy_core --check piped
}

@test "restart brings a core of our own back" {
	local name

	for name in threads growth; do
		dump "$name"
		timeout -k 5 120 "$BIN/restart" -n -w ours < /dev/null >> out 2>> err
		[ "$(tail -n 1 out)" = ok ] || fail "$(cat out err)"
		rm ours
	done
}

@test "readelf and eu-readelf read it without a complaint" {
	dump threads
	readelf -aW ours > readelf.out 2> readelf.err
	[ ! -s readelf.err ] || fail "$(cat readelf.err)"
	need eu-readelf
	eu-readelf -n -l ours > eu.out 2> eu.err
	[ ! -s eu.err ] || fail "$(cat eu.err)"
	[ "$(grep -c 'PRSTATUS$' eu.out)" -eq "$(eu-readelf -n kernel | grep -c 'PRSTATUS$')" ]
}

# tells TOOL...: what a tool says of a core, whose name is the last argument, without its name.
tells() { "$@" 2>&1 | sed "s/${*: -1}/CORE/g"; }

gdb_tells() {
	tells gdb -batch -ex bt -ex 'info threads' -ex 'info sharedlibrary' -ex 'info auxv' \
		-ex 'thread apply all bt' "$BATS_FILE_TMPDIR/restart_threads" "$1" | sort
}

@test "gdb says the same of it as of the kernel's core, whatever the length of the text" {
	need gdb
	dump threads
	gdb_tells kernel > expected
	grep -q libc expected
	# 336 and 136 bytes: as long as NT_PRSTATUS and NT_PRPSINFO are.
	for size in 1 136 336 512; do
		rm -f ours
		copy_core kernel ours "$(printf '%*s' "$size" '' | tr ' ' '#')"
		gdb_tells ours > told
		diff expected told
	done
}

@test "eu-stack says the same of it as of the kernel's core" {
	need eu-stack
	dump threads
	tells eu-stack --core kernel | sort > expected
	grep -q main expected
	tells eu-stack --core ours | sort | diff expected -
}

@test "a corrupted core is told from a whole one, with the addresses" {
	local size

	dump growth
	size=$(stat -c %s ours)
	printf X | dd of=ours bs=1 seek=$((size / 2)) conv=notrunc status=none
	run ! copy_core --check ours
	[[ $output == *"ours: corrupted: memory somewhere in 0x"* ]]
	truncate -s -1 ours
	run ! copy_core --check ours
	[[ $output == *"truncated"* ]]
	truncate -s $((size / 2)) ours
	run ! copy_core --check ours
	[[ $output == *"; checkpoint again, or use an older one"* ]]
}

@test "a restart refuses a core that was changed, before anything is started" {
	local size

	dump growth
	size=$(stat -c %s ours)
	# a byte of the notes, and one of the memory
	for at in 5000 $((size - 40000)); do
		cp ours changed
		printf '\377\376' | dd of=changed bs=1 seek="$at" conv=notrunc status=none
		run "$BIN/restart" -n -w changed
		[ "$status" -eq 125 ]
		[[ $output == *changed:*"use another copy or an older checkpoint"* ]]
	done
}
