#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later

load helper

# install_to ARGUMENTS...: make install of the programs under test, which are not built anew.
install_to() {
	env -u MAKEFLAGS -u MAKELEVEL -u BUILD make -s -C "$ROOT" --assume-old=all install \
		BIN="$BIN" LIB="$LIB" "$@"
}

@test "make install puts programs, library and documents under DESTDIR and PREFIX" {
	install_to DESTDIR="$WORK/root" PREFIX=/opt/thing
	cd root
	diff <(cd "$ROOT/doc" && echo *.md | tr ' ' '\n') <(ls opt/thing/share/doc/restart)
	[ -s opt/thing/share/doc/restart/limits.md ]
	diff <(find . -type f ! -name '*.md' | sort) - <<-END
		./opt/thing/bin/checkpoint
		./opt/thing/bin/ckpt
		./opt/thing/bin/ckptcvt
		./opt/thing/bin/restart
		./opt/thing/bin/savefds
		./opt/thing/include/ckpt.h
		./opt/thing/include/pmckpt.h
		./opt/thing/lib/libckpt.so
		./opt/thing/lib/libsavefds.so
		./opt/thing/lib/pkgconfig/libckpt.pc
		./opt/thing/lib/pmceot.o
		./opt/thing/lib/pmckpt.o
		./opt/thing/share/man/man1/checkpoint.1
		./opt/thing/share/man/man1/ckpt.1
		./opt/thing/share/man/man1/ckptcvt.1
		./opt/thing/share/man/man1/restart.1
		./opt/thing/share/man/man1/savefds.1
		./opt/thing/share/man/man3/libckpt.3
		./opt/thing/share/man/man5/filedescriptors.5
		./opt/thing/share/man/man7/libsavefds.7
		./opt/thing/share/man/man7/pmckpt.7
	END
	opt/thing/bin/ckpt --version
	opt/thing/bin/restart --version
	opt/thing/bin/savefds --version
	opt/thing/bin/ckptcvt < "$ROOT/examples/pmckpt/test.c" > tmp.c
	cc -I opt/thing/include -c tmp.c
	cc -o tmp opt/thing/lib/pmckpt.o tmp.o opt/thing/lib/pmceot.o
	[ "$(./tmp 0 | wc -l)" -eq 13 ]
}

@test "each manual page is free of markup errors" {
	need mandoc
	cd "$ROOT/doc"
	run mandoc -T lint -W warning ./*.[1357]
	[ "$status" -eq 0 ] || fail "$output"
}

@test "each manual page is shown without left-over macros and in 80 columns" {
	local page

	need mandoc
	cd "$ROOT/doc"
	for page in *.[1357]; do
		mandoc -T ascii -O width=78 "$page" | sed 's/.\x08//g' > "$WORK/page"
		! grep -nE '\b(Ar|Cm|Dv|Er|Ev|Fa|Fl|Fn|Li|Nm|Ns|Op|Pa|Pq|Ql|Sx|Xr)\b|[A-Za-z]~\.|[A-Z]! ' \
			"$WORK/page" || fail "$page shows a macro"
		[ "$(wc -L < "$WORK/page")" -le 80 ] || fail "$page is wider than 80 columns"
	done
}

@test "the manual page of a program names each of its long options" {
	cd "$ROOT/doc"
	for program in ckpt restart savefds; do
		for option in $("$BIN/$program" --help | grep -oE -- '--[a-z][a-z-]*' | sort -u); do
			sed 's/\\-/-/g' "$program.1" | grep -qE -- "(--|Fl -|Fl Fl )${option#--}" ||
				fail "$program.1 does not name $option"
		done
	done
}

@test "the library exports nothing but its own names and the functions that it wraps" {
	need nm
	run nm -D --defined-only --format=posix "$LIB/libsavefds.so"
	while read -r name _; do
		case $name in
		savefds | savefds_remembered | sigaction | signal | __sysv_signal | bsd_signal | sysv_signal) ;;
		*) fail "libsavefds.so exports $name" ;;
		esac
	done <<< "$output"
	[[ $output == *savefds* ]]
	run nm -D --defined-only --format=posix "$LIB/libckpt.so"
	while read -r name _; do
		case $name in
		ckpt_* | exec* | posix_spawn*) ;;
		sigaction | signal | __sysv_signal | bsd_signal | sysv_signal | sigset | sigignore) ;;
		*) fail "libckpt.so exports $name" ;;
		esac
	done <<< "$output"
	[[ $output == *ckpt_ckpt* ]]
}

@test "the layer check finds a forbidden include" {
	mkdir -p util process elf restart/bootstrap
	echo '#include "process/process.h"' > util/a.c
	echo '#include <libelf.h>' > process/b.c
	echo '#include <string.h>' > restart/bootstrap/c.c
	printf '#include <libelf.h>\n#include "util/io.h"\n#include "elf/x.h"\n' > elf/right.c
	run "$ROOT/tests/layers.sh" .
	[ "$status" -eq 1 ]
	diff - <(sort <<< "$output") <<-'END'
		process/b.c:1: process may not include <libelf.h>
		restart/bootstrap/c.c:1: restart/bootstrap may not include <string.h>
		util/a.c:1: util may not include "process/process.h"
	END
}

@test "the layer check is content with this tree" {
	"$ROOT/tests/layers.sh"
}

@test "the width check finds lines of more than 100 columns" {
	local wide

	wide=$(printf '%0100d' 0)
	printf '%s\n' "$wide" "x$wide" > a.c
	mkdir -p b/c build
	printf '\t%s\n123456\t\t%s\n\n' "${wide:8}" "${wide:15}" > b/c/d.h
	echo "x$wide" > build/generated.h
	run "$ROOT/tests/width.sh" .
	[ "$status" -eq 1 ]
	diff - <(echo "$output") <<-'END'
		a.c:2: 101 columns, of which there may be 100
		b/c/d.h:2: 101 columns, of which there may be 100
	END
}
