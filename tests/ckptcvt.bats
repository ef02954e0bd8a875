#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What ckptcvt makes of a source, and what it says of wrong marks.

# shellcheck disable=SC2015,SC2154  # `fail' never succeeds; bats sets status and output
load helper

setup() {
	common_setup
	PATH=$BIN:$PATH
}

@test "lines that are no marks pass unchanged, and lines keep their numbers" {
	cp "$ROOT/examples/pmckpt/test.c" .
	ckptcvt < test.c > tmp.c
	[ "$(head -n 1 tmp.c)" = '#line 1 "test.c"' ]
	diff <(sed 's/^CKPT .*/MARK/' test.c) <(tail -n +2 tmp.c | sed 's/^CKPT_.*/MARK/')
	for mark in VARS TOPS BOTS POINT; do
		[ "$(grep -c "^CKPT $mark" test.c)" -eq "$(grep -c "^CKPT_$mark" tmp.c)" ]
	done
	# The messages of the compiler are of the source.
	sed 's/say("sub2", .*/say("sub2", nonsense);/' test.c > wrong.c
	ckptcvt < wrong.c > tmp.c
	run cc -I "$LIB" -c tmp.c
	[[ $output == *"wrong.c:$(grep -n nonsense wrong.c | cut -d: -f1):"*nonsense* ]]
	ckptcvt < <(cat test.c) | diff - <(ckptcvt < test.c | sed '1s/test.c/-/')
}

@test "what only looks like marks passes unchanged" {
	cat > looks.c <<-'END'
		/*
		CKPT VARS
		*/
		#define MACRO a \
		CKPT POINT a b
		// a comment \
		CKPT TOPS
		const char *s = "a string \
		CKPT BOTS";
		CKPT_schedule(); char q = '"', b = '{';
		  CKPT vars;
		 int i = 1; // {
		#if 0
		don't {
		#else
		void f(void) {
		#endif
		}
		no newline at the end
	END
	truncate -s -1 looks.c
	ckptcvt < looks.c > out
	tail -n +2 out | cmp - looks.c
	ckptcvt < /dev/null
}

@test "a point may stand wherever a statement may, in old C and in new" {
	cat > places.c <<-'END'
		#include "pmckpt.h"
		#ifdef NEVER
		static int f(int n) { { {
		#else
		static int f(int n)
		{ /* CKPT VARS, then */
		#endif
		CKPT VARS
			int sum = 0;
		CKPT TOPS
			if (n < 0)
		CKPT POINT a b
			else
		CKPT POINT c d
			switch (n) {
			case 1:
		CKPT POINT e f
				break;
			default:
		CKPT POINT g h
			}
			do
		CKPT POINT i j
			while (--n > 0);
			{ char s[] = "}"; sum += s[0] == '}'; }
			return sum;
		CKPT BOTS
		/* the end */ }
		static void empty(void) {
		CKPT VARS
		CKPT TOPS
		CKPT BOTS
		}
		int main(void) { empty(); return f(2) + f(-1); }
	END
	ckptcvt < places.c > tmp.c
	for cc in gcc clang; do
		command -v "$cc" || continue
		for flags in -std=c90 '-std=c99 -pedantic' '-std=gnu11 -O2' '-std=gnu11 -DCKPT_PREAMBLE'; do
			# shellcheck disable=SC2086
			"$cc" -Wall -Wextra -Werror $flags -I "$LIB" -o places "$LIB/pmckpt.o" tmp.c "$LIB/pmceot.o"
			run ./places
			[ "$status" -eq 2 ]
		done
	done
}

# complains EXPECTED: ckptcvt of its standard input, on which @ is CKPT at the beginning of a line.
complains() {
	sed 's/^@/CKPT/' > wrong.c
	run ckptcvt < wrong.c
	[ "$status" -eq 1 ]
	[ "${lines[0]}" = "$1" ] || fail "not $1, but $output"
	[ -z "$(ckptcvt < wrong.c 2> /dev/null)" ]
}

@test "ckptcvt tells which mark is misspelt" {
	how='VARS, TOPS, BOTS or POINT x y is flush left on a line by itself'
	for line in '@ VAR' '@' '@ vars' 'ckpt VARS' '  CKPT VARS' '@ VARS x' '@ POINT x' '@ POINT x y z' \
		'@ TOPS;' '@ BOTS /* end */'; do
		complains "wrong.c:2: CKPT $how" <<< "int a;"$'\n'"$line"
	done
	run ckptcvt < <(echo 'CKPT nonsense')
	[ "$output" = "-:1: CKPT $how" ]
}

@test "ckptcvt tells which mark is misplaced or missing" {
	vars='CKPT VARS belongs right after the { of a function'
	tops='CKPT TOPS belongs behind CKPT VARS, outside of blocks'
	bots='CKPT BOTS belongs behind CKPT TOPS, right before the final }'
	point='CKPT POINT belongs between CKPT TOPS and CKPT BOTS'
	complains "wrong.c:3: $vars" <<< $'f() {\nint i;\n@ VARS\n@ TOPS\n@ BOTS\n}'
	complains "wrong.c:3: $vars" <<< $'f() {\n@ VARS\n@ VARS\n@ TOPS\n@ BOTS\n}'
	complains "wrong.c:2: $tops" <<< $'f() {\n@ TOPS\n@ BOTS\n}'
	complains "wrong.c:4: $tops" <<< $'f() {\n@ VARS\nif (1) {\n@ TOPS\n}\n@ BOTS\n}'
	complains "wrong.c:4: $tops" <<< $'f() {\n@ VARS\n@ TOPS\n@ TOPS\n@ BOTS\n}'
	complains "wrong.c:4: $bots" <<< $'f() {\n@ VARS\n@ TOPS\n@ BOTS\nreturn;\n}'
	complains "wrong.c:5: $bots" <<< $'f() {\n@ VARS\n@ TOPS\nif (1) {\n@ BOTS\n}\n}'
	complains "wrong.c:3: $bots" <<< $'f() {\n@ VARS\n@ BOTS\n}'
	complains "wrong.c:2: $point" <<< $'f() {\n@ POINT x y\n}'
	complains "wrong.c:3: $point" <<< $'f() {\n@ VARS\n@ POINT x y\n@ TOPS\n@ BOTS\n}'
	complains "wrong.c:3: CKPT TOPS is missing before the function ends" <<< $'f() {\n@ VARS\n}'
	complains "wrong.c:4: CKPT BOTS is missing before the function ends" <<< $'f() {\n@ VARS\n@ TOPS\n}'
	complains "wrong.c:4: CKPT BOTS is missing before the function ends" <<< $'f() {\n@ VARS\n@ TOPS'
}

@test "ckptcvt tells of names that are none, or are not unique" {
	taken='CKPT POINT has a name that is taken in this function:'
	complains "wrong.c:4: CKPT POINT takes two names, not 1x" <<< \
		$'f() {\n@ VARS\n@ TOPS\n@ POINT 1x y\n@ BOTS\n}'
	complains "wrong.c:4: CKPT POINT takes two names, not y;" <<< \
		$'f() {\n@ VARS\n@ TOPS\n@ POINT x y;\n@ BOTS\n}'
	complains "wrong.c:4: $taken x" <<< $'f() {\n@ VARS\n@ TOPS\n@ POINT x x\n@ BOTS\n}'
	complains "wrong.c:5: $taken y" <<< \
		$'f() {\n@ VARS\n@ TOPS\n@ POINT x y\n@ POINT z y\n@ BOTS\n}'
}
