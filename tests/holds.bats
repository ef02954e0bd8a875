#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Everything that one process holds: tests/programs/holds/ sets it up and checks it after the restart.

# The options that `without' prints are words.
# shellcheck disable=SC2046

load helper

setup_file() {
	chmod a+rx "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR"
	export HOLDS=$BATS_FILE_TMPDIR/holds
	build_holds "$HOLDS"
}

# without FLAG...: the holds that are marked with one of them, as options that leave them out.
without() {
	local flag name words

	for flag in "$@"; do
		"$HOLDS" --list | while read -r name words; do
			case " $words " in *" $flag "*) printf ' -x %s' "$name" ;; esac
		done
	done
}

# hold COMMAND...: starts it in the background, holds with its arguments, and waits until it is ready.
hold() {
	touch out err && chmod a+w out err
	start "$@" < /dev/null > out 2> err
	wait_text out '^ready' || { cat err; return 1; }
}

# none_lost: all that was set up is as it was.
none_lost() {
	cat out
	lacks_text out '^not ok'
	[ "$(grep -c '^ok' out)" -eq "$(sed -n 's/^1\.\.//p' out)" ]
}

# resume OPTION...: ends the process, restarts it from its core, and has it check what it holds.
resume() {
	touch go
	wait "$PID" || true  # what it had locked is free when it is gone
	as_user "$BIN/restart" -n -w "$@" core > restart.out 2>&1 < /dev/null || { cat restart.out out; return 1; }
	none_lost
}

@test "with the old ids nothing is lost between ckpt -p and restart, as an ordinary user" {
	copy_programs && BIN=$WORK/bin
	hold "${AS_USER[@]}" "$HOLDS" go $(without privileged)
	as_user "$BIN/ckpt" -k -p "$PID" -o core
	resume --pid=ns
}

@test "with new ids nothing is lost either" {
	copy_programs && BIN=$WORK/bin
	hold "${AS_USER[@]}" "$HOLDS" go $(without privileged)
	as_user "$BIN/ckpt" -k -p "$PID" -o core
	resume --pid=new
}

@test "as root, what takes a privilege is not lost either" {
	[ "$(id -u)" -eq 0 ] || skip "not root"
	hold "$HOLDS" go
	"$BIN/ckpt" -k -p "$PID" -o core
	AS_USER=()
	resume --pid=keep
}

@test "nothing is lost between SIGQUIT with libsavefds and restart but what no core can carry" {
	need_core
	privileged=() ids=keep
	[ "$(id -u)" -eq 0 ] || { privileged=(privileged) ids=ns; }
	hold env LD_PRELOAD="$SAVEFDS" "$HOLDS" go $(without not-in-core "${privileged[@]}")
	make_core . "$PID"
	mv "$CORE" core 2> /dev/null || true
	AS_USER=()
	resume -f "--pid=$ids"
}

@test "threads of musl go on" {
	need musl-gcc
	local names

	names=$(sed -n 's/^\t{ "\([a-z0-9-]*\)", .*/\1/p' "$ROOT/tests/programs/holds/threads.c")
	{
		echo '#include "holds.h"'
		sed -n '/^extern/,/;/p' "$ROOT/tests/programs/holds/holds.h" | grep -o '[a-z_]*_holds\[\]' |
			sed '/^thread_/d; s/.*/const struct hold & = { { 0 } };/'
	} > others.c
	musl-gcc -std=gnu11 -O1 -g -static -I "$ROOT/tests/programs/holds" -o musl-holds others.c \
		"$ROOT"/tests/programs/holds/{holds,threads}.c
	chmod a+rx . musl-holds
	copy_programs && BIN=$WORK/bin
	# shellcheck disable=SC2086  # each is a word
	hold "${AS_USER[@]}" ./musl-holds go $names
	as_user "$BIN/ckpt" -k -p "$PID" -o core
	resume --pid=ns
}
