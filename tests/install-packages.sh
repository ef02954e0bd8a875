#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# install-packages.sh demo|check|fuzz: sees to it that what this purpose needs is installed.
#
# What is missing is installed by apt, with sudo when the caller is not root.  Where that cannot be
# done it says what to install by hand.  A program that only the tests of real programs use is not
# needed to go on: its test is skipped, with a line that says so.

set -u
purpose=${1:-check}
needed=() wanted=()
probe=$(mktemp) || exit 1
trap 'rm -f "$probe"' EXIT

has() { command -v "$1" >/dev/null 2>&1; }

# Tries to compile and link a program that includes HEADER with FLAGS: links COMPILER HEADER FLAGS...
links() {
	local compiler=$1 header=$2

	shift 2
	printf '#include <%s>\nint main(void) { return 0; }\n' "$header" |
		"$compiler" -x c - -o "$probe" "$@" 2>/dev/null
}

need() { "${@:2}" || needed+=("$1"); }
want() { "${@:2}" || wanted+=("$1"); }

need gcc has gcc
need make has make
need pkg-config has pkg-config
# restart and ckpt are linked statically.
need libc6-dev links gcc stdio.h -static
need zlib1g-dev links gcc zlib.h -static -lz
need libelf-dev links gcc gelf.h -static -lelf
need libxxhash-dev links gcc xxhash.h -static -lxxhash
need libzstd-dev links gcc zstd.h -static -lzstd
need binutils has objcopy
case $purpose in
demo) ;;
fuzz)
	need clang has clang
	need libclang-rt-dev links clang stdio.h -fsanitize=fuzzer-no-link,address
	;;
check)
	need clang has clang
	need bats has bats
	need shellcheck has shellcheck
	need gdb has gdb
	need util-linux has setpriv
	need bsdutils has script
	need procps has ps
	want python3 has python3
	want perl has perl
	want default-jdk-headless has javac
	want nodejs has node
	want xz-utils has xz
	want zstd has zstd
	want sqlite3 has sqlite3
	want strace has strace
	want mandoc has mandoc
	;;
*)
	echo "install-packages.sh: no such purpose: $purpose (demo, check or fuzz)" >&2
	exit 2
	;;
esac

# By hand: says what is missing and what for, and fails when we cannot go on without.
by_hand() {
	if [ ${#wanted[@]} -gt 0 ]; then
		echo "Not installed, so their tests are skipped: ${wanted[*]}" >&2
	fi
	if [ ${#needed[@]} -gt 0 ]; then
		echo "$1; please install what these Debian packages hold: ${needed[*]}" >&2
		exit 1
	fi
	exit 0
}

[ $((${#needed[@]} + ${#wanted[@]})) -gt 0 ] || exit 0
has apt-get || by_hand "This is not a Debian system"
as_root=()
if [ "$(id -u)" -ne 0 ]; then
	has sudo || by_hand "Only root can install packages, and there is no sudo"
	as_root=(sudo)
fi

# libclang-rt-dev has the version of clang in its name.
version=$(apt-cache depends clang 2>/dev/null | sed -n 's/.*Depends: clang-\([0-9]*\)$/\1/p')
needed=("${needed[@]/#libclang-rt-dev/libclang-rt-${version:-14}-dev}")

install() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get "$@" -qq -y; }

echo "Installing ${needed[*]} ${wanted[*]} ..."
install update || echo "apt-get update failed; going on with the lists that are there" >&2
if [ ${#needed[@]} -gt 0 ]; then
	install install --no-install-recommends "${needed[@]}" >/dev/null ||
		by_hand "apt-get could not install them"
fi
for package in "${wanted[@]}"; do
	install install --no-install-recommends "$package" >/dev/null ||
		echo "$package cannot be installed, so its tests are skipped" >&2
done
