/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What both ways of making the new process share: its id, its descriptors. */
#define _GNU_SOURCE
#include "restart/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/format.h"

pid_t launch_fork(pid_t wanted)
{
	struct clone_args args = {
		.exit_signal = 17 /* SIGCHLD */,
		.set_tid = (uint64_t)(uintptr_t)&wanted,
		.set_tid_size = 1,
	};

	return wanted ? (pid_t)syscall(SYS_clone3, &args, sizeof args) : fork();
}

void launch_occupy_standard(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= 2);
	if (fd >= 0)
		close(fd);
}

/* Close-on-exec is how the occupied ones are told: nobody hands over such descriptors. */
bool launch_has_standard(int fd)
{
	int flags = fcntl(fd, F_GETFD);

	return flags >= 0 && !(flags & FD_CLOEXEC);
}

void launch_replace_stdin(void)
{
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		dup2(fd, STDIN_FILENO);  /* without close-on-exec: it is ours to hand over */
		close(fd);
	}
}

/*
 * Above all descriptors, and the numbers that epoll knows files by: those that are no descriptors
 * any more are used for a moment.
 */
static int above_all(const struct process *p)
{
	int base = 10;

	if (p->descriptor_count && p->descriptors[p->descriptor_count - 1].fd >= base)
		base = p->descriptors[p->descriptor_count - 1].fd + 1;
	for (size_t i = 0; i < p->description_count; i++)
		for (size_t k = 0; k < p->descriptions[i].watch_count; k++)
			if (p->descriptions[i].watches[k].fd >= base)
				base = p->descriptions[i].watches[k].fd + 1;
	return base;
}

void launch_choose_descriptors(struct restore *r)
{
	const struct process *p = r->process;
	int base = above_all(p);

	/* None of the numbers may be one that the user handed to us for the program. */
	for (int i = 0; i < LENT_COUNT + (int)p->nameless_count + r->held_peers; i++) {
		if (fcntl(base + i, F_GETFD) >= 0) {
			base += i + 1;
			i = -1;
		}
	}
	r->fd_base = base;
	r->terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	for (int fd = 0; fd <= 2 && r->terminal < 0; fd++)
		if (launch_has_standard(fd) && isatty(fd))
			r->terminal = fcntl(fd, F_DUPFD_CLOEXEC, lent_end(r));
}

/*
 * The lent descriptors stand above all others, so there must be room up to the hard limit; and a
 * failure must not dump a core over the one that is being read.  The plan sets both limits right.
 */
static void lift_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	if (getrlimit(RLIMIT_CORE, &limit) == 0) {
		limit.rlim_cur = 0;
		setrlimit(RLIMIT_CORE, &limit);
	}
}

/*
 * Pages that are mapped from the core and never written to would be missing from the next one, as
 * the kernel takes them for a file's.  Bit 2 of the filter (core(5)) has private file mappings
 * dumped, so that every checkpoint is whole.  It survives execve().
 */
static void dump_private_mappings(void)
{
	char text[32] = "";
	cleanup_fd int fd = open("/proc/self/coredump_filter", O_RDWR | O_CLOEXEC);

	if (fd < 0 || read(fd, text, sizeof text - 1) <= 0)
		return;
	size_t len = format(text, sizeof text, "0x%lx", strtoul(text, NULL, 16) | 1ul << 2);
	if (pwrite(fd, text, len, 0) < 0)
		return;  /* as before: the old core must stay beside the new one */
}

static int lend(int from, int to)
{
	return dup2(from, to) < 0 ? -1 : 0;
}

int launch_lend(const struct restore *r)
{
	lift_limits();
	if (r->lazy)
		dump_private_mappings();
	if (nameless_lend(r) < 0 || lend(core_fd(r->core), r->fd_base + LENT_CORE) < 0)
		return -1;
	for (int fd = 0; fd <= 2; fd++)
		if (launch_has_standard(fd) && lend(fd, r->fd_base + LENT_STDIN + fd) < 0)
			return -1;
	return r->terminal < 0 ? 0 : lend(r->terminal, r->fd_base + LENT_TERMINAL);
}

/* Where ptrace is forbidden (a tracer's child, a seccomp filter), the in-place way is left. */
pid_t launch(struct restore *r, struct error *err)
{
	pid_t pid = -1;

	if (r->program) {
		r->finish = FINISH_TRACED;
		pid = launch_traced(r, err);
		if (pid >= 0 || err->code != LAUNCH_NO_PTRACE)
			return pid;
		fprintf(stderr, "restart: %s: restored in place, so /proc/PID/exe is restart's own "
			"and some pages of the bootstrap stay\n", err->message);
		/* Nobody could hold the process until that is done. */
		if (core_has_checksums(r->core) && !r->lazy && core_check_memory(r->core, err) < 0)
			return -1;
	}
	r->finish = FINISH_IN_PLACE;
	return launch_in_place(r, err);
}
