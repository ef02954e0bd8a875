#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Process group and session, with restart -w: whom the process reaches, and what reaches it.

load helper

setup() {
	common_setup
	build_program session_victim
	copy_programs
	AS=(-o core)
}

# checkpoint WHAT...: of a program in a session that no terminal controls; it ends.
checkpoint() {
	touch out && chmod a+w out
	# shellcheck disable=SC2016  # the inner shell's
	start "${AS_USER[@]}" setsid sh -c './session_victim "$@" & wait' sh "$@" < /dev/null > out 2>&1
	wait_text out '^ready'
	VICTIM=$(sed -n 's/^ready //p' out)
	as_user bin/ckpt -k -p "$VICTIM" "${AS[@]}"
	wait "$PID"
	touch go
}

# goes_on LEADS OPTION...: it leads what it did, and what it sends its group reaches nobody else: restart
# would end by it.
goes_on() {
	local status=0 leads=$1

	shift
	as_user bin/restart -n -w "$@" core < /dev/null 2> err || status=$?
	[ "$status" -eq 7 ] || { cat err; return 1; }
	[ "$(tail -n 1 out)" = "$leads" ] || { cat out; return 1; }
}

@test "the leader of a session leads one again" {
	checkpoint session
	bin/restart --log core > text
	has_text text '^controlling-terminal : 0$'
	goes_on 'session yes, group yes, terminal no' --pid=new
	goes_on 'session yes, group yes, terminal no' --pid=ns
}

@test "the leader of a group leads one again" {
	checkpoint group
	as_user setsid -w bin/restart --plan -w core > plan
	has_text plan 'setpgid(0, 0)'
	as_user setsid -w sh -c 'bin/restart -n -w --pid=new core; echo $?' < /dev/null > status 2> err
	[ "$(< status)" = 7 ] || { cat err; false; }
	[ "$(tail -n 1 out)" = 'session no, group yes, terminal no' ]
}

@test "what a terminal controlled, or led nothing, stays with restart" {
	checkpoint member
	bin/restart --plan -w core > plan
	lacks_text plan 'setsid\|setpgid'
	{ bin/restart --log core | sed 's/^\(pid : \([0-9]*\) : [0-9]*\) .*/\1 : \2 : \2/'; } > text
	bin/restart --plan -w -ftext core > plan
	has_text plan 'setsid()'
	sed -i 's/^controlling-terminal : 0/controlling-terminal : 1/' text
	bin/restart --plan -w -ftext core > plan
	lacks_text plan 'setsid\|setpgid'
}

@test "the keys of the terminal reach a program that has a session of its own" {
	checkpoint session keys
	terminal_open
	terminal_type "bin/restart -n -w core"
	terminal_expect 'restart: .*process [0-9]+'
	wait_text out '^session yes, group yes, terminal no'
	terminal_key '\x1a'
	terminal_expect 'Stopped'
	terminal_expect '\$ '
	terminal_type 'fg'
	wait_text out '^continued'
	terminal_key '\x03'
	terminal_expect '\$ '
	terminal_type "echo status \$?"
	terminal_expect 'status 7'
}

@test "an executable checkpoint leads its session again, too, where no terminal controls it" {
	AS=(-n saved)
	checkpoint session
	as_user setsid -w sh -c './saved; echo $?' < /dev/null > status 2> err
	[ "$(< status)" = 7 ] || { cat err; false; }
	[ "$(tail -n 1 out)" = 'session yes, group yes, terminal no' ]
}
