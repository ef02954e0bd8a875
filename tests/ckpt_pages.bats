#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# ckpt -p: which pages of memory are saved, and how they are written.

# shellcheck disable=SC2015  # `fail' never succeeds
load helper

begin() {
	build_program ckpt_pages
	mkfifo go
	exec 7<> go  # opening one end alone would wait for the other
	start env WAIT=1 ./ckpt_pages < go > out
	wait_text out ready
}

# Standard input and output are the same files again.
resumes() {
	echo ready > out
	echo x >&7
	"$BIN/restart" --pid=new -nw ./ckpt_pages "$1" 2> err || fail "not as it was: $(< err)" || return 1
	has_text out ok
}

@test "every second page, an unreadable one, those around a guard page: from a snapshot, from a stopped process" {
	begin
	"$BIN/ckpt" -p "$PID" -o forked
	"$BIN/ckpt" -p "$PID" -o stopped --stop
	# What was never written to is a hole: 5,000 pages are not.
	[ "$(du -k forked | cut -f1)" -lt 21000 ]
	kill -KILL "$PID"
	resumes forked
	resumes stopped
}
