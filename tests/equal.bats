#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The oracle of captures: the core that ckpt writes of a process that does nothing says what the
# kernel's core says that is dumped after it.  programs/equal_compare.c compares them.

# shellcheck disable=SC2034  # a descriptor that is only held
bats_require_minimum_version 1.5.0
load helper

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	build_with_parts equal_compare
	build_program equal_threads "$(grep -qw avx /proc/cpuinfo && echo -mavx || echo -O1)"
	build_program equal_memory
	! grep -qw avx /proc/cpuinfo || build_program machine_vectors -mavx
}

setup() {
	common_setup
	need_core
	PATH=$BATS_FILE_TMPDIR:$PATH
	# The kernel writes the number of the cpu into the memory of each thread that has asked for it.
	export GLIBC_TUNABLES=glibc.pthread.rseq=0
}

waits() { [ "$(cut -d' ' -f1 "/proc/$PID/syscall")" = "$1" ]; }
all_sleep() { ! grep -L '^State:.S' "/proc/$PID"/task/*/status | grep -q .; }

# same [MODE...]: ckpt captures the process, in these ways, and then the kernel dumps it.
same() {
	local mode i=0

	for mode in "${@:-}"; do
		# shellcheck disable=SC2086
		"$BIN/ckpt" -p "$PID" -o "ours.$((++i))" $mode
		wait_until 20 all_sleep
	done
	make_core . "$PID" ABRT  # a shell ignores SIGQUIT
	mv "$CORE" kernel
	for ours in ours.*; do
		equal_compare "$ours" kernel > said || fail "$ours: $(< said)" || return 1
		[[ $(< said) == equal:* ]]
	done
}

@test "threads that wait: registers, vectors and masks are the kernel's" {
	start equal_threads < /dev/null > out 2> err
	wait_text out '^ready'
	STARTED+=("$(sed -n 's/^ready //p' out)")
	wait_until 20 eval '[ "$(ls "/proc/$PID/task" | wc -l)" -eq 13 ]'
	wait_until 20 all_sleep
	same '' --stop '' -z
	[[ $(< said) == 'equal: 13 threads'* ]]
}

@test "each kind of memory is the kernel's, byte for byte" {
	start equal_memory < /dev/null > out 2> err
	wait_text out '^ready'
	wait_until 20 all_sleep
	same '' --stop '' -z
	[ "$(sed -n 's/.* \([0-9]*\) MiB$/\1/p' said)" -ge 1024 ]
}

@test "a thread that computes, with its vectors, is the kernel's" {
	[ -x "$BATS_FILE_TMPDIR/machine_vectors" ] || skip "this cpu has no AVX"
	start machine_vectors < /dev/null > out 2> err
	wait_text out '^ready$'
	wait_state "$PID" R
	kill -STOP "$PID"
	wait_state "$PID" T
	"$BIN/ckpt" -p "$PID" -o ours
	"$BIN/ckpt" -p "$PID" -o ours.stop --stop
	wait_state "$PID" T
	# It dumps core as it is told to go on, before it has done anything.
	kill -QUIT "$PID"
	kill -CONT "$PID"
	wait "$PID" || true
	mv "$(find_core . "$PID")" kernel
	equal_compare ours kernel
	equal_compare ours.stop kernel
}

@test "shells and interpreters that wait for a line are the kernel's" {
	mkfifo in
	exec {IN}<> in  # nobody writes a line
	# shellcheck disable=SC2016  # the programs expand it
	for program in 'bash -c' 'perl -e' 'python3 -c'; do
		need "/usr/bin/${program% *}"
		case $program in
		bash*) script='declare -A a=([b]=c); echo ready; read -r line; echo "$line"' ;;
		perl*) script='$| = 1; my %a = map { $_ => 1 } 1 .. 10000; print "ready\n"; <STDIN>' ;;
		python*) script='import json, re; print("ready", flush=True); input()' ;;
		esac
		rm -f ours* kernel
		# shellcheck disable=SC2086
		start "/usr/bin/${program% *}" "${program#* }" "$script" < in > out 2> err
		wait_text out '^ready$'
		wait_until 20 waits 0
		same '' --stop
	done
}
