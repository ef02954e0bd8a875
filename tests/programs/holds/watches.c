/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* epoll and inotify. */
#define _GNU_SOURCE
#include "holds.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

static void watch(int epoll, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event event = { .events = events, .data.u64 = data };

	NEED(epoll >= 0 && fd >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
}

/* The data of the one event that there is; 0 when there is none, UINT64_MAX for several. */
static uint64_t reported(int epoll)
{
	struct epoll_event events[8];
	int n = epoll_wait(epoll, events, 8, 0);

	return n == 0 ? 0 : n == 1 ? events[0].data.u64 : UINT64_MAX;
}

/* ---- User data, and readiness ---- */

static int plain, plain_counter, plain_idle;

static void plain_set_up(void)
{
	plain = epoll_create1(EPOLL_CLOEXEC);
	plain_counter = eventfd(1, 0);
	plain_idle = eventfd(0, 0);
	watch(plain, plain_counter, EPOLLIN, 0xfedcba9876543210);
	watch(plain, plain_idle, EPOLLIN, 7);
}

static const char *plain_check(void)
{
	EXPECT(reported(plain) == 0xfedcba9876543210 && reported(plain) == 0xfedcba9876543210);
	EXPECT(eventfd_write(plain_idle, 1) == 0 && reported(plain) == UINT64_MAX);
	EXPECT(epoll_ctl(plain, EPOLL_CTL_DEL, plain_counter, NULL) == 0 && reported(plain) == 7);
	EXPECT(fcntl(plain, F_GETFD) == FD_CLOEXEC);
	return NULL;
}

/* ---- Nested ---- */

static int outer, inner, inner_counter;

static void nested_set_up(void)
{
	inner = epoll_create1(0);
	outer = epoll_create1(0);
	inner_counter = eventfd(0, EFD_NONBLOCK);
	watch(inner, inner_counter, EPOLLIN, 3);
	watch(outer, inner, EPOLLIN, 4);
}

static const char *nested_check(void)
{
	EXPECT(reported(outer) == 0);
	EXPECT(eventfd_write(inner_counter, 1) == 0 && reported(outer) == 4 &&
	       reported(inner) == 3);
	return NULL;
}

/* ---- Once ---- */

static int once, once_pipe[2], once_armed[2];

static void once_set_up(void)
{
	once = epoll_create1(0);
	NEED(pipe(once_pipe) == 0 && pipe(once_armed) == 0);
	watch(once, once_pipe[0], EPOLLIN | EPOLLONESHOT, 5);
	NEED(write(once_pipe[1], "x", 1) == 1 && reported(once) == 5 && reported(once) == 0);
	watch(once, once_armed[0], EPOLLIN | EPOLLONESHOT, 6);
}

static const char *once_check(void)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLONESHOT, .data.u64 = 8 };

	EXPECT(reported(once) == 0);
	EXPECT(write(once_armed[1], "y", 1) == 1 && reported(once) == 6 && reported(once) == 0);
	EXPECT(epoll_ctl(once, EPOLL_CTL_MOD, once_pipe[0], &event) == 0);
	EXPECT(reported(once) == 8 && reported(once) == 0);
	return NULL;
}

static int hung, hung_pipe;

/* What is reported even when nothing was asked for, and has been. */
static void hung_set_up(void)
{
	int ends[2];

	hung = epoll_create1(0);
	NEED(pipe(ends) == 0 && close(ends[1]) == 0);
	hung_pipe = ends[0];
	watch(hung, hung_pipe, EPOLLIN | EPOLLONESHOT, 9);
	NEED(reported(hung) == 9 && reported(hung) == 0);
}

static const char *hung_check(void)
{
	EXPECT(reported(hung) == 0);
	return NULL;
}

/* ---- Edges ---- */

static int edge, edge_seen[2], edge_new, edge_new_pipe[2];

static void edge_set_up(void)
{
	edge = epoll_create1(0);
	edge_new = epoll_create1(0);
	NEED(pipe(edge_seen) == 0 && pipe(edge_new_pipe) == 0);
	watch(edge, edge_seen[0], EPOLLIN | EPOLLET, 10);
	NEED(write(edge_seen[1], "unread", 6) == 6 && reported(edge) == 10 && reported(edge) == 0);
	watch(edge_new, edge_new_pipe[0], EPOLLIN | EPOLLET, 11);
	NEED(write(edge_new_pipe[1], "news", 4) == 4);
}

static const char *edge_check(void)
{
	EXPECT(reported(edge) == 0);
	EXPECT(write(edge_seen[1], "more", 4) == 4 && reported(edge) == 10 && reported(edge) == 0);
	EXPECT(reported(edge_new) == 11 && reported(edge_new) == 0);
	return NULL;
}

/* ---- Watched files that have other numbers now ---- */

static int moved, moved_counter, moved_number, reused, reused_number, reused_counter;

static void moved_set_up(void)
{
	int first = eventfd(0, 0), second = eventfd(0, 0);

	moved = epoll_create1(0);
	watch(moved, first, EPOLLIN, 12);
	moved_counter = fcntl(first, F_DUPFD, 0);
	moved_number = first;
	NEED(moved_counter >= 0 && close(first) == 0);
	NEED(fcntl(moved, F_DUPFD, 0) == first && close(first) == 0);  /* the number is free */

	reused = epoll_create1(0);
	NEED(fcntl(second, F_DUPFD, 800) >= 800 && close(second) == 0);
	reused_number = 801;
	NEED(fcntl(800, F_DUPFD, reused_number) == reused_number);
	watch(reused, reused_number, EPOLLIN, 13);
	NEED(close(reused_number) == 0);
	reused_counter = fcntl(moved_counter, F_DUPFD, reused_number);
	NEED(reused_counter == reused_number);
	watch(reused, reused_number, EPOLLIN, 14);
}

static const char *moved_check(void)
{
	uint64_t n;

	EXPECT(reported(moved) == 0 && reported(reused) == 0);
	EXPECT(eventfd_write(moved_counter, 1) == 0 && reported(moved) == 12 &&
	       reported(reused) == 14);
	EXPECT(eventfd_read(moved_counter, &n) == 0 && reported(moved) == 0);
	EXPECT(eventfd_write(800, 1) == 0 && reported(reused) == 13);
	return NULL;
}

/* ---- inotify ---- */

static int notify, folder_watch, file_watch;

static void notify_set_up(void)
{
	int fd = open("holds.watched-file", O_WRONLY | O_CREAT, 0600), gone;

	NEED(mkdir("holds.watched", 0700) == 0 && fd >= 0 && close(fd) == 0);
	notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	gone = inotify_add_watch(notify, "/", IN_DELETE_SELF);
	NEED(gone == 1);
	folder_watch =
		inotify_add_watch(notify, "holds.watched", IN_CREATE | IN_DELETE | IN_ONLYDIR);
	NEED(inotify_add_watch(notify, "/dev", IN_DELETE_SELF) == 3);
	file_watch = inotify_add_watch(notify, "holds.watched-file", IN_MODIFY | IN_ONESHOT);
	NEED(folder_watch == 2 && file_watch == 4);
	/* Their ends are events, and are read. */
	char events[64];

	NEED(inotify_rm_watch(notify, 1) == 0 && inotify_rm_watch(notify, 3) == 0);
	NEED(read(notify, events, sizeof events) == 2 * sizeof(struct inotify_event));
}

static const char *notify_check(void)
{
	union { struct inotify_event event; char bytes[256]; } got;
	int fd;

	EXPECT(read(notify, &got, sizeof got) == -1 && errno == EAGAIN);
	EXPECT(mkdir("holds.watched/new", 0700) == 0);
	EXPECT(read(notify, &got, sizeof got) > 0 && got.event.wd == folder_watch);
	EXPECT(got.event.mask == (IN_CREATE | IN_ISDIR) && strcmp(got.event.name, "new") == 0);
	fd = open("holds.watched-file", O_WRONLY);
	EXPECT(fd >= 0 && write(fd, "x", 1) == 1 && close(fd) == 0);
	EXPECT(read(notify, &got, sizeof got) > 0 && got.event.wd == file_watch);
	EXPECT(got.event.mask == IN_MODIFY);
	EXPECT(inotify_add_watch(notify, "/tmp", IN_DELETE_SELF) == 5);
	EXPECT(fcntl(notify, F_GETFD) == FD_CLOEXEC);
	return NULL;
}

/* ---- A tree of watches ---- */

enum { DEEP = 40 };
static int tree;
static char deep[64 + 4 * DEEP] = "holds.tree";

static void tree_set_up(void)
{
	tree = inotify_init1(IN_NONBLOCK);
	for (int i = 1; i <= DEEP; i++) {
		NEED(mkdir(deep, 0700) == 0);
		NEED(inotify_add_watch(tree, deep, IN_CREATE | IN_ONLYDIR) == i);
		strcat(deep, "/sub");
	}
	/* Making each subdirectory was an event. */
	char events[DEEP * 32];

	NEED(read(tree, events, sizeof events) == (DEEP - 1) * 32);
}

static const char *tree_check(void)
{
	union { struct inotify_event event; char bytes[256]; } got;

	EXPECT(mkdir(deep, 0700) == 0 && read(tree, &got, sizeof got) == 32 &&
	       got.event.wd == DEEP);
	EXPECT(mkdir("holds.tree/other", 0700) == 0 && read(tree, &got, sizeof got) == 32);
	EXPECT(got.event.wd == 1 && strcmp(got.event.name, "other") == 0);
	return NULL;
}

static int silent;

static void silent_set_up(void)
{
	silent = inotify_init1(0);
	NEED(silent >= 0);
}

static const char *silent_check(void)
{
	EXPECT(fcntl(silent, F_GETFL) == O_RDONLY);
	EXPECT(inotify_add_watch(silent, "/etc", IN_DELETE_SELF) == 1);
	return NULL;
}

const struct hold watch_holds[] = {
	{ "epoll", "an epoll reports what is ready, with its data", plain_set_up, plain_check, 0 },
	{ "epoll-nested", "an epoll in an epoll is one", nested_set_up, nested_check, 0 },
	{ "epoll-once", "a watch that has gone off is silent, another waits", once_set_up,
	  once_check, 0 },
	{ "epoll-hung", "an end that was reported once is not again", hung_set_up, hung_check, 0 },
	{ "epoll-edge", "edges that were seen are not reported again, others are", edge_set_up,
	  edge_check,
	  0 },
	{ "epoll-moved", "watches follow their files, whatever number they have", moved_set_up,
	  moved_check,
	  0 },
	{ "inotify", "an inotify watches on, with its numbers", notify_set_up, notify_check, 0 },
	{ "inotify-tree", "a tree of directories is watched on", tree_set_up, tree_check, 0 },
	{ "inotify-empty", "an inotify may watch nothing", silent_set_up, silent_check, 0 },
	{ 0 },
};
