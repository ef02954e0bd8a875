#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Memory that restart copies, by several processors at once where there are several.

load helper

# save [ENV=VALUE...]: leaves the checkpoint `saved' of the victim.
save() {
	copy_programs
	build_program copies_memory
	mkfifo go
	exec 7<> go  # opening one end alone would wait for the other
	touch out said
	chmod a+rwX . out said go
	start "${AS_USER[@]}" env WAIT=1 "$@" ./copies_memory < go > out 2> said
	wait_text out ready
	as_user bin/ckpt -k -p "$PID" -o saved
}

# resumed COMMAND...: the victim says ok.
resumed() {
	echo ready > out
	echo x >&7
	"${AS_USER[@]}" "$@" 2> err || fail "status $?: $(< err)" || return 1
	has_text out ok || fail "not as it was: $(< err)"
}

@test "pages, holes and protections are as they were, copied by all processors and by one" {
	save
	resumed bin/restart --pid=new -nw saved
	cpu=$(taskset -cp $$ | sed 's/.*: \([0-9]*\).*/\1/')
	resumed taskset -c "$cpu" bin/restart --pid=new -nw saved
}

@test "they are where no process can be made to help" {
	save NO_PROCESSES=1
	resumed bin/restart --pid=new -nw saved
}

@test "they are in a process that is restored in place, since ptrace is forbidden" {
	build_program restart_no_ptrace
	save
	resumed ./restart_no_ptrace bin/restart --pid=new -nw saved
	grep -q '^restart: ptrace is not permitted here: restored in place' err
}

@test "of memory that was changed in the file nothing is executed, and no process stays" {
	build_program restart_no_ptrace
	save
	printf X | dd of=saved bs=1 seek=$((10 << 20)) conv=notrunc status=none
	echo ready > out
	echo x >&7
	for how in '' ./restart_no_ptrace; do
		# shellcheck disable=SC2086  # an empty $how is no argument
		run as_user $how bin/restart --pid=new -nw saved
		[ "$status" -eq 125 ]
		[[ $output == *"restart: saved: corrupted: memory somewhere in 0x"* ]]
		[ "$(< out)" = ready ]
		[ -z "$(find /proc/[0-9]*/exe -maxdepth 0 -lname "$WORK/*" 2> /dev/null)" ]
	done
}
