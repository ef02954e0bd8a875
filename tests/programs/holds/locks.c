/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* File locks, leases, and the signals of descriptors. */
#define _GNU_SOURCE
#include "holds.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static int create(const char *name)
{
	int fd = open(name, O_RDWR | O_CREAT, 0600);

	NEED(fd >= 0 && ftruncate(fd, 1000) == 0);
	return fd;
}

/* The lock that another description meets when it wants the bytes from START on. */
static struct flock met(const char *name, off_t start, off_t len)
{
	struct flock lock = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = len
	};
	int fd = open(name, O_RDWR);

	if (fd < 0 || fcntl(fd, F_OFD_GETLK, &lock) < 0)
		lock.l_type = -1;
	close(fd);
	return lock;
}

/* ---- flock ---- */

static int whole, together;

static void flock_set_up(void)
{
	whole = create("holds.flock");
	together = create("holds.flock-shared");
	NEED(flock(whole, LOCK_EX) == 0 && flock(together, LOCK_SH) == 0);
}

static const char *flock_check(void)
{
	int other = open("holds.flock", O_RDONLY), another = open("holds.flock-shared", O_RDONLY);

	EXPECT(flock(other, LOCK_SH | LOCK_NB) == -1 && errno == EWOULDBLOCK);
	EXPECT(flock(another, LOCK_EX | LOCK_NB) == -1 && errno == EWOULDBLOCK);
	EXPECT(flock(another, LOCK_SH | LOCK_NB) == 0 && close(another) == 0);
	EXPECT(flock(whole, LOCK_UN) == 0 && flock(other, LOCK_SH | LOCK_NB) == 0);
	EXPECT(close(other) == 0);
	return NULL;
}

/* ---- POSIX locks ---- */

static int record;

static bool posix_lock(int fd, short type, off_t start, off_t len)
{
	struct flock lock = {
		.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len
	};

	return fcntl(fd, F_SETLK, &lock) == 0;
}

static void posix_set_up(void)
{
	record = create("holds.posix");
	NEED(posix_lock(record, F_WRLCK, 10, 5));
	NEED(posix_lock(record, F_RDLCK, 100, 0));
}

/* Asked by a child: any close of the file in this process would drop the locks. */
static int what_a_child_meets(void)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		struct flock first = met("holds.posix", 0, 20), last = met("holds.posix", 500, 1);

		_exit(first.l_type == F_WRLCK && first.l_start == 10 && first.l_len == 5 &&
		      first.l_pid == getppid() && last.l_type == F_RDLCK && last.l_start == 100 &&
		      last.l_len == 0 && met("holds.posix", 15, 85).l_type == F_UNLCK ? 0 : 1);
	}
	return child > 0 && waitpid(child, &status, 0) == child ? status : -1;
}

static const char *posix_check(void)
{
	EXPECT(what_a_child_meets() == 0);
	EXPECT(posix_lock(record, F_UNLCK, 0, 0));
	return NULL;
}

/* ---- OFD locks ---- */

static int open_file;

static void ofd_set_up(void)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 7, .l_len = 3 };

	open_file = create("holds.ofd");
	NEED(fcntl(open_file, F_OFD_SETLK, &lock) == 0);
}

static const char *ofd_check(void)
{
	struct flock lock = met("holds.ofd", 0, 100);

	EXPECT(lock.l_type == F_WRLCK && lock.l_start == 7 && lock.l_len == 3 && lock.l_pid == -1);
	EXPECT(close(open_file) == 0 && met("holds.ofd", 0, 100).l_type == F_UNLCK);
	return NULL;
}

/* ---- Of a file without a name ---- */

static int nameless;

static void nameless_set_up(void)
{
	nameless = memfd_create("locked", 0);
	NEED(nameless >= 0 && ftruncate(nameless, 100) == 0 && posix_lock(nameless, F_WRLCK, 1, 1));
}

static const char *nameless_check(void)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

		_exit(fcntl(nameless, F_GETLK, &lock) == 0 && lock.l_type == F_WRLCK &&
		      lock.l_start == 1 ? 0 : 1);
	}
	EXPECT(child > 0 && waitpid(child, &status, 0) == child && status == 0);
	return NULL;
}

/* ---- Leases ---- */

static int leased;

static void lease_set_up(void)
{
	leased = create("holds.lease");
	NEED(fcntl(leased, F_SETSIG, SIGRTMIN + 12) == 0);
	if (fcntl(leased, F_SETLEASE, F_WRLCK) < 0)
		leave_out("this file system has no leases");
}

static const char *lease_check(void)
{
	EXPECT(fcntl(leased, F_GETLEASE) == F_WRLCK);
	EXPECT(fcntl(leased, F_SETLEASE, F_UNLCK) == 0);
	return NULL;
}

/* ---- Signals of descriptors ---- */

static int asynchronous[2];

static void async_set_up(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 13);
	NEED(sigprocmask(SIG_BLOCK, &set, NULL) == 0 && pipe2(asynchronous, O_NONBLOCK) == 0);
	NEED(fcntl(asynchronous[0], F_SETOWN, getpid()) == 0);
	NEED(fcntl(asynchronous[0], F_SETSIG, SIGRTMIN + 13) == 0);
	NEED(fcntl(asynchronous[0], F_SETFL, O_NONBLOCK | O_ASYNC) == 0);
}

static const char *async_check(void)
{
	const struct timespec patience = { .tv_sec = 10 };
	siginfo_t info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 13);
	EXPECT(fcntl(asynchronous[0], F_GETFL) == (O_RDONLY | O_NONBLOCK | O_ASYNC));
	EXPECT(fcntl(asynchronous[0], F_GETOWN) == getpid());
	EXPECT(write(asynchronous[1], "x", 1) == 1);
	EXPECT(sigtimedwait(&set, &info, &patience) == SIGRTMIN + 13);
	EXPECT(info.si_fd == asynchronous[0]);
	return NULL;
}

const struct hold lock_holds[] = {
	{ "flock", "flock() locks are held", flock_set_up, flock_check, 0 },
	{ "posix-locks", "record locks are held, byte for byte", posix_set_up, posix_check, 0 },
	{ "ofd-locks", "locks of an open file description are held", ofd_set_up, ofd_check, 0 },
	{ "memfd-lock", "a locked memfd is locked", nameless_set_up, nameless_check, 0 },
	{ "lease", "a lease is held", lease_set_up, lease_check, 0 },
	{ "async-pipe", "a descriptor sends its signal", async_set_up, async_check, 0 },
	{ 0 },
};
