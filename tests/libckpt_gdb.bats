# SPDX-License-Identifier: LGPL-2.1-or-later
# What gdb sees of a program in the handler of the checkpoint signal.

load helper

# The functions that gdb names in the core of a checkpoint, from the innermost on, of THREAD.
frames_of() {
	"$BIN/restart" --core frames > core
	gdb -nx -batch -ex "thread $1" -ex backtrace ./ckpt_lib_frames core 2> err |
		sed -n 's/^#[0-9]* *\(0x[0-9a-f]* in \)\{0,1\}\([^ ]*\) .*/\2/p'
}

# checkpointed ARGUMENTS...: its checkpoint is `frames'.
checkpointed() {
	start "$BIN/ckpt" -n frames -a USR1 ./ckpt_lib_frames "$@" > out
	wait_text out waits
	kill -USR1 "$PID"
	wait "$PID"
}

@test "gdb shows the functions of the program below the handler" {
	need gdb
	build_program ckpt_lib_frames
	checkpointed
	frames_of 1 > frames.txt
	grep -qx handle_signal frames.txt
	grep -A 1 -x inner_function frames.txt | grep -qx outer_function
	[ "$(tail -n 1 frames.txt)" = main ]
}

@test "gdb shows them of a thread, whose stack is below that of the handler" {
	need gdb
	build_program ckpt_lib_frames
	checkpointed in-a-thread
	frames_of 2 > frames.txt
	grep -qx handle_signal frames.txt
	grep -A 1 -x inner_function frames.txt | grep -qx outer_function
	lacks_text err 'corrupt stack'
}
