#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# A text that asks for more than can be, or for what it must not get: refused with one line, at once,
# and nothing outside of the new process is changed.

load helper

setup() {
	common_setup
	need python3
	need_core
	start_saving python3 -uc 'print("ready"); import time; time.sleep(1000)' < /dev/null > out 2> err
	wait_text out ready
	make_core . "$PID" QUIT || true
	mv "$CORE" saved
	printf '%s : /dev/null : 0\n' 0 1 2 > text
}

check() { timeout 20 "$BIN/restart" --check -ftext "$@" saved > check.out 2>&1 < /dev/null; }

# refused MESSAGE OPTION...
refused() {
	local message=$1 status=0

	shift
	check "$@" || status=$?
	cat check.out
	[ "$status" -eq 125 ] && has_text check.out "$message"
}

# letters COUNT: as many.
letters() { printf "%0$1d" 0 | tr 0 x; }

@test "names with line ends and escapes are told on one line without any" {
	echo '5 : /no\033[31m\012where : 0' >> text
	echo 'cwd : /no\012where' >> text
	for mode in --check --show --plan; do
		"$BIN/restart" "$mode" -ftext saved > told 2>&1 < /dev/null || true
		has_text told 'no?where'
		[ "$(grep -c '^where' told)" -eq 0 ]
		[ "$(tr -d '\n\t -~' < told | wc -c)" -eq 0 ]
	done
}
