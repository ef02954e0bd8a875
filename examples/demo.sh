#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# make demo: a computation dies of SIGQUIT and goes on from its core file.  Takes some ten seconds,
# writes in a temporary folder only.

BIN=$(cd "${BIN:-bin}" && pwd) || exit 1
LIB=$(cd "${LIB:-lib}" && pwd) || exit 1
limit=20000000

# What make and others left open here is none of the program's.
for fd in /proc/"$$"/fd/*; do
	case ${fd##*/} in
	[012] | 255) ;;  # 255 is this script
	*) eval "exec ${fd##*/}>&-" ;;
	esac
done

say() { printf '\n%s\n' "$*"; }
die() {
	printf '\ndemo: %s\n' "$*" >&2
	exit 1
}

# Shows a command as typed at a prompt, then runs it.
show() {
	echo "\$ $1"
	eval "$1"
}

read -r pattern < /proc/sys/kernel/core_pattern
case $pattern in
'|'*) die "the kernel hands core files to a program here (core_pattern is $pattern);
      for this demo, as root: sysctl -w kernel.core_pattern=core" ;;
*/*) die "the kernel puts core files elsewhere (core_pattern is $pattern);
      for this demo, as root: sysctl -w kernel.core_pattern=core" ;;
esac
ulimit -c unlimited 2>/dev/null || ulimit -c "$(ulimit -H -c)"
[ "$(ulimit -c)" != 0 ] || die "core files are not allowed here (ulimit -H -c is 0)"

folder=$(mktemp -d) || exit 1
trap 'cd /; rm -rf "$folder"' EXIT
cd "$folder" || exit 1
PATH=$BIN:$PATH
# LD_PRELOAD takes no path with a blank in it, so it is not named where it was built.
cp "$LIB/libsavefds.so" . || exit 1

say "1. A program that adds up the primes below $limit.  Nothing in it knows of checkpoints."
# A script's background jobs have SIGQUIT ignored; those of a shell at a terminal have not.
echo "\$ LD_PRELOAD=./libsavefds.so compute $limit > result &"
env --default-signal=QUIT LD_PRELOAD=./libsavefds.so compute $limit > result &
pid=$!
until grep -qs 'at 3000000:' result; do
	kill -0 $pid 2>/dev/null || die "compute ended early"
	sleep 0.05
done

say "2. In the midst of its work it dies of SIGQUIT, as from Ctrl-\\ at a terminal."
echo "\$ kill -QUIT $pid"
{
	kill -QUIT $pid
	wait $pid
} 2>/dev/null
status=$?
[ $status -eq 131 ] || die "it ended with status $status, not by SIGQUIT"
say "   It got so far, and knows no result yet:"
show "tail -n 1 result"

say "3. It left a core file with its memory and registers, and a text with all the rest."
core=$(echo core*)
[ -s "$core" ] || die "there is no core file: $(ls)"
show "ls -sh $core filedescriptors"
show "grep '^[0-9]' filedescriptors"

say "4. A core file can be restarted.  No privilege is needed."
show "restart -f -n -w compute $core" || die "restart failed with status $?"
show "tail -n 1 result"

say "5. The same computation, not interrupted:"
show "compute $limit > uninterrupted"
show "tail -n 1 uninterrupted"
show "cmp result uninterrupted" || die "the results differ"
say "Both files are the same, to the last byte: as if the process had never stopped."
