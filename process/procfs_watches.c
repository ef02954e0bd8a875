/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What epoll and inotify watch, beyond what fdinfo tells. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/kcmp.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "process/procfs_files.h"
#include "process/procfs_private.h"

/* ---- epoll ----------------------------------------------------------------------------------- */

struct asking {
	pid_t pid;    /* who has the epoll instance */
	int epoll;
	struct kcmp_epoll_slot slot;
};

static pid_t real_pid(pid_t pid)
{
	return pid ? pid : getpid();
}

/*
 * Whether descriptor FD of process PID has the file of the watch; -1 when the kernel does not say.
 */
static int has_file(const struct asking *a, pid_t pid, int fd)
{
	long result = syscall(SYS_kcmp, real_pid(pid), a->pid, KCMP_EPOLL_TFD, fd, &a->slot);

	return result == 0 ? 1 : result > 0 || errno == EBADF ? 0 : -1;
}

/*
 * A watch stays when its number is closed, or given to another file, as long as the file is open
 * somewhere: find out where.  A file that only others have open gives the process no events that it
 * could do anything about: -1.
 */
static int find_file(const struct process *p, const struct entries *entries,
		     const struct asking *a, int fd)
{
	int answer = has_file(a, entries->pid, fd);

	if (answer)
		return fd;
	for (size_t i = 0; i < entries->count; i++)
		if (has_file(a, entries->all[i].pid, entries->all[i].at) > 0)
			return p->descriptors[entries->all[i].index].fd;
	return -1;
}

/*
 * Of several watches with one number the kernel wants to know which, in its order: that of fdinfo.
 */
static uint32_t earlier_with_number(struct asking *a, const struct epoll_watch *watches, size_t at)
{
	uint32_t n = 0;

	a->slot.toff = 1;
	if (syscall(SYS_kcmp, a->pid, a->pid, KCMP_EPOLL_TFD, a->epoll, &a->slot) < 0)
		return 0;
	for (size_t i = 0; i < at; i++)
		n += watches[i].fd == watches[at].fd;
	return n;
}

static void read_epoll(const struct process *p, const struct entries *entries,
		       const struct entry *e, struct description *d)
{
	struct asking a = { real_pid(e->pid), e->at, { 0 } };
	struct pollfd poller = { .fd = proc_borrow(e->pid, e->at), .events = POLLIN };
	bool quiet = poller.fd >= 0 && poll(&poller, 1, 0) == 0;
	size_t kept = 0;

	proc_give_back(e->pid, poller.fd);
	for (size_t i = 0; i < d->watch_count; i++) {
		struct epoll_watch *w = &d->watches[i];

		a.slot = (struct kcmp_epoll_slot){ .efd = (uint32_t)a.epoll,
						   .tfd = (uint32_t)w->fd };
		a.slot.toff = earlier_with_number(&a, d->watches, i);
		w->through = find_file(p, entries, &a, w->fd);
		w->seen = quiet && w->events & EPOLLET && !(w->events & EPOLLONESHOT);
	}
	for (size_t i = 0; i < d->watch_count; i++)
		if (d->watches[i].through >= 0)
			d->watches[kept++] = d->watches[i];
	d->watch_count = kept;
}

/* ---- inotify --------------------------------------------------------------------------------- */

static void sort_notices(struct description *d)
{
	for (size_t i = 1; i < d->notice_count; i++) {
		struct inotify_watch w = d->notices[i];
		size_t at = i;

		for (; at > 0 && d->notices[at - 1].wd > w.wd; at--)
			d->notices[at] = d->notices[at - 1];
		d->notices[at] = w;
	}
}

static void read_inotify(struct process *p, struct entries *entries, const struct entry *e,
			 struct description *d)
{
	int fd = proc_borrow(e->pid, e->at), waiting = 0;

	if (fd >= 0 && ioctl(fd, FIONREAD, &waiting) == 0 && waiting > 0)
		d->offset = (uint64_t)waiting;
	proc_give_back(e->pid, fd);
	sort_notices(d);
	if (d->notice_count)
		procfs_find_paths(p, entries->pid, d, &entries->searches);
}

void procfs_read_watches(struct process *p, struct entries *entries, const struct entry *e,
			 struct description *d)
{
	if (d->kind == FILE_EPOLL)
		read_epoll(p, entries, e, d);
	else
		read_inotify(p, entries, e, d);
}
