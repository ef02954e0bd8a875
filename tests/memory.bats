#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Memory that cannot come back as it was, and what is said of it.  What does come back is in
# holds.bats.

load helper

setup_file() {
	export VICTIMS=$BATS_FILE_TMPDIR
	chmod a+rx "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR"
	cd "$VICTIMS" && build_program memory_odd && build_program memory_many &&
		build_program memory_old_kernel
}

teardown() {
	[ -z "${HUGE_PAGES:-}" ] || echo "$HUGE_PAGES" > /proc/sys/vm/nr_hugepages
	[ ! -e "$WORK/text" ] || remove_segments "$WORK/text"
	common_teardown
}

# segments_of TEXT: prints the ids of the segments here that have the keys of the text's.
segments_of() {
	sed -n 's/^segment : [0-9]* : \(0x[0-9a-f]*\) .*/\1/p' "$1" | while read -r key; do
		awk -v key=$((key)) '$1 == key { print $2 }' /proc/sysvipc/shm
	done
}

# remove_segments TEXT: removes these.
remove_segments() {
	local number

	segments_of "$1" | while read -r number; do
		ipcrm -m "$number"
	done
}

# odd KIND: starts the program, with a fifo as its input.
odd() {
	mkfifo input
	exec {INPUT}<> input
	start "$VICTIMS/memory_odd" "$@" < input > out 2> err
	wait_until 20 has_text_or_gone
	has_text out '^ready' || skip "this machine does not give memory of this kind"
}

has_text_or_gone() { has_text out "^ready" || ! readlink "/proc/$PID/exe"; }

# goes_on OPTION...: restarts and lets the program look at its memory.
goes_on() {
	echo >&"$INPUT"
	"$BIN/restart" -n -w "$@" core > told 2>&1
}

@test "more locked memory than the limit allows takes --accept-loss" {
	odd locked
	"$BIN/ckpt" -k -p "$PID" -o core
	"$BIN/restart" --log core | sed 's/^rlimit : memlock .*/rlimit : memlock : 65536 : 65536/' > text
	copy_programs
	chmod a+r core text
	run as_user "$WORK/bin/restart" --check -ftext core
	[ "$status" -eq 125 ]
	grep -q '^obstacle: 4096 KiB of memory were locked and the limit is 64 KiB: some would not be locked (raise it: ulimit -l) (--accept-loss' <<< "$output"
	"$BIN/restart" --plan core | grep -q 'mlock2(0x[0-9a-f]*, 0x400000, 0)'
	goes_on
	grep -q '^same$' out
}

@test "memory that was kept out of a core is told of" {
	need_core
	odd dontdump
	"$BIN/savefds" -o text "$PID"
	make_core . "$PID"
	[ "$CORE" -ef core ] || mv "$CORE" core
	goes_on -ftext
	grep -q '^restart: memory at [0-9a-f]*-[0-9a-f]* was kept out of the core by MADV_DONTDUMP and is zeros (ckpt -p saves it)$' told
	grep -q '^other$' out
}

# reserve_huge NUMBER: so many more huge pages, until the end of the test.
reserve_huge() {
	[ -w /proc/sys/vm/nr_hugepages ] || skip "only root reserves huge pages"
	read -r HUGE_PAGES < /proc/sys/vm/nr_hugepages
	echo $((HUGE_PAGES + $1)) > /proc/sys/vm/nr_hugepages
}

# free_huge NUMBER: whether so many are there for the taking.
free_huge() { [ "$(< /sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages)" -ge "$1" ]; }

# They suffice for just that: two for the file, two for memory besides.
@test "a memfd of huge pages is one again" {
	reserve_huge 4
	free_huge 4 || skip "this machine does not give so many huge pages"
	odd huge-file
	"$BIN/ckpt" -k -p "$PID" -o core
	wait_until 20 free_huge 4  # when the process, and the copy that was saved, are gone
	goes_on
	lacks_text told 'huge pages'
	grep -q '^same$' out
}

@test "huge pages that are not to be had become ordinary ones" {
	reserve_huge 4
	odd huge
	"$BIN/ckpt" -k -p "$PID" -o core
	"$BIN/restart" --plan core | grep -q 'MAP_HUGETLB'
	echo 0 > /proc/sys/vm/nr_hugepages
	goes_on
	grep -q '^restart: there are not enough free huge pages of 2048 KiB: memory at [0-9a-f]*-[0-9a-f]* gets ordinary pages' told
	grep -q '^same$' out
}

@test "a process that handles its page faults itself is not checkpointed" {
	odd faults
	run "$BIN/ckpt" -p "$PID" -o core
	[ "$status" -ne 0 ]
	[[ $output = *"process $PID handles page faults at "*" itself (userfaultfd), which would block a checkpoint; take it when that is over" ]]
	[ ! -e core ]
	in_state "$PID" S
}

@test "memory that this kernel cannot have takes --accept-loss" {
	odd plain
	"$BIN/ckpt" -k -p "$PID" -o core
	"$BIN/restart" --log core > text
	sed -n 's/^map : \([0-9a-f]*-[0-9a-f]*\) : rw-p : 0$/memory : \1 : device/p' text | head -n 1 > device
	cat device >> text
	run "$BIN/restart" --check -ftext core
	[ "$status" -eq 125 ]
	grep -q '^obstacle: memory at [0-9a-f]*-[0-9a-f]* was a device.s and would be ordinary memory (--accept-loss' <<< "$output"
	goes_on -ftext --accept-loss
	grep -q '^same$' out
}

@test "memory that nobody else can read takes --accept-loss" {
	odd secret
	"$BIN/ckpt" --accept-loss -k -p "$PID" -o core
	run "$BIN/restart" --check core
	[ "$status" -eq 125 ]
	grep -q '^obstacle: memory at [0-9a-f]*-[0-9a-f]* of /secretmem is not in the core and would be zeros (--accept-loss' <<< "$output"
	goes_on --accept-loss
	grep -q '^other$' out
}

@test "the ring of io_setup() takes --accept-loss" {
	odd ring
	"$BIN/ckpt" --accept-loss -k -p "$PID" -o core
	run "$BIN/restart" --check core
	[ "$status" -eq 125 ]
	grep -q '^obstacle: memory at [0-9a-f]*-[0-9a-f]* was the ring of io_setup(), whose requests are lost, and would be ordinary memory (--accept-loss' <<< "$output"
	goes_on --accept-loss
	grep -q '^same$' out
}

@test "a kernel without guard regions protects the pages" {
	"$VICTIMS/memory_old_kernel" true || skip "no system call can be filtered here"
	odd guard
	"$BIN/ckpt" -k -p "$PID" -o core
	echo >&"$INPUT"
	"$VICTIMS/memory_old_kernel" "$BIN/restart" -n -w core > told 2>&1 || { cat told; false; }
	grep -q '^restart: guard regions as at [0-9a-f]*-[0-9a-f]* become mappings of their own (needs Linux 6.13)$' told
	grep -q '^same$' out
}

@test "a kernel without seals, keys or memory that may be dropped takes --accept-loss" {
	local kind

	"$VICTIMS/memory_old_kernel" true || skip "no system call can be filtered here"
	odd plain
	"$BIN/ckpt" -k -p "$PID" -o core
	"$BIN/restart" --log core > plain
	place=$(sed -n 's/^map : \([0-9a-f]*-[0-9a-f]*\) : rw-p : 0$/\1/p' plain | head -n 1)
	for kind in sealed droppable pkey=3; do
		{ cat plain; echo "memory : $place : $kind"; } > text
		run "$VICTIMS/memory_old_kernel" "$BIN/restart" --check -ftext core
		[ "$status" -eq 125 ]
		echo "$output" >> checked
	done
	grep -q "^obstacle: memory at $place was sealed and would not be (needs Linux 6.10) (--accept-loss" checked
	grep -q "^obstacle: memory at $place was droppable and would be ordinary memory (needs Linux 6.11) (--accept-loss" checked
	grep -q "^obstacle: memory at $place had protection key 3, and this cpu or kernel has none: it would have its ordinary protection (--accept-loss" checked
}

@test "an address space without a gap is not restored" {
	odd full
	"$BIN/ckpt" -k -p "$PID" -o core
	run "$BIN/restart" -n core
	[ "$status" -eq 125 ]
	[ "$output" = "restart: core: the process leaves no gap of 3 GiB in its address space for the bootstrap" ]
}

@test "a mapped file that was modified since is told" {
	odd file
	"$BIN/ckpt" -k -p "$PID" -o core
	"$BIN/restart" --check --pid=new core > before
	lacks_text before 'was modified'
	touch -d tomorrow mapped
	goes_on
	grep -q "^restart: $WORK/mapped was modified after the core was made, and the core cannot tell whether its contents still fit$" told
	grep -q '^same$' out
}

@test "fifty thousand mappings come back" {
	start "$VICTIMS/memory_many" 50000 "$WORK/go" < /dev/null > out 2> err
	wait_text out '^ready'
	"$BIN/ckpt" -k -p "$PID" -o core
	touch go
	"$BIN/restart" -n -w core > told 2>&1 || { cat told; false; }
	grep -q '^same$' out
}

@test "a memfd in ten thousand mappings, whose contents only these have, comes back" {
	start "$VICTIMS/memory_many" 10000 "$WORK/go" memfd < /dev/null > out 2> err
	wait_text out '^ready'
	"$BIN/ckpt" -k -p "$PID" -o core --unlinked-max=0
	"$BIN/restart" --log core | grep -q '^nameless : .* : memfd : many : .* : not-saved$'
	touch go
	"$BIN/restart" -n -w core > told 2>&1 || { cat told; false; }
	grep -q '^same$' out
}

# allowing NUMBER COMMAND...: runs it where no process may have more mappings, as /proc tells.
allowing() {
	echo "$1" > limit
	shift
	unshare -m sh -c 'mount --bind limit /proc/sys/vm/max_map_count && exec "$@"' sh "$@"
}

@test "more mappings than the machine allows are refused" {
	allowing 10 true 2> /dev/null || skip "nothing can be mounted here"
	odd plain
	"$BIN/ckpt" -k -p "$PID" -o core
	run allowing 10 "$BIN/restart" --pid=new core
	[ "$status" -eq 125 ]
	[[ $output =~ ^"restart: the process has "[0-9]+" mappings, and with those of a restart this machine allows 10 (sysctl -w vm.max_map_count="([0-9]+)")"$ ]]
	allowing "${BASH_REMATCH[1]}" "$BIN/restart" --check --pid=new core
	goes_on
	grep -q '^same$' out
}

@test "gdb loses memory around guard regions, which takes --accept-loss" {
	need gdb
	odd guard
	gdb -p "$PID" -batch -ex "shell $BIN/savefds -o text $PID" -ex "gcore core" > gdb.log 2>&1 || true
	[ -s core ] || fail "$(cat gdb.log)"
	run "$BIN/restart" --check --pid=new -ftext core
	[ "$status" -eq 125 ]
	grep -q '^obstacle: gdb writes zeros for memory around guard regions, as at [0-9a-f]*-[0-9a-f]*: it is lost (ckpt -p saves it) (--accept-loss' <<< "$output"
}

@test "a segment that is in use takes --accept-loss" {
	odd segment
	"$BIN/ckpt" -p "$PID" -o core
	"$BIN/restart" --log core > text
	run "$BIN/restart" --check --pid=new core
	"$BIN/restart" --plan --pid=new core > plan
	remove_segments text
	[ "$status" -eq 125 ]
	grep -q '^obstacle: shared memory segment [0-9]* (key 0x52[0-9a-f]*) is in use: the process would have a copy that it shares with nobody (--accept-loss' <<< "$output"
	grep -q '# a copy of shared memory segment [0-9]*$' plan
}

@test "a segment that is gone gets a new id" {
	copy_programs && BIN=$WORK/bin
	mkfifo input
	exec {INPUT}<> input
	touch out err && chmod a+rw out err input
	start "${AS_USER[@]}" "$VICTIMS/memory_odd" segment < input > out 2> err
	wait_text out '^ready'
	as_user "$BIN/ckpt" -k -p "$PID" -o core
	as_user "$BIN/restart" --log core > text
	as_user "$BIN/restart" --plan core | grep -q '# shared memory segment [0-9]*$'
	remove_segments text
	echo >&"$INPUT"
	as_user "$BIN/restart" -n -w core > told 2>&1 || { cat told; false; }
	grep -q '^restart: shared memory segment [0-9]* (key 0x52[0-9a-f]*) gets a new id$' told
	grep -q '^same$' out
}

# Root tries the old ids first, then new ones; what forbids the lowest addresses does so twice.
@test "a restart that fails removes the segments that it made" {
	local as

	[ "$(id -u)" -eq 0 ] || skip "making such a core takes root"
	[ "$(cat /proc/sys/vm/mmap_min_addr)" -gt 0 ] || skip "anybody may map any address here"
	setpriv --bounding-set=-sys_rawio true || skip "no capability can be given up here"
	copy_programs
	odd segment low
	"$BIN/ckpt" -k -p "$PID" -o core
	"$BIN/restart" --log core > text
	[ -n "$(segments_of text)" ]
	remove_segments text
	[ -z "$(segments_of text)" ]
	chmod a+rw core out err input
	for as in "setpriv --bounding-set=-sys_rawio" "${AS_USER[*]}"; do
		# shellcheck disable=SC2086  # words
		run $as "$WORK/bin/restart" -n core
		[ "$status" -eq 125 ]
		[[ ${lines[-1]} = "restart: mmap(0x0, 0x1000, "*"Operation not permitted" ]]
		[ -z "$(segments_of text)" ]
	done
	goes_on
	grep -q '^same$' out
	[ -n "$(segments_of text)" ]
}
