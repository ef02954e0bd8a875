/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* process/statelog: the lines that say more of an open file, and which of them are refused. */
#define _GNU_SOURCE
#include "process/statelog.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/timerfd.h>

#include "tests/unit/check.h"
#include "tests/unit/parse_text.h"

static void test_pipes(void)
{
	const struct description *d;

	CHECK(parse("pipe : 4 : 8192\npipe-packet : 4 : ab\npipe-packet : 4 : \\000\n"
		    "4 : pipe:[7] : 0 : O_RDONLY|hung-up"), "a pipe may hold packets");
	d = file_of(4);
	CHECK(d->pipe_size == 8192 && d->hung_up, "has a size, and nobody at its other end");
	CHECK(d->packet_count == 2 && d->packets[0] == 2 && d->packets[1] == 1 &&
	      d->queued_size == 3 && !memcmp(d->queued, "ab", 3), "the packets keep their sizes");
	CHECK(parse("4 : /tmp/fifo : 0 : O_RDWR\npipe-data : 4 : x") &&
		      file_of(4)->queued_size == 1,
	      "a fifo holds bytes too");
}

static void test_special(void)
{
	const struct timerfd *t;

	CHECK(parse("5 : signalfd : 0 : O_RDWR\nsignalfd : 5 : 0x8000000000000001") &&
	      file_of(5)->mask_known && file_of(5)->mask == 0x8000000000000001,
	      "a signalfd has its mask");
	CHECK(parse("timerfd : 5 : CLOCK_REALTIME : 3 : 12.5 : 0.000000001 : "
		    "TFD_TIMER_ABSTIME|TFD_TIMER_CANCEL_ON_SET\n5 : timerfd : 0 : O_RDWR"),
	      "a timerfd has all of its state");
	t = file_of(5)->timer;
	CHECK(t && t->clock == CLOCK_REALTIME && t->ticks == 3 && t->value.tv_sec == 12 &&
		      t->value.tv_nsec == 500000000 && t->interval.tv_sec == 0 &&
		      t->interval.tv_nsec == 1 &&
		      t->flags == (TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET),
	      "to the nanosecond");
	CHECK(parse("5 : timerfd : 0\ntimerfd : 5 : CLOCK_BOOTTIME : 0 : 7 : 0 : 0") &&
	      file_of(5)->timer->value.tv_sec == 7 && !file_of(5)->timer->flags,
	      "a time may have no decimals");
	CHECK(parse("5 : pidfd : 0 : O_RDWR\npidfd : 5 : 4242") && file_of(5)->pid == 4242,
	      "a pidfd has its process");
}

static void test_contents(void)
{
	const struct nameless *n;

	CHECK(parse("contents : 0:1:77 : 0 : aGVs\n"
		    "nameless : 00:01:77 : memfd : a \\072 b : 10 : 777 : "
		    "F_SEAL_GROW|F_SEAL_WRITE\n"
		    "3 : memfd:a : 4 : O_RDWR\nstat : 3 : 0:1:77 : 10 : 5.25\n"
		    "contents : 0:1:77 : 5 : bG8="), "a file without a name has contents");
	CHECK(file_of(3)->stamp.known && file_of(3)->stamp.size == 10 &&
		      file_of(3)->stamp.modified.tv_nsec == 250000000,
	      "a descriptor tells which file it is of");
	n = process_nameless(&p, file_of(3)->stamp.id);
	CHECK(n && n->memfd && n->saved && !strcmp(n->name, "a : b") && n->size == 10 &&
		      n->mode == 0777 && n->seals == (F_SEAL_GROW | F_SEAL_WRITE),
	      "that is found by its id");
	CHECK(n && n->extent_count == 2 && n->extents[0].size == 3 &&
	      !memcmp(n->extents[0].bytes, "hel", 3) && n->extents[1].offset == 5 &&
	      n->extents[1].size == 2 && !memcmp(n->extents[1].bytes, "lo", 2),
	      "with the bytes in their places");
	CHECK(parse("nameless : fe:0:1 : file : /tmp/x : 99 : 600 : 0 : not-saved") &&
	      p.nameless_count == 1 && !p.nameless[0].saved && !p.nameless[0].memfd,
	      "or without any");
}

static void test_watches(void)
{
	const struct description *d;

	CHECK(parse("epoll-watch : 5 : 7 : 80000001 : 9 : seen\n5 : epoll : 0 : O_RDWR\n"
		    "epoll-watch : 5 : 8 : 1 : 9 : seen|through 3\nepoll-watch : 5 : 8 : 1 : 9"),
	      "a watch may say more");
	d = file_of(5);
	CHECK(d->watch_count == 3 && d->watches[0].seen && d->watches[0].through == 7 &&
	      d->watches[1].seen && d->watches[1].through == 3 && !d->watches[2].seen &&
	      d->watches[2].through == 8, "that it was seen, and where its file is now");
	CHECK(parse("6 : inotify : 32 : O_RDONLY\ninotify-watch : 6 : 4 : 0x2\n"
		    "inotify-watch : 6 : 2 : 100 : /a \\072 b"), "an inotify has watches");
	d = file_of(6);
	CHECK(d->offset == 32 && d->notice_count == 2 && d->notices[0].wd == 2 &&
	      d->notices[0].mask == 0x100 && !strcmp(d->notices[0].path, "/a : b") &&
	      d->notices[1].wd == 4 && !d->notices[1].path, "sorted, some without a path");
}

static void test_locks(void)
{
	const struct file_lock *l;

	CHECK(parse("lock : 3 : posix : write : 10 : 14\n3 : /f : 0 : O_RDWR\n"
		    "lock : 3 : flock : read : 0 : EOF\nowner : 3 : group : 77 : SIGUSR1"),
	      "a file may be locked");
	l = file_of(3)->locks;
	CHECK(file_of(3)->lock_count == 2 && l[0].kind == LOCK_POSIX && l[0].exclusive &&
	      l[0].start == 10 && l[0].end == 14 && l[1].kind == LOCK_FLOCK && !l[1].exclusive &&
	      l[1].end == UINT64_MAX, "twice");
	CHECK(file_of(3)->owner.kind == OWNER_GROUP && file_of(3)->owner.id == 77 &&
	      file_of(3)->owner.signal == SIGUSR1, "and have an owner");
}

static void test_errors(void)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "pipe : 4 : 4096", "log:1:8: descriptor 4 stands on no line" },
		{ "4 : eventfd : 0\npipe : 4 : 4096", "log:2:8: descriptor 4 is no pipe" },
		{ "4 : pipe:[1] : 0\npipe : 4 : 0", "log:2:12: size: no pipe holds 0 bytes" },
		{ "4 : pipe:[1] : 0\npipe : 4 : 2147483648",
		  "log:2:12: size: 2147483648 is more than 2147483647" },
		{ "4 : pipe:[1] : 0\npipe : 4 : 1\npipe : 4 : 1",
		  "log:3:8: pipe 4 has a size already" },
		{ "4 : pipe:[1] : 0 : O_WRONLY\npipe-packet : 4 : x",
		  "log:2:15: descriptor 4 is not the reading end of a pipe" },
		{ "4 : pipe:[1] : 0\npipe-packet : 4 : x\npipe-data : 4 : y",
		  "log:3:13: the pipe of descriptor 4 holds packets" },
		{ "4 : pipe:[1] : 0\npipe-data : 4 : y\npipe-packet : 4 : x",
		  "log:3:15: the pipe of descriptor 4 holds no packets" },
		{ "4 : pipe:[1] : 0\npipe-packet : 4 : ",
		  "log:2:19: bytes: a packet has 1 to 4096 bytes, not 0" },
		{ "4 : epoll : 0\nsignalfd : 4 : 1", "log:2:12: descriptor 4 is no signalfd" },
		{ "4 : signalfd : 0\nsignalfd : 4 : 1\nsignalfd : 4 : 2",
		  "log:3:12: signalfd 4 has a line already" },
		{ "4 : signalfd : 0\nsignalfd : 4 : 10000000000000000",
		  "log:2:16: mask: 10000000000000000 is more than 0xffffffffffffffff" },
		{ "4 : timerfd : 0\ntimerfd : 4 : CLOCK_TAI : 0 : 0 : 0 : 0",
		  "log:2:15: 'CLOCK_TAI' is no clock of timerfd_create (CLOCK_MONOTONIC, ...)" },
		{ "4 : timerfd : 0\ntimerfd : 4 : CLOCK_MONOTONIC : 0 : 1.0000000001 : 0 : 0",
		  "log:2:39: value: '0000000001' are not at most nine decimals" },
		{ "4 : timerfd : 0\ntimerfd : 4 : CLOCK_MONOTONIC : 0 : -1 : 0 : 0",
		  "log:2:37: value: '-1' is not a number" },
		{ "4 : timerfd : 0\ntimerfd : 4 : CLOCK_MONOTONIC : 0 : 0 : 0 : 0|7",
		  "log:2:47: flags: '7' is no flag of timerfd_settime" },
		{ "4 : pipe:[1] : 0\ntimerfd : 4 : CLOCK_MONOTONIC : 0 : 0 : 0 : 0",
		  "log:2:11: descriptor 4 is no timerfd" },
		{ "4 : pidfd : 0\npidfd : 4 : 4194305",
		  "log:2:13: process: 4194305 is more than 4194304" },
		{ "4 : epoll : 0\npidfd : 4 : 1", "log:2:9: descriptor 4 is no pidfd" },
		{ "4 : f : 0\nstat : 4 : 1:2 : 0 : 0", "log:2:15: inode is missing" },
		{ "4 : f : 0\nstat : 4 : 1000:2:3 : 0 : 0",
		  "log:2:12: device: 1000 is more than 0xfff" },
		{ "4 : epoll : 0\nstat : 4 : 1:2:3 : 0 : 0",
		  "log:2:8: descriptor 4 is no regular file" },
		{ "4 : f : 0\nstat : 4 : 1:2:3 : 9223372036854775808 : 0",
		  "log:2:20: size: 9223372036854775808 is more than 9223372036854775807" },
		{ "nameless : 1:2:3 : pipe : x : 0 : 600 : 0",
		  "log:1:20: 'pipe' is neither 'memfd' nor 'file'" },
		{ "nameless : 1:2:3 : memfd : x : 0 : 600 : F_SEAL_X",
		  "log:1:42: seals: 'F_SEAL_X' is no seal of a memfd" },
		{ "nameless : 1:2:3 : memfd : x : 0 : 600 : 0 : what",
		  "log:1:46: 'what' is not 'not-saved'" },
		{ "nameless : 1:2:3 : memfd : x : 0 : 600 : 0\n"
		  "nameless : 1:2:3 : memfd : x : 0 : 600 : 0",
		  "log: the file without a name 01:02:3 has two lines" },
		{ "contents : 1:2:3 : 0 : aGVs",
		  "log:1:12: there is no file without a name of this id" },
		{ "nameless : 1:2:3 : memfd : x : 2 : 600 : 0\ncontents : 1:2:3 : 0 : aGVs",
		  "log:2:12: the contents reach beyond the file's 2 bytes" },
		{ "nameless : 1:2:3 : memfd : x : 4 : 600 : 0\n"
		  "contents : 1:2:3 : 9223372036854775807 : aGVs",
		  "log:2:12: the contents reach beyond the file's 4 bytes" },
		{ "nameless : 1:2:3 : memfd : x : 9 : 600 : 0\ncontents : 1:2:3 : 4 : aGVs\n"
		  "contents : 1:2:3 : 6 : aGVs",
		  "log:3:12: the contents at 6 must follow those before" },
		{ "contents : 1:2:3 : 0 : aGV",
		  "log:1:24: contents: base64 comes in groups of four characters" },
		{ "contents : 1:2:3 : 0 : aG!s", "log:1:26: contents: '!' is no base64" },
		{ "contents : 1:2:3 : 0 : a===", "log:1:25: contents: '=' is no base64" },
		{ "4 : f : 0\nlock : 4 : mine : read : 0 : 0",
		  "log:2:12: 'mine' is none of the words that may stand here" },
		{ "4 : f : 0\nlock : 4 : ofd : read : 5 : 4",
		  "log:2:29: end: the lock ends before it starts" },
		{ "4 : epoll : 0\nlock : 4 : ofd : read : 5 : 5",
		  "log:2:8: descriptor 4 is no file" },
		{ "4 : f : 0\nowner : 4 : process : 1 : SIGNONE",
		  "log:2:27: 'SIGNONE' is no signal" },
		{ "4 : epoll : 0\nepoll-watch : 4 : 3 : 1 : 1 : unseen",
		  "log:2:31: 'unseen' is neither 'seen' nor 'through DESCRIPTOR'" },
		{ "4 : epoll : 0\nepoll-watch : 4 : 3 : 1 : 1 : through x",
		  "log:2:39: descriptor: 'x' is not a number" },
		{ "4 : epoll : 0\ninotify-watch : 4 : 1 : 1",
		  "log:2:17: descriptor 4 is no inotify" },
		{ "4 : inotify : 0\ninotify-watch : 4 : 0 : 1",
		  "log:2:21: watch: no watch has the number 0" },
		{ "4 : inotify : 0\ninotify-watch : 4 : 1 : 1 : /a\ninotify-watch : 4 : 1 : 1 : /b",
		  "log:3:1: watch 1 of this inotify stands on line 2 already" },
		{ "pidfd : x : 1", "log:1:9: descriptor: 'x' is not a number" },
		{ "timerfd : 4 : CLOCK_MONOTONIC",
		  "log:1:1: too few fields; the line is 'timerfd "
		  ": DESCRIPTOR : CLOCK : TICKS : VALUE : INTERVAL : FLAGS', with a blank on both "
		  "sides of every colon" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CHECK(!parse(cases[i].text), "line %zu is refused", i);
		CHECK_TEXT(err.message, cases[i].message, "with what is wrong and where");
	}
}

int main(void)
{
	process_init(&p);
	test_pipes();
	test_special();
	test_contents();
	test_watches();
	test_locks();
	test_errors();
	process_free(&p);
	return CHECK_DONE();
}
