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

@test "every second page, an unreadable one, those around a guard page: from a snapshot, from a stopped process" {
	begin ckpt_pages
	"$BIN/ckpt" -p "$PID" -o forked
	"$BIN/ckpt" -p "$PID" -o stopped --stop
	# What was never written to is a hole: 5,000 pages are not.
	[ "$(du -k forked | cut -f1)" -lt 21000 ]
	kill -KILL "$PID"
	resumes forked
	resumes stopped
}

# The most memory that a command had resident, in KiB.
peak() {
	python3 - "$@" <<- 'END'
		import resource, subprocess, sys
		subprocess.run(sys.argv[1:], check=True)
		print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
	END
}

@test "much shared memory: saved from a snapshot and a stopped process, in little memory" {
	begin ckpt_shared
	[ "$(peak "$BIN/ckpt" -p "$PID" -o forked)" -lt 65536 ]
	[ "$(peak "$BIN/ckpt" -p "$PID" -o stopped --stop)" -lt 65536 ]
	"$BIN/ckpt" -p "$PID" -o - > piped
	[ "$(du -k forked | cut -f1)" -lt 52000 ]
	kill -KILL "$PID"
	resumes forked
	resumes stopped
	resumes piped
	[ -z "$(compgen -G '.restart-*')" ] || fail 'a temporary file is left'
}
