#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# run.sh [STEP...]: runs the tests, all or some of the steps below, and ends with a line that counts
# them.  The exit status is 0 when something ran and nothing failed.

cd "$(dirname "$0")/.." || exit 1
unset MAKEFLAGS MFLAGS MAKELEVEL LD_PRELOAD
export LC_ALL=C

passed=0 failed=0 skipped=0
logs=$(mktemp -d) || exit 1
trap 'rm -rf "$logs"' EXIT
export BUILT=$logs/programs  # of the tests: see compile() in tests/helper.bash
mkdir "$BUILT"

# The three builds; what each is tested with.  That of clang is for its warnings: nothing of it is run.
# Under a sanitizer gcc's own warnings are not true, and the other two builds have them.
gcc_build=(make -s -j"$(nproc)" WERROR=1)
clang_build=("${gcc_build[@]}" CC=clang CFLAGS="-O0 -g0" BUILD=build-clang BIN=build-clang/bin LIB=build-clang/lib)
asan_build=(make -s -j"$(nproc)" "SANITIZE=address,undefined" CFLAGS="-O1 -g1" BUILD=build-asan BIN=build-asan/bin
	LIB=build-asan/lib)

# A preloaded library comes before the sanitizer's, which is as it should be here.  The search for
# leaks does not work in programs that are traced or in a pid namespace, as some tests have them, and
# a program that restart makes inherits its limit of core files.
sanitizer_options=(ASAN_OPTIONS=verify_asan_link_order=0 UBSAN_OPTIONS=print_stacktrace=1)
without_leaks=(ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0:disable_coredump=0)

# count NAME STATUS LOG: adds the results in LOG, lines of TAP, and shows those that failed.
count() {
	local name=$1 status=$2 log=$3 ok bad skip planned ran

	bad=$(grep -c '^not ok ' "$log")
	skip=$(grep -ciE '^ok .*# skip' "$log")
	ok=$(($(grep -c '^ok ' "$log") - skip))
	planned=$(awk -F'[. ]+' '/^1\.\.[0-9]+/ { n += $2 } END { print n + 0 }' "$log")
	ran=$((ok + bad + skip))
	awk '/^(ok|not ok|1\.\.) ?/ { show = /^not/ } show' "$log"
	if [ "$ran" -lt "$planned" ] || [ "$ran" -eq 0 ] ||
	   { [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; }; then
		echo "not ok - $name ended with status $status after $ran of $planned tests"
		tail -n 40 "$log"
		bad=$((bad + 1))
	fi
	passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skip))
	printf '%-34s %4d passed %3d failed %3d skipped\n' "$name" "$ok" "$bad" "$skip"
}

# single NAME COMMAND...: a command whose exit status is the result of one test.
single() {
	local name=$1 log status=0

	shift
	log=$(mktemp -p "$logs")
	timeout -k 10 300 "$@" > "$log.out" 2>&1 || status=$?
	if [ "$status" -eq 0 ]; then
		echo "ok - $name" > "$log"
	else
		{ echo "not ok - $name (status $status)"; tail -n 60 "$log.out"; } > "$log"
	fi
	count "$name" "$status" "$log"
	return "$status"
}

# What is tested once more with sanitizers: our own code over all that it may meet, not the programs of
# others, nor the library and the engine, which are never built so.
sanitized=(attributes bad_input ckpt ckptcvt ckpt_pages compress core_write files holds machine memory restart
	savefds sockets terminals)
sanitized=("${sanitized[@]/#/tests/}")

scripts() { echo .ci/run; find tests examples bench -name '*.sh' -o -name '*.ba[st][hs]'; }

# sources PREFIX SUFFIX: the names of the C files with these in tests/.
sources() { find tests -path "tests/$1*${2-}.c" -printf '%f\n' | sed 's/\.c$//' | sort; }

# unit NAME BUILD, corpus NAME BUILD: the unit tests; the fuzz harnesses over their corpora.
unit() {
	local name log=$logs/$1

	# shellcheck disable=SC2016  # another shell expands it
	sources unit/ _test | env "${sanitizer_options[@]}" xargs -P "$(nproc)" -I'{}' sh -c \
		'timeout -k 10 300 "$0/tests/{}" > "$1.{}" 2>&1; echo $? > "$1.{}.status"' "$2" "$log"
	for name in $(sources unit/ _test); do
		count "$1: $name" "$(< "$log.$name.status")" "$log.$name"
	done
}

corpus() {
	local name

	for name in $(sources fuzz/fuzz_); do
		single "$1: $name" env "${sanitizer_options[@]}" "$2/tests/$name" \
			"tests/fuzz/corpus/${name#fuzz_}"
	done
}

# features NAME FILE... -- ENVIRONMENT...: these bats tests.  They wait for things more than half of
# the time, so there are more files at work than processors; the large ones begin, not to be the last.
features() {
	local name=$1 file log running=0 at_once files=()

	while shift && [ "$1" != -- ]; do
		files+=("$1")
	done
	shift
	at_once=$(($(nproc) * 2))
	mapfile -t files < <(ls -S "${files[@]}")
	for file in "${files[@]}"; do
		[ "$running" -lt "$at_once" ] || { wait -n; running=$((running - 1)); }
		log=$logs/$name.${file##*/}
		{
			timeout -k 10 600 env "$@" bats --formatter tap "$file" > "$log" 2>&1
			echo $? > "$log.status"
		} &
		running=$((running + 1))
	done
	wait
	for file in "${files[@]}"; do
		log=$logs/$name.${file##*/}
		count "$name: ${file##*/}" "$(< "$log.status")" "$log"
	done
}

step_build() { single "gcc build" "${gcc_build[@]}" all unit fuzzers; }
step_layers() { single "layers" tests/layers.sh; }
step_width() { single "width of lines" tests/width.sh; }
step_shellcheck() {
	local files

	mapfile -t files < <(scripts)
	single "shellcheck" shellcheck -x "${files[@]}"
}
step_unit() { unit gcc build; }
step_corpus() { corpus gcc build; }
step_bats() { features gcc tests/*.bats --; }
step_clang() { single "clang build" "${clang_build[@]}" all unit fuzzers; }
step_asan() {
	single "sanitizer build" "${asan_build[@]}" all unit fuzzers || return
	unit asan build-asan
	corpus asan build-asan
	features asan "${sanitized[@]/%/.bats}" -- "${sanitizer_options[@]}" "${without_leaks[@]}" BIN=build-asan/bin LIB=build-asan/lib
}

steps=("$@")
[ $# -gt 0 ] || steps=(build layers width shellcheck unit corpus bats clang asan)
for step in "${steps[@]}"; do
	"step_$step"
done

total="$passed passed, $failed failed"
[ "$skipped" -eq 0 ] || total+=", $skipped skipped"
echo "$total"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
