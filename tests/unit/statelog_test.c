/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* process/statelog: what the lines of the text mean, and which are refused. */
#define _GNU_SOURCE
#include "process/statelog.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

#include "tests/unit/check.h"
#include "tests/unit/parse_text.h"

/* ---- Descriptors ----------------------------------------------------------------------------- */

static void test_classic(void)
{
	CHECK(parse("3 : /tmp/numbers : 292\n0 : /dev/pts/4 : 0\n") && p.descriptor_count == 2,
	      "classic lines are read");
	CHECK(p.have == HAVE_DESCRIPTORS && p.origin == ORIGIN_TEXT, "they hold descriptors only");
	CHECK(p.descriptors[0].fd == 0 && p.descriptors[1].fd == 3, "descriptors come sorted");
	CHECK(p.descriptors[0].line == 2 && p.descriptors[1].line == 1, "their lines are kept");
	CHECK(file_of(3)->kind == FILE_PATH && !strcmp(file_of(3)->name, "/tmp/numbers") &&
	      file_of(3)->offset == 292, "a file has its path and offset");
	CHECK(!file_of(3)->flags_known, "without flags they are not known");
	CHECK(file_of(0)->kind == FILE_TERMINAL, "a terminal is known by its path");
}

static void test_kinds(void)
{
	static const struct {
		const char *name;
		enum file_kind kind;
	} cases[] = {
		{ "/dev/tty", FILE_TERMINAL }, { "/dev/tty1", FILE_TERMINAL },
		{ "/dev/ttyS0", FILE_TERMINAL }, { "/dev/console", FILE_TERMINAL },
		{ "/dev/pts/12", FILE_TERMINAL }, { "/dev/pts/ptmx", FILE_PATH },
		{ "/dev/pts/", FILE_PATH }, { "/dev/null", FILE_PATH }, { "/dev/tty/x", FILE_PATH },
		{ "out.txt", FILE_PATH }, { "eventfd.log", FILE_PATH }, { "pipe:", FILE_PATH },
		{ "a:b", FILE_PATH }, { "pipe:[77]", FILE_PIPE }, { "socket:[77]", FILE_SOCKET },
		{ "eventfd", FILE_EVENTFD }, { "epoll", FILE_EPOLL }, { "signalfd", FILE_SIGNALFD },
		{ "timerfd", FILE_TIMERFD }, { "inotify", FILE_INOTIFY }, { "pidfd", FILE_PIDFD },
		{ "memfd:a/b", FILE_MEMFD }, { "anon_inode:[bpf-map]", FILE_OTHER },
		{ "net:[4026531840]", FILE_OTHER }, { "\\145ventfd", FILE_PATH },
		{ "pipe:[]", FILE_OTHER }, { "pipe:[x]", FILE_OTHER },
		{ "pipe:[18446744073709551616]", FILE_OTHER },
		{ "\\057dev/tty", FILE_PATH },
	};
	char line[100];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		snprintf(line, sizeof line, "5 : %s : 0", cases[i].name);
		CHECK(parse(line) && file_of(5)->kind == cases[i].kind, "'%s' is of its kind",
		      cases[i].name);
	}
	CHECK(parse("5 : pipe:[0077] : 0") && file_of(5)->pipe_id == 77 &&
	      !strcmp(file_of(5)->name, "pipe:[77]"), "a pipe has its number and one spelling");
	CHECK(parse("5 : eventfd : 18446744073709551614 : O_RDWR|EFD_SEMAPHORE") &&
	      file_of(5)->count == UINT64_MAX - 1 && file_of(5)->semaphore &&
	      file_of(5)->offset == 0 && file_of(5)->flags == O_RDWR,
	      "an eventfd has its count and EFD_SEMAPHORE");
}

static void test_flags(void)
{
	CHECK(parse("1 : f : 0 : O_WRONLY|O_APPEND") && file_of(1)->flags_known &&
	      file_of(1)->flags == (O_WRONLY | O_APPEND), "flags are read");
	CHECK(parse("1 : f : 0 : 1026") && file_of(1)->flags_known &&
	      file_of(1)->flags == (O_RDWR | O_APPEND), "flags may be a number");
	CHECK(parse("1 : f : 0 : O_RDWR|O_CLOEXEC") && file_of(1)->flags == O_RDWR &&
	      p.descriptors[0].close_on_exec, "O_CLOEXEC is the descriptor's");
	CHECK(parse("1 : f : 0 : O_CLOEXEC") && !file_of(1)->flags_known &&
	      p.descriptors[0].close_on_exec, "O_CLOEXEC alone leaves the flags unknown");
	CHECK(parse("1 : f : 0 : deleted") && !file_of(1)->flags_known && file_of(1)->deleted,
	      "so does deleted");
	CHECK(parse("1 : f : 0 : 0") && file_of(1)->flags_known && !file_of(1)->flags,
	      "0 is known to be O_RDONLY");
	CHECK(parse("1 : f : 0 :") && !file_of(1)->flags_known, "an empty field says nothing");
}

static void test_dups(void)
{
	CHECK(parse("0 : f : 7 : O_RDWR|O_CLOEXEC : dup 2\n"
		    "2 : f : 9 : O_RDWR\n"
		    "1 : ? : 1 : O_RDONLY : dup 2\n") && p.descriptor_count == 3,
	      "a dup may stand before what it shares");
	CHECK(p.description_count == 1 && !p.descriptors[0].description &&
	      !p.descriptors[1].description && !p.descriptors[2].description,
	      "all three share one description");
	CHECK(file_of(0)->offset == 9 && file_of(0)->flags == O_RDWR,
	      "the description is that of the line that is no dup");
	CHECK(p.descriptors[0].close_on_exec && !p.descriptors[1].close_on_exec &&
	      !p.descriptors[2].close_on_exec, "close-on-exec is each line's own");
	CHECK(parse("0 : f : 0 :  : dup 1\n1 : f : 0") && p.description_count == 1,
	      "the flags before dup may be empty");
	CHECK(parse("descriptors : none") && p.have == HAVE_DESCRIPTORS && !p.descriptor_count,
	      "a process may have no descriptor at all");
}

static void test_epoll(void)
{
	const struct description *d;

	CHECK(parse("epoll-watch : 4 : 0 : 0x2001 : 0xffffffffffffffff\n"
		    "epoll-watch : 5 : 9 : 19 : 9\n"
		    "4 : epoll : 0 : O_RDWR : dup 5\n"
		    "5 : epoll : 0 : O_RDWR\n"), "watches may stand before their epoll");
	d = file_of(5);
	CHECK(d->watch_count == 2 && d->watches[0].fd == 0 && d->watches[0].events == 0x2001 &&
	      d->watches[0].data == UINT64_MAX && d->watches[1].fd == 9 &&
	      d->watches[1].events == 0x19 && d->watches[1].data == 9,
	      "they belong to the description, in their order");
}

static void test_pipe_data(void)
{
	static const char bytes[] = "a\0 \\:\377b";
	const struct description *d;

	CHECK(parse("pipe-data : 4 : a\\000\\040\\134\\072\n"
		    "4 : pipe:[7] : 0 : O_RDONLY\n5 : pipe:[7] : 0 : O_WRONLY\n"
		    "pipe-data : 4 : \\377b\n"), "a pipe may hold any bytes");
	d = file_of(4);
	CHECK(d->queued_size == sizeof bytes - 1 && !memcmp(d->queued, bytes, sizeof bytes - 1),
	      "which follow one another as their lines do");
	CHECK(!file_of(5)->queued_size, "they belong to the reading end");
	CHECK(parse("3 : socket:[9] : 0 : O_RDWR|hung-up\n4 : socket:[9] : 0 : O_RDWR") &&
	      file_of(3)->hung_up && !file_of(4)->hung_up, "the peer of a socket may be gone");
}

/* ---- Names, comments, fields ----------------------------------------------------------------- */

static void test_fields(void)
{
	CHECK(parse("# one\n  # two\n\n \t\n3 : /a#b : 1 # three\n") && p.descriptor_count == 1 &&
	      !strcmp(file_of(3)->name, "/a#b"), "a comment starts where a word could start");
	CHECK(parse("3\t:\t/a:b :c : 1") && !strcmp(file_of(3)->name, "/a:b :c"),
	      "a colon separates only with blanks on both sides");
	CHECK(parse("  3   :   /a  b   :   1   \r\n") && !strcmp(file_of(3)->name, "/a  b"),
	      "blanks around a field and a carriage return are no part of it");
	CHECK(parse("3 : /a\\040\\072\\040\\134\\012\\377 : 1") &&
	      !strcmp(file_of(3)->name, "/a : \\\n\377"), "escapes are three octal digits");
	CHECK(parse("") && !p.have, "an empty text says nothing");
	CHECK(parse("3 : f : 0x10") && file_of(3)->offset == 16, "an offset may be hexadecimal");
	CHECK(parse("16777216 : f : 0") && p.descriptors[0].fd == 16777216,
	      "the largest descriptor is read");
}

static void test_warnings(void)
{
	CHECK(parse("cwd : /\n  colour : green : a : b : c : d : e : f : g : h\n") &&
	      p.have == HAVE_CWD, "an unknown keyword is no error");
	CHECK_TEXT(warning, "log:2:3: unknown keyword 'colour': the line is ignored",
		   "it is warned of");
	CHECK(parse("map : 1000-2000 : rw-p : 0 : [thing]") && !p.mappings[0].path,
	      "an unknown label is no error");
	CHECK_TEXT(warning, "log:1:30: unknown label [thing]: taken for memory without a file",
		   "it is warned of");
	CHECK(parse("map : 1000-2000 : rw-p : 0 : [anon:x]") && !warning[0],
	      "named anonymous memory is not warned of");
}

/* ---- The other lines ------------------------------------------------------------------------- */

static void test_places(void)
{
	CHECK(parse("cwd : /home/a b\nroot : /\numask : 027\npid : 9 : 0 : 7 : 6\n"
		    "exe : /bin/sh\ncomm : s h\n") &&
	      p.have == (HAVE_CWD | HAVE_ROOT | HAVE_UMASK), "places are read");
	CHECK(!strcmp(p.cwd, "/home/a b") && !strcmp(p.root, "/") && p.umask == 027,
	      "cwd, root and umask are right");
	CHECK(p.pid == 9 && p.ppid == 0 && p.pgrp == 7 && p.sid == 6 && !strcmp(p.exe, "/bin/sh") &&
	      !strcmp(p.comm, "s h"), "so is who it was");
}

static void test_signals(void)
{
	const struct disposition *d = p.dispositions;

	CHECK(parse("sigaction : * : default\n") && p.have == HAVE_DISPOSITIONS &&
	      d[SIGINT].kind == DISPOSITION_DEFAULT, "that all have their default can be said");
	CHECK(parse("sigaction : SIGINT : 0x401136 : SA_RESTART|0x04000000 : 0x2 : 7f00\n"
		    "sigaction : PIPE : ignore\nsigaction : 12 : caught\n"
		    "sigaction : SIGCHLD : default : SA_NOCLDWAIT : 0 : 0\n") &&
	      p.have == HAVE_DISPOSITIONS, "dispositions are read");
	CHECK(d[2].kind == DISPOSITION_HANDLER && d[2].handler == 0x401136 &&
	      d[2].flags == 0x14000000 && d[2].mask == 2 && d[2].restorer == 0x7f00,
	      "a handler has all that belongs to it");
	CHECK(d[13].kind == DISPOSITION_IGNORE && d[12].kind == DISPOSITION_CAUGHT,
	      "ignored and caught are told apart");
	CHECK(d[17].kind == DISPOSITION_DEFAULT && d[17].flags == 2, "a default may have flags");
	CHECK(parse("sigaction : SIGKILL : default"), "SIGKILL has its default");
}

static void test_threads(void)
{
	CHECK(parse("sigaltstack : 12 : 0x7000 : 8192 : SS_DISABLE\n"
		    "thread : 30 : fifteen letters\nthread : 10\n"
		    "sigaltstack : 10 : 8000 : 0x2000 : 0x80000000\n") && p.thread_count == 3,
	      "threads are read, and made for a stack when they have no line");
	CHECK(p.threads[0].tid == 30 && !strcmp(p.threads[0].name, "fifteen letters") &&
	      p.threads[1].tid == 10 && p.threads[2].tid == 12, "they keep their order");
	CHECK(!p.threads[0].altstack.known && p.threads[1].altstack.known &&
	      p.threads[1].altstack.sp == 0x8000 && p.threads[1].altstack.size == 8192 &&
	      p.threads[1].altstack.flags == 0x80000000 &&
	      p.threads[2].altstack.flags == SS_DISABLE, "each has its own stack");
}

static void test_limits(void)
{
	CHECK(parse("rlimit : nofile : 1024 : 4096\nrlimit : stack : 8388608 : unlimited\n") &&
	      p.have == HAVE_LIMITS, "limits are read");
	CHECK(p.limits[RLIMIT_NOFILE].known && p.limits[RLIMIT_NOFILE].soft == 1024 &&
	      p.limits[RLIMIT_NOFILE].hard == 4096 &&
	      p.limits[RLIMIT_STACK].hard == UINT64_MAX && !p.limits[RLIMIT_CPU].known,
	      "they are right");
}

static void test_memory(void)
{
	const struct mapping *m;

	CHECK(parse("map : 7000-9000 : rw-pg : 0 : [stack]\n"
		    "map : 1000-2000 : r-xs : 3000 : /lib/a b.so\n"
		    "map : 0x2000-0x3000 : ---p : 0x0\n"
		    "map : 3000-4000 : rw-s : 0 : /memfd:x : deleted\n"
		    "map : 4000-5000 : r--p : 0 : [vvar_vclock]\n"
		    "brk : 0x5000 : 0x6000\n"
		    "mm : stack 8ff0 : code 1000-2000\n") && p.mapping_count == 5,
	      "mappings are read");
	CHECK(p.have == (HAVE_MAPPING_FLAGS | HAVE_BRK | HAVE_MM), "and brk and mm");
	m = p.mappings;
	CHECK(m[0].start == 0x1000 && m[0].end == 0x2000 && m[0].line == 2 && m[0].shared &&
	      m[0].prot == (PROT_READ | PROT_EXEC) && m[0].prot_known &&
	      m[0].file_offset == 0x3000 && !strcmp(m[0].path, "/lib/a b.so"),
	      "a file's mapping is right");
	CHECK(m[1].start == 0x2000 && !m[1].prot && !m[1].path && !m[1].shared,
	      "so is one without a file");
	CHECK(m[2].deleted && !m[0].deleted, "a deleted file is known");
	CHECK(m[0].bytes == BYTES_FILE && m[1].bytes == BYTES_MISSING &&
	      m[2].bytes == BYTES_MISSING, "only a file that is there has bytes");
	CHECK(m[3].label == LABEL_VVAR && m[4].label == LABEL_STACK && m[4].grows_down &&
	      !m[3].grows_down, "labels and growing down are known");
	CHECK(p.start_brk == 0x5000 && p.brk == 0x6000 && p.mm.start_stack == 0x8ff0 &&
	      p.mm.end_code == 0x2000 && p.mm.arg_start == 0, "brk and mm are right");
}

/* ---- What is refused ------------------------------------------------------------------------- */

static const struct {
	const char *text, *message;
} errors[] = {
	{ "3 : f",
	  "log:1:1: too few fields; the line is 'DESCRIPTOR : FILE : OFFSET [: FLAGS [: dup "
	  "DESCRIPTOR]]', with a blank on both sides of every colon" },
	{ "\n\n 3:f:0",
	  "log:3:2: too few fields; the line is 'DESCRIPTOR : FILE : OFFSET [: FLAGS [: dup "
	  "DESCRIPTOR]]', with a blank on both sides of every colon" },
	{ "cwd : / : /", "log:1:1: too many fields; the line is 'cwd : PATH'" },
	{ " : a", "log:1:2: the line starts with a separator" },
	{ "3 : f : x", "log:1:9: offset: 'x' is not a number" },
	{ "3 : f : -1", "log:1:9: offset: '-1' is not a number" },
	{ "3 : f : 0x", "log:1:9: offset: '0x' is not a number" },
	{ "3 : f : ", "log:1:9: offset is missing" },
	{ "3 : f : 99999999999999999999",
	  "log:1:9: offset: 99999999999999999999 is more than 18446744073709551615" },
	{ "3 : eventfd : 18446744073709551615",
	  "log:1:15: count: 18446744073709551615 is more than 18446744073709551614" },
	{ "3 :  : 0", "log:1:6: file name is missing" },
	{ "-1 : f : 0", "log:1:1: descriptor: '-1' is not a number" },
	{ "3x : f : 0", "log:1:1: descriptor: '3x' is not a number" },
	{ "16777217 : f : 0", "log:1:1: descriptor: 16777217 is more than 16777216" },
	{ "3 : a\\9 : 0",
	  "log:1:6: file name: a backslash starts three octal digits (001 to 377); write a "
	  "backslash as \\134" },
	{ "3 : a\\000 : 0",
	  "log:1:6: file name: a backslash starts three octal digits (001 to 377); write a "
	  "backslash as \\134" },
	{ "3 : a\\400 : 0",
	  "log:1:6: file name: a backslash starts three octal digits (001 to 377); write a "
	  "backslash as \\134" },
	{ "3 : a\\04 : 0",
	  "log:1:6: file name: a backslash starts three octal digits (001 to 377); write a "
	  "backslash as \\134" },
	{ "3 : f : 0 : O_RDWR|O_BIG",
	  "log:1:20: flags: 'O_BIG' is neither a flag (O_RDWR, O_APPEND, ...) nor a number" },
	{ "3 : f : 0 : O_RDWR|",
	  "log:1:20: flags: '' is neither a flag (O_RDWR, O_APPEND, ...) nor a number" },
	{ "3 : f : 0 : EFD_SEMAPHORE", "log:1:13: EFD_SEMAPHORE: the file is no eventfd" },
	{ "3 : f : 0 : hung-up", "log:1:13: hung-up: the file is no socket and no pipe" },
	{ "3 : eventfd : 0\npipe-data : 3 : a",
	  "log:2:13: descriptor 3 is not the reading end of a pipe" },
	{ "3 : pipe:[1] : 0 : O_WRONLY\npipe-data : 3 : a",
	  "log:2:13: descriptor 3 is not the reading end of a pipe" },
	{ "pipe-data : 3 : a", "log:1:13: descriptor 3 stands on no line" },
	{ "3 : pipe:[1] : 0 : O_RDONLY\npipe-data : 3 : a\\400",
	  "log:2:18: bytes: a backslash starts three octal digits (000 to 377); write a backslash "
	  "as \\134" },
	{ "3 : f : 0 : 0 : copy 4", "log:1:17: 'copy 4' is not 'dup DESCRIPTOR'" },
	{ "3 : f : 0 : 0 : dup", "log:1:20: descriptor is missing" },
	{ "3 : f : 0 : 0 : dup 4", "log:1:17: descriptor 4 stands on no line" },
	{ "3 : f : 0 : 0 : dup 3",
	  "log:1:17: descriptor 3 is a dup itself; name the one that it shares its file with" },
	{ "3 : f : 0\n4 : f : 0 : 0 : dup 3\n5 : f : 0 : 0 : dup 4",
	  "log:3:17: descriptor 4 is a dup itself; name the one that it shares its file with" },
	{ "3 : f : 0\n4 : f : 0\n3 : g : 0", "log:3:1: descriptor 3 stands on line 1 already" },
	{ "3 : f : 0\nepoll-watch : 3 : 0 : 1 : 0", "log:2:15: descriptor 3 is no epoll" },
	{ "epoll-watch : 3 : 0 : 1 : 0", "log:1:15: descriptor 3 stands on no line" },
	{ "descriptors : some", "log:1:15: 'some' is not 'none'" },
	{ "cwd : /\ncwd : /", "log:2:1: cwd has a line already" },
	{ "umask : 8", "log:1:9: umask: '8' is not an octal number" },
	{ "umask : 1000", "log:1:9: umask: 1000 is more than 0777" },
	{ "comm : sixteen letters.",
	  "log:1:8: name: 'sixteen letters.' is longer than 15 characters" },
	{ "pid : 0 : 1 : 1 : 1", "log:1:7: pid: no process has 0" },
	{ "pid : 1 : 1 : 1 : 4194305", "log:1:19: session: 4194305 is more than 4194304" },
	{ "rlimit : fish : 1 : 2", "log:1:10: 'fish' is no limit (nofile, stack, ...)" },
	{ "rlimit : core : 2 : 1", "log:1:17: limit: 2 is more than the hard limit" },
	{ "rlimit : core : 1 : 1\nrlimit : core : 1 : 1",
	  "log:2:10: limit core has a line already" },
	{ "sigaction : SIGFISH : ignore",
	  "log:1:13: 'SIGFISH' is no signal (SIGINT, SIGRTMIN+3, 10, ...)" },
	{ "sigaction : 65 : ignore", "log:1:13: '65' is no signal (SIGINT, SIGRTMIN+3, 10, ...)" },
	{ "sigaction : * : ignore",
	  "log:1:13: only 'sigaction : * : default' may say something of all signals" },
	{ "sigaction : SIGKILL : ignore", "log:1:13: SIGKILL can only have its default" },
	{ "sigaction : SIGINT : ignore\nsigaction : 2 : ignore",
	  "log:2:13: signal 2 has a line already" },
	{ "sigaction : SIGINT : 0x1000",
	  "log:1:22: a handler needs all of 'sigaction : SIGNAL : HANDLER : FLAGS : MASK : "
	  "RESTORER'" },
	{ "sigaction : SIGINT : 1 : 0 : 0 : 0",
	  "log:1:22: handler: write 'default' for 0 and 'ignore' for 1" },
	{ "sigaction : SIGINT : 2 : SA_FISH : 0 : 0",
	  "log:1:26: flags: 'SA_FISH' are neither flags (SA_RESTART, ...) nor a number" },
	{ "thread : 0", "log:1:10: thread id: no thread has 0" },
	{ "thread : 1 : sixteen letters.",
	  "log:1:14: name: 'sixteen letters.' is longer than 15 characters" },
	{ "thread : 1\nthread : 1", "log:2:10: thread 1 stands on line 1 already" },
	{ "sigaltstack : 1 : 0 : 0 : 0\nsigaltstack : 1 : 0 : 0 : 0",
	  "log:2:15: the stack of thread 1 stands on line 1 already" },
	{ "sigaltstack : 1 : 0 : 0 : ON",
	  "log:1:27: flags: 'ON' is neither SS_DISABLE, SS_AUTODISARM nor a number" },
	{ "map : 1000 : rw-p : 0", "log:1:7: range: '1000' is not a range START-END" },
	{ "map : 2000-1000 : rw-p : 0", "log:1:7: range: '2000-1000' ends before it starts" },
	{ "map : 1000-1000 : rw-p : 0",
	  "log:1:7: range: '1000-1000' is not made of whole pages of 4096 bytes" },
	{ "map : 1000-2800 : rw-p : 0",
	  "log:1:7: range: '1000-2800' is not made of whole pages of 4096 bytes" },
	{ "map : 1000-800000001000 : rw-p : 0",
	  "log:1:12: range: 800000001000 is more than 0x800000000000" },
	{ "map : 1000-2000 : rwp : 0",
	  "log:1:19: protection: 'rwp' is not like rw-p (private), r-xs (shared) or rw-pg "
	  "(grows down)" },
	{ "map : 1000-2000 : wr-p : 0",
	  "log:1:19: protection: 'wr-p' is not like rw-p (private), r-xs (shared) or rw-pg "
	  "(grows down)" },
	{ "map : 1000-2000 : rw-p : 10 : /f",
	  "log:1:26: offset: 10 is no place in a file where a page can begin" },
	{ "map : 1000-3000 : rw-p : fffffffffffff000 : /f",
	  "log:1:26: offset: fffffffffffff000 is no place in a file where a page can begin" },
	{ "map : 1000-2000 : rw-p : 0 : /f : gone",
	  "log:1:35: only 'deleted' may stand here, behind the path of a file" },
	{ "map : 1000-2000 : rw-p : 0 : [heap] : deleted",
	  "log:1:39: only 'deleted' may stand here, behind the path of a file" },
	{ "map : 3000-5000 : rw-p : 0\nmap : 1000-4000 : rw-p : 0",
	  "log:2:1: the range overlaps that of line 1" },
	{ "brk : 2000 : 1000", "log:1:14: brk: '1000' is below its start" },
	{ "mm : cod 1-2", "log:1:6: 'cod' is none of code, data, stack, arg and env" },
	{ "mm : code 1-2 : code 1-2", "log:1:17: 'code' stands twice" },
	{ "mm : code 2-1", "log:1:11: code: '2-1' ends before it starts" },
	{ "mm : stack 800000000001", "log:1:12: stack: 800000000001 is more than 0x800000000000" },
	{ "cwd : \033[2J\n", NULL },
	{ "umask : \033[2J\n", "log:1:9: umask: '?[2J' is not an octal number" },
};

static void test_errors(void)
{
	static const char nul[] = "cwd : /\numask\0 : 0";
	char text[300], message[200];

	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
		const char *want = errors[i].message;
		bool good = parse(errors[i].text);

		if (!want)
			CHECK(good, "'%s' is accepted", "an odd name");
		else
			CHECK_TEXT(good ? "accepted" : err.message, want, want);
	}
	process_free(&p);
	CHECK(statelog_parse(&p, "log", nul, sizeof nul - 1, NULL, NULL, &err) != 0,
	      "a NUL byte is refused");
	CHECK_TEXT(err.message, "log:2:6: a NUL byte: this is no text", "with its place");
	memset(text, 'q', sizeof text);
	memcpy(text, "umask : ", 8);
	text[sizeof text - 1] = '\0';
	snprintf(message, sizeof message, "log:1:9: umask: '%.60s...' is not an octal number",
		 text + 8);
	CHECK(!parse(text), "a long wrong number is refused");
	CHECK_TEXT(err.message, message, "and cut in the message");
}

/* Quadratic time would be minutes. */
static void test_large(void)
{
	enum { LINES = 60000 };
	size_t room = 16 << 20, len = 0;
	char *text = malloc(room);
	struct timespec from, to;

	for (int i = LINES; i > 0; i--)
		len += (size_t)snprintf(text + len, room - len,
			"%d : /a/path/of/some/length/%d : 0 : O_RDWR|O_APPEND\n"
			"%d : ? : 0 : O_RDWR : dup %d\n"
			"thread : %d : worker\nsigaltstack : %d : 0x1000 : 8192 : 0\n"
			"map : %x-%x : rw-p : 0 : /some/other/path\n", i, i, LINES + i, i, i, i,
			i * 8192, i * 8192 + 4096);
	process_free(&p);
	clock_gettime(CLOCK_MONOTONIC, &from);
	CHECK(statelog_parse(&p, "log", text, len, NULL, NULL, &err) == 0 &&
	      p.descriptor_count == 2 * LINES && p.mapping_count == LINES &&
	      p.thread_count == LINES, "a text of 10 MB is read");
	clock_gettime(CLOCK_MONOTONIC, &to);
	CHECK(to.tv_sec - from.tv_sec < 10, "in seconds at most");
	free(text);
}

static void test_file(void)
{
	process_free(&p);
	CHECK(statelog_read(&p, "/no/such/file", NULL, NULL, &err) != 0,
	      "a file that is not there is an error");
	CHECK_TEXT(err.message, "/no/such/file: No such file or directory", "which names it");
}

int main(void)
{
	process_init(&p);
	test_classic();
	test_kinds();
	test_flags();
	test_dups();
	test_epoll();
	test_pipe_data();
	test_fields();
	test_warnings();
	test_places();
	test_signals();
	test_threads();
	test_limits();
	test_memory();
	test_errors();
	test_large();
	test_file();
	process_free(&p);
	return CHECK_DONE();
}
