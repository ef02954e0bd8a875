# SPDX-License-Identifier: LGPL-2.1-or-later
# A command line that is wrong: every program says so in one line, with status 125.  And those that
# ask a program about itself.

load helper
bats_require_minimum_version 1.5.0

# says LINE PROGRAM ARGS...
says() {
	local line=$1 program=$2

	shift 2
	run "$BIN/$program" "$@" < /dev/null
	[ "$status" -eq 125 ] || fail "$program $*: status $status, $output" || return 1
	[ "$output" = "$program: $line" ] || fail "$program $*: $output"
}

@test "an option that is not known, or lacks its value, is said in one line" {
	for program in ckpt restart savefds; do
		says "unknown option --nonsense (try $program --help)" "$program" --nonsense
		says "unknown option -q (try $program --help)" "$program" -q
		says "--help takes no value (try $program --help)" "$program" --help=me
	done
	says '-o takes a value (try savefds --help)' savefds -o
	says '--map takes a value: --map=... (try restart --help)' restart --map
	says '-p takes a value (try ckpt --help)' ckpt -p
	says '--st may be one of several options (try ckpt --help)' ckpt -p $$ --st
	says 'unknown option -q (try ckpt --help)' ckpt -p $$ --stats -kq
	says 'unknown option --a?[31mb (try restart --help)' restart $'--a\e[31mb'
}

@test "ckpt says which of its two uses lacks what" {
	says 'name a program, or a process: -p PID (try ckpt --help)' ckpt
	says 'name a program, or a process: -p PID (try ckpt --help)' ckpt -c -n name
	says '-a: not a signal that a program can handle: SIGFOO (try ckpt --help)' ckpt -a SIGFOO foo
	says '--keep: not a number of checkpoints: few (try ckpt --help)' ckpt --keep few foo
	says '-z: not a number of milliseconds; to compress: ckpt -p PID -z (try ckpt --help)' ckpt -z foo
	says 'which process?  -p PID is missing; a program takes only -n, -c, -a, -z MILLISECONDS, --keep and --resume (try ckpt --help)' \
		ckpt -k foo
	says '-c, -a, --period and --resume are for a program, not for -p PID (try ckpt --help)' ckpt -c -p $$
	says 'the level stands right behind -z, as in -z19, and not alone: 19 (try ckpt --help)' ckpt -p $$ -z 19
	says 'unexpected argument: foo (try ckpt --help)' ckpt -p $$ -z foo
	says 'the name of a file is missing: -o, -n, --log (try ckpt --help)' ckpt -p $$ -o ''
	[ -z "$(find . -name 'core*')" ]
}

@test "restart does one thing at a time" {
	says 'only one of --show, --check, --plan, --log and --core (try restart --help)' restart --show --check core
	says 'only one of --show, --check, --plan, --log and --core (try restart --help)' restart --plan --show core
	says '--strict or --accept-loss, not both (try restart --help)' restart --strict --accept-loss core
	says 'core: No such file or directory' restart --check --check core
}

@test "ckptcvt and checkpoint say how they are used" {
	says 'prog.c: it reads standard input: ckptcvt < PROG.c > TMP.c' ckptcvt prog.c
	says 'Usage: checkpoint PROG CHECKPOINT' checkpoint prog
}

@test "--version, --help and -h are answered on standard output" {
	local program option

	for program in restart ckpt savefds; do
		run --separate-stderr "$BIN/$program" --version < /dev/null
		[ "$status" -eq 0 ] && [[ $output =~ ^$program\ [0-9.]+$ ]] && [ -z "$stderr" ] ||
			fail "$program --version: status $status, $output, $stderr"
		for option in --help -h; do
			run --separate-stderr "$BIN/$program" "$option" < /dev/null
			[ "$status" -eq 0 ] && [[ $output == "Usage: $program "* ]] && [ -z "$stderr" ] ||
				fail "$program $option: status $status, $output, $stderr"
		done
	done
}

@test "savefds --verbose says what was written" {
	start sleep 1000 < /dev/null > log 2>&1
	wait_text "/proc/$PID/comm" '^sleep$'
	run --separate-stderr "$BIN/savefds" --verbose -o text "$PID"
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	[[ $stderr =~ ^savefds:\ text:\ process\ $PID,\ 3\ descriptors,\ [0-9]+\ mappings$ ]]
	[ "$(grep -c '^[0-9]* : ' text)" -eq 3 ]
}
