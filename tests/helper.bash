# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# What the tests share.  A test file begins with `load helper`; it may define setup() itself when
# that calls common_setup.  Each test runs in $WORK, a folder of its own, which is removed
# afterwards unless KEEP=1.  BIN and LIB name the programs and the library under test.

ROOT=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
BIN=$(cd "${BIN:-$ROOT/bin}" && pwd) || exit 1  # not there: run make first
LIB=$(cd "${LIB:-$ROOT/lib}" && pwd) || exit 1
SAVEFDS=$LIB/libsavefds.so
export LC_ALL=C

common_setup() {
	WORK=$(mktemp -d "${TMPDIR:-/tmp}/restart-test.XXXXXX")
	cd "$WORK" || return 1
	ulimit -c unlimited 2>/dev/null || ulimit -c "$(ulimit -H -c)"
	STARTED=()
	AS_USER=()
	if [ "$(id -u)" -eq 0 ]; then
		AS_USER=(setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all
			env HOME="$WORK")
	fi
}

# The processes whose current directory is in this test's folder: a checkpoint that is still being
# written, say, whose program has ended.
working_here() {
	find /proc/[0-9]*/cwd -maxdepth 0 -lname "${WORK:?}*" -printf '%h\n' 2>/dev/null | sed 's,.*/,,'
}

# Ends what start() left behind, and what else works in the folder: by process id, never by name.
common_teardown() {
	local pid

	for pid in "${STARTED[@]}"; do
		kill -KILL "$pid" 2>/dev/null || continue
		wait "$pid" 2>/dev/null || true
	done
	cd / || return 1
	while pid=$(working_here) && [ -n "$pid" ]; do
		# shellcheck disable=SC2086  # several numbers
		kill -KILL $pid 2>/dev/null || true
	done
	if [ "${KEEP:-0}" = 1 ]; then
		echo "# kept $WORK" >&3
	else
		rm -rf "$WORK"
	fi
}

setup() { common_setup; }
teardown() { common_teardown; }

# Fails, saying why.
fail() {
	echo "$*" >&2
	return 1
}

# ---- Waiting ----------------------------------------------------------------------------------

# How much longer something may take here than on a machine that does nothing else.
PATIENCE=6

# wait_until SECONDS COMMAND...: until the command succeeds; fails when it did not in that time.
wait_until() {
	local deadline=$((SECONDS + $1 * PATIENCE + 1))

	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$deadline" ] || fail "in vain waited for: $*" || return 1
		sleep 0.02
	done
}

has_lines() { [ -e "$1" ] && [ "$(wc -l < "$1")" -ge "$2" ]; }
has_text() { grep -qs -e "$2" "$1"; }
lacks_text() { ! has_text "$1" "$2" || fail "$1 has: $2"; }
gone() { ! kill -0 "$1" 2>/dev/null; }

# wait_lines FILE N, wait_text FILE PATTERN: until the file has so many lines, such a line.
wait_lines() { wait_until "${3:-20}" has_lines "$1" "$2"; }
wait_text() { wait_until "${3:-20}" has_text "$1" "$2"; }

# The state letter in /proc: wait_state PID S.
in_state() { [[ $(< "/proc/$1/stat") =~ \)\ $2\  ]]; }
wait_state() { wait_until 20 in_state "$1" "$2"; }

# ---- Programs to interrupt ---------------------------------------------------------------------

# Becomes the command, with the three standard descriptors and default signals.  A script's
# background jobs have SIGQUIT and SIGINT ignored, and what the tests themselves have open is no part
# of a checkpoint.
become() {
	local fd

	for fd in /proc/self/fd/*; do
		[ "${fd##*/}" -le 2 ] || eval "exec ${fd##*/}>&-"
	done
	exec env --default-signal=QUIT,INT "$@"
}

# start COMMAND...: runs it in the background; its process id is in $PID.  Redirections of the call are
# those of the command.
start() {
	(become "$@") <&0 &
	PID=$!
	STARTED+=("$PID")
}

# start_saving COMMAND...: as start, with libsavefds preloaded.
start_saving() { start env LD_PRELOAD="$SAVEFDS" "$@"; }

# compile NAME COMMAND...: ./NAME is what the command makes, which gets `-o FILE' at its end.  In one
# run each command is run once, whose files have absolute names, and what it has made is copied:
# tests/run.sh names a folder for that, as each of its files is a run of bats.
compile() {
	local name=$1 made

	shift
	made=${BUILT:-$BATS_RUN_TMPDIR}/$(md5sum <<< "$*" | cut -d' ' -f1) || return 1
	if [ ! -e "$made" ]; then
		"$@" -o "$made.$BASHPID" && mv "$made.$BASHPID" "$made" || return 1
	fi
	cp "$made" "$name"
}

# Compiles tests/programs/NAME.c to ./NAME: build_program NAME [FLAGS].
build_program() {
	compile "$1" "${CC:-gcc}" -std=gnu11 -g -O1 -I "$ROOT" "$ROOT/tests/programs/$1.c" \
		-pthread "${@:2}"
}

# As build_program, with the functions of elf/, process/ and util/: build_with_parts NAME.
build_with_parts() {
	compile parts.o gcc -std=gnu11 -g -O0 -r -I "$ROOT" "$ROOT"/{elf,process,util}/*.c
	build_program "$1" "$PWD/parts.o" -lelf -lxxhash -lzstd
}

# Compiles all of tests/programs/holds/: build_holds NAME.
build_holds() {
	compile "$1" gcc -std=gnu11 -Wall -Wextra -O1 -g "$ROOT"/tests/programs/holds/*.c -pthread -lm
}

# The classes of tests/programs/NAME.java are put into a new folder: build_java NAME FOLDER.
build_java() {
	local made=${BUILT:-$BATS_RUN_TMPDIR}/$1.classes

	if [ ! -d "$made" ]; then
		javac -d "$made.$BASHPID" "$ROOT/tests/programs/$1.java" || return 1
		# Somebody else may have been faster.
		mv -T "$made.$BASHPID" "$made" 2> /dev/null || [ -d "$made" ] || return 1
	fi
	cp -r "$made" "$2"
}

# ---- Core files --------------------------------------------------------------------------------

# Skips the test where the kernel does not write core files into the current folder.
need_core() {
	local pattern
	read -r pattern < /proc/sys/kernel/core_pattern

	case $pattern in
	'|'*) skip "core_pattern hands cores to a program: $pattern" ;;
	*/*) skip "core_pattern puts cores elsewhere: $pattern" ;;
	esac
	[ "$(ulimit -c)" != 0 ] || skip "core files are not allowed here: ulimit -H -c is 0"
}

# need COMMAND...: skips the test when one of them is not installed.
need() {
	local command

	for command in "$@"; do
		command -v "$command" >/dev/null || skip "$command is not installed"
	done
}

# find_core DIR PID: prints the name of the core that PID left in DIR.
find_core() {
	local pattern
	read -r pattern < /proc/sys/kernel/core_pattern

	for core in "$1/core.$2" "$1/${pattern//%p/$2}" "$1/core"; do
		[ -s "$core" ] && echo "$core" && return
	done
	fail "no core of process $2 in $1: $(ls "$1")"
}

# own_core DIR PID [SIGNAL]: waits for PID, a child of the test, which dumps core by itself, and leaves
# the name of the core in $CORE.  make_core sends it the signal, SIGQUIT.
# shellcheck disable=SC2034  # the tests use CORE
own_core() {
	local status=0

	wait "$2" || status=$?
	[ "$status" -eq $((128 + $(kill -l "${3:-QUIT}"))) ] ||
		fail "process $2 ended with status $status, not by ${3:-QUIT}" || return 1
	CORE=$(find_core "$1" "$2")
}

make_core() {
	kill -s "${3:-QUIT}" "$2"
	own_core "$@"
}

# ---- A terminal ---------------------------------------------------------------------------------

# terminal_open: a shell on a terminal of its own, with a `$ ' prompt.  What it shows goes into the
# file `typescript'.
terminal_open() {
	mkfifo keys
	exec {KEYS}<> keys  # for reading as well, so that no open waits for another
	start PS1='$ ' TERM=dumb SHELL=/bin/sh script -qfe typescript \
		-c 'exec bash --noprofile --norc --noediting -i' < keys > /dev/null
	SEEN=0
	terminal_expect '\$ '
}

# terminal_type LINE, terminal_key CHARACTER: what a user types; \x1c is Ctrl-\.
terminal_type() { printf '%s\n' "$1" >&"$KEYS"; }
terminal_key() { printf "%b" "$1" >&"$KEYS"; }

terminal_shows() {
	local shown rest

	shown=$(tr -d '\r' < typescript; echo .)  # the dot saves the last newline
	shown=${shown%.}
	rest=${shown:SEEN}
	[[ $rest =~ $1 ]] || return 1
	SHOWN=${rest%%"${BASH_REMATCH[0]}"*}
	SEEN=$((SEEN + ${#SHOWN} + ${#BASH_REMATCH[0]}))
}

# terminal_expect REGEX [SECONDS]: waits until the terminal shows it, behind what was expected before.
# Leaves in $SHOWN the text in between.
terminal_expect() {
	local deadline=$((SECONDS + ${2:-20} * PATIENCE + 1))

	until terminal_shows "$1"; do
		[ "$SECONDS" -lt "$deadline" ] ||
			fail "the terminal does not show $1 but: $(tail -c 2000 typescript)" || return 1
		sleep 0.02
	done
}

# ---- An ordinary user --------------------------------------------------------------------------

# as_user COMMAND...: runs it as an ordinary user when the tests run as root; in front of a command
# for start(), write "${AS_USER[@]}".
as_user() { "${AS_USER[@]}" "$@"; }

# Puts copies of the programs and the library at $WORK/bin and $WORK/lib, where anybody may run them
# and the README's relative paths are right.
copy_programs() {
	mkdir -p "$WORK/bin" "$WORK/lib"
	cp "$BIN"/* "$WORK/bin"
	cp "$LIB"/* "$WORK/lib"
	chmod -R a+rwX "$WORK"
}
