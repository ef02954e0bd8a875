#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What a core says of the machine it was made on, and a restart on one that is not like it: the notes
# are doctored, as there is but one machine.

# shellcheck disable=SC2015,SC2154  # `fail' never succeeds; bats sets stderr
bats_require_minimum_version 1.5.0
load helper

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	! grep -qw avx /proc/cpuinfo || build_program machine_vectors -mavx
}

setup() {
	common_setup
	need python3
	[ -x "$BATS_FILE_TMPDIR/machine_vectors" ] || skip "this cpu has no AVX"
}

start_vectors() {
	start "$BATS_FILE_TMPDIR/machine_vectors" < /dev/null > out 2> err
	wait_text out '^ready$'
	# Until it is in its loop.
	wait_state "$PID" R
}

# save: the core of a running machine_vectors is in ./core.
save() {
	start_vectors
	"$BIN/ckpt" -p "$PID" -o core -k
	wait "$PID" || true
}

# doctor NOTE EXPRESSION: ./doctored is ./core with other bytes in a note: python's DESC is its
# descriptor, CORE all of it.  The note of the checksums gets another type, so that nobody looks.
doctor() {
	python3 - "$1" "$2" <<-'EOP'
	import struct, sys, textwrap
	name, change = sys.argv[1:]
	core = bytearray(open("core", "rb").read())
	heads = {"machine": b"HCAMRESTART\0", "layout": b"\x05\x02\0\0LINUX\0\0\0",
	         "xsave": b"\x02\x02\0\0LINUX\0\0\0"}
	def find(name):
	    at = core.index(heads[name])
	    return at + len(heads[name]), struct.unpack_from("<I", core, at - 4)[0]
	start, size = find(name)
	desc = core[start:start + size]
	xsave = find("xsave")[0]
	exec(textwrap.dedent(change))
	assert len(desc) == size and bytes(desc) != bytes(core[start:start + size])
	core[start:start + size] = desc
	at = core.index(b"SMUSRESTART\0")
	core[at:at + 4] = b"NONE"
	open("doctored", "wb").write(core)
	EOP
}

# resume ARGS...: the program goes on, and finds its registers as they were.
resume() {
	echo ready > out
	start "$BIN/restart" -n -w "$@" < /dev/null > restart.out 2> restart.err
	wait_text restart.err 'process [0-9]'
	kill -USR1 "$(sed -n 's/.*process \([0-9]*\).*/\1/p' restart.err)"
	wait "$PID" || fail "$?: $(< restart.err) $(< out)" || return 1
	[ "$(tail -n 1 out)" = ok ]
}

# refuses PATTERN ARGS...: one line that fits, status 125.
refuses() {
	local pattern=$1

	shift
	run timeout 120 "$BIN/restart" -n -w "$@"
	[ "$status" -eq 125 ] && [ "${#lines[@]}" -eq 1 ] && [[ $output =~ $pattern ]] ||
		fail "status $status: $output"
}

@test "vector registers and rounding modes live on across checkpoints, and are in them" {
	start_vectors
	for _ in 1 2 3 4 5; do
		"$BIN/ckpt" -p "$PID" -o "core"
	done
	kill -USR1 "$PID"
	wait "$PID"
	[ "$(< out)" = $'ready\nok' ]
	resume core
	save
	resume core
}

@test "what the core says of its machine is true of this one" {
	save
	strings core | grep -qx "kernel=$(uname -r)"
	strings core | grep -q '^cpu=.*\bavx\b'
	for word in $(strings core | sed -n 's/^cpu=//p'); do
		grep -qw "$word" /proc/cpuinfo
	done
	"$BIN/restart" --check core | diff - <(echo 'It would restart here.')
}

@test "a cpu that lacks features is refused by their names, and --accept-loss goes on" {
	save
	doctor machine 'desc = desc.replace(b" avx ", b" avy ").replace(b"sse4_1", b"avx999")'
	refuses 'the core was made on a cpu with avx999, avy, which this one lacks: .*--accept-loss' doctored
	refuses 'on a cpu with avx999, avy,' - < doctored
	run "$BIN/restart" --check doctored
	[ "$status" -eq 125 ] && [[ $output == 'obstacle: the core was made on a cpu'* ]]
	resume --accept-loss doctored
	grep -q 'avx999, avy, which this one lacks' restart.err
	# What would trouble a terminal does not come through.
	doctor machine 'desc = desc.replace(b"sse4_1", b"\x1b[31mx")'
	refuses 'on a cpu with .\[31mx, which this one lacks: the program may use it' doctored
	[[ $output != *$'\e'* ]]
}

@test "a note that is too long or cut off is no obstacle" {
	save
	doctor machine 'desc = desc.replace(b"cpu=", b"cpx=")'
	resume doctored
	doctor machine 'desc = desc.replace(b"\n", b" ")'
	resume doctored
}

@test "another page size is refused" {
	save
	doctor machine 'desc = desc.replace(b"page_size=4096", b"page_size=8192")'
	refuses 'made with pages of 8192 bytes, and this machine has 4096' doctored
	refuses 'made with pages of 8192 bytes' --accept-loss doctored
}

@test "an older kernel is remarked upon" {
	save
	doctor machine 'desc = desc.replace(b"kernel=", b"kernel=9")'"[:len(desc)]"
	resume doctored
	"$BIN/restart" --check doctored | grep -q "^note: the core was made under Linux 9$(uname -r | cut -d. -f1)"
}

# The layout is an array of type, size, offset, flags; component 2 is what AVX adds.
@test "a core whose XSAVE area is laid out in another way comes back right" {
	save
	status=0
	# AVX state where it is on no machine: behind 64 bytes that nobody uses, in place of AVX-512's.
	doctor layout '
	assert struct.unpack_from("<III", desc) == (2, 256, 576)
	room = find("xsave")[1]
	if room < 576 + 64 + 256:
	    sys.exit(77)
	struct.pack_into("<I", desc, 8, 576 + 64)
	core[xsave + 640:xsave + 640 + 256] = core[xsave + 576:xsave + 576 + 256]
	core[xsave + 576:xsave + 576 + 64] = bytes(64)
	' || status=$?
	[ "$status" -ne 77 ] || skip "the XSAVE area of this cpu has no room to shift something"
	[ "$status" -eq 0 ]
	resume doctored
	# The test can fail: without the layout's help the registers are others.
	doctor layout 'struct.pack_into("<I", desc, 8, 576 + 64)'
	run ! resume doctored
}

@test "a component of another size is refused" {
	save
	doctor layout 'struct.pack_into("<I", desc, 4, 128)'
	refuses 'the core has 128 bytes of cpu state 2, and this cpu 256' doctored
	doctor layout 'desc[0] = 40'
	refuses 'the core has 0 bytes of cpu state 2, and this cpu 256' doctored
}
