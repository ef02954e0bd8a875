#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# ckpt -p: which pages of memory are saved, and how they are written.

# shellcheck disable=SC2015  # `fail' never succeeds
load helper

begin() { # PROGRAM
	PROGRAM=$1
	build_program "$PROGRAM"
	mkfifo go
	exec 7<> go  # opening one end alone would wait for the other
	start env WAIT=1 "./$PROGRAM" < go > out
	wait_text out ready
}

# Standard input and output are the same files again.
resumes() {
	echo ready > out
	echo x >&7
	"$BIN/restart" --pid=new -nw "./$PROGRAM" "$1" 2> err || fail "not as it was: $(< err)" || return 1
	has_text out ok
}

# used COMMAND...: the page faults of the command, and the most memory that it had resident, in KiB.
used() {
	python3 - "$@" <<- 'END'
		import resource, subprocess, sys
		def run(command):
		    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt
		    subprocess.run(command, check=True)
		    after = resource.getrusage(resource.RUSAGE_CHILDREN)
		    return after.ru_minflt - before, after.ru_maxrss
		nothing, _ = run(["true"])  # python's own faults in the new process
		faults, peak = run(sys.argv[1:])
		print(faults - nothing, peak)
	END
}

@test "every second page, an unreadable one, those around a guard page: from a snapshot, from a stopped process" {
	begin ckpt_pages
	# 2,500 faults are its own; to copy the 5,000 pages for the snapshot would take as many more.
	read -r faults _ <<< "$(used "$BIN/ckpt" -p "$PID" -o forked)"
	[ "$faults" -lt 6000 ]
	"$BIN/ckpt" -p "$PID" -o stopped --stop
	# What was never written to is a hole: 5,000 pages are not.
	[ "$(du -k forked | cut -f1)" -lt 21000 ]
	kill -KILL "$PID"
	resumes forked
	resumes stopped
}

@test "eight TiB of address space with nothing in it are no work, on an old kernel neither" {
	begin ckpt_pages
	build_program old_kernel
	ulimit -S -t 2  # of processor time: to read the page tables takes five
	"$BIN/ckpt" -p "$PID" -o new
	./old_kernel "$BIN/ckpt" -p "$PID" -o old
	kill -KILL "$PID"
	resumes new
	resumes old
}

page_tables() { sed -n 's/^VmPTE:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$PID/status"; }

@test "a reserve that is not for a fork is not looked at where nothing is" {
	begin ckpt_reserve
	before=$(page_tables)
	"$BIN/ckpt" -p "$PID" -o forked
	"$BIN/ckpt" -p "$PID" -o stopped --stop
	"$BIN/ckpt" -p "$PID" -o - | cat > piped
	# For 2 GiB it would be 4 MiB of them.
	[ "$(page_tables)" -lt $((before + 1000)) ]
	kill -KILL "$PID"
	# A pipe knows no holes.
	[ "$(stat -c %s piped)" -lt 9000000 ]
	resumes forked
	resumes stopped
	resumes piped
}

@test "much shared memory: saved from a snapshot and a stopped process, in little memory" {
	begin ckpt_shared
	read -r _ peak <<< "$(used "$BIN/ckpt" -p "$PID" -o forked)"
	[ "$peak" -lt 65536 ]
	read -r _ peak <<< "$(used "$BIN/ckpt" -p "$PID" -o stopped --stop)"
	[ "$peak" -lt 65536 ]
	"$BIN/ckpt" -p "$PID" -o - > piped
	[ "$(du -k forked | cut -f1)" -lt 52000 ]
	kill -KILL "$PID"
	resumes forked
	resumes stopped
	resumes piped
	[ -z "$(compgen -G '.restart-*')" ] || fail 'a temporary file is left'
}

@test "a reserve of shared memory that is hardly used stays so, and what is used comes back" {
	[ "$(awk 'NR > 1 { used += $4 } END { print used + 0 }' /proc/swaps)" -eq 0 ] ||
		skip "swap is in use here, and mincore() does not tell of what is there"
	build_program ckpt_shared_sparse
	start ./ckpt_shared_sparse > out
	wait_text out ready
	"$BIN/ckpt" -p "$PID" -o core
	touch go
	wait "$PID"
	has_text out right
	# All of the 16384 if ckpt had read them.
	[ "$(sed -n 's/^pages //p' out)" -le 1024 ] || fail "$(< out)"
	[ "$(stat -c %b core)" -le 4096 ]
	echo ready > out
	"$BIN/restart" --pid=new -nw core 2> err || fail "$(< err)"
	has_text out right
}

@test "a reserve of shared memory of a process that is ended comes back" {
	build_program ckpt_shared_sparse
	start ./ckpt_shared_sparse > out
	wait_text out ready
	"$BIN/ckpt" -k -p "$PID" -o core
	touch go
	"$BIN/restart" --pid=new -nw core 2> err || fail "$(< err)"
	has_text out right
}
