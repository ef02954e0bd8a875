/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Invariant: as restart_calls.c, for calls that wait for a descriptor.  Those on standard input
 * find data there after the restart, or a connection; the others work within the process.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/programs/restart_victim.h"

static struct timespec until;
static int ends[2];
static sigset_t none, usr1;

static double since(const struct timespec *then)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - then->tv_sec) + (double)(now.tv_nsec - then->tv_nsec) / 1e9;
}

static bool reads_x(int fd) { char c; return read(fd, &c, 1) == 1 && c == 'x'; }
static void by_write(void) { CHECK(write(ends[1], "x", 1) == 1); }

static bool in_read(void) { return reads_x(0); }
static bool in_poll(void)
{
	struct pollfd fd = { .fd = 0, .events = POLLIN };

	return poll(&fd, 1, -1) == 1 && fd.revents == POLLIN && reads_x(0);
}
static bool in_ppoll(void)
{
	struct pollfd fd = { .fd = 0, .events = POLLIN };

	return ppoll(&fd, 1, &(struct timespec){ 10, 0 }, &none) == 1 && reads_x(0);
}
static bool in_select(void)
{
	fd_set fds = { { 1 } };

	return select(1, &fds, NULL, NULL, NULL) == 1 && FD_ISSET(0, &fds) && reads_x(0);
}
static bool in_pselect(void)
{
	fd_set fds = { { 1 } };

	return pselect(1, &fds, NULL, NULL, NULL, &none) == 1 && FD_ISSET(0, &fds) && reads_x(0);
}
static bool in_pipe(void) { return pipe(ends) == 0 && reads_x(ends[0]); }
static void by_event(void) { CHECK(eventfd_write(ends[1], 5) == 0); }
static bool in_epoll(void)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = 77 };
	int epoll = epoll_create1(0);
	eventfd_t value;

	ends[1] = eventfd(0, 0);
	CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, ends[1], &event) == 0);
	event.data.u64 = 0;
	return epoll_wait(epoll, &event, 1, 10000) == 1 && event.data.u64 == 77 &&
	       eventfd_read(ends[1], &value) == 0 && value == 5;
}
/* The lock of another open of the file is in the way, after the restart too. */
static bool in_lock(void)
{
	struct flock lock = { .l_type = F_WRLCK };
	int fd = open("locked", O_RDWR | O_CREAT, 0600);

	ends[1] = open("locked", O_RDWR);
	CHECK(fcntl(ends[1], F_OFD_SETLK, &lock) == 0);
	return fcntl(fd, F_SETLKW, &lock) == 0;
}
static void by_unlock(void)
{
	struct flock lock = { .l_type = F_UNLCK };

	CHECK(fcntl(ends[1], F_OFD_SETLK, &lock) == 0);
}
/* Children do not come back: the wait ends because there is none. */
static bool in_waitpid(void)
{
	pid_t child = fork();

	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pause();
		_exit(1);
	}
	return waitpid(child, NULL, 0) < 0 && errno == ECHILD;
}
/* Standard input is a socket, after the restart too. */
static bool in_recv(void) { char c; return recv(0, &c, 1, 0) == 1 && c == 'x'; }
static bool in_timed_recv(void)
{
	struct timeval time = { .tv_sec = 10 };

	return setsockopt(0, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time) == 0 && in_recv();
}
static bool in_accept(void) { return listen(0, 1) == 0 && accept(0, NULL, NULL) > 0; }

static const struct call {
	const char *name;
	long number;
	bool (*wait)(void);
	void (*end)(void);  /* NULL: the test sees to it */
} calls[] = {
	{ "read", SYS_read, in_read, NULL }, { "poll", SYS_poll, in_poll, NULL },
	{ "ppoll", SYS_ppoll, in_ppoll, NULL }, { "select", SYS_pselect6, in_select, NULL },
	{ "pselect", SYS_pselect6, in_pselect, NULL },
	{ "pipe", SYS_read, in_pipe, by_write }, { "epoll", SYS_epoll_wait, in_epoll, by_event },
	{ "lock", SYS_fcntl, in_lock, by_unlock }, { "waitpid", SYS_wait4, in_waitpid, NULL },
	{ "recv", SYS_recvfrom, in_recv, NULL },
	{ "timed_recv", SYS_recvfrom, in_timed_recv, NULL },
	{ "accept", SYS_accept, in_accept, NULL },
};

#include "tests/programs/restart_calls.h"
