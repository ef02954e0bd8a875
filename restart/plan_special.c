/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The descriptors that stand for no file: eventfd, epoll, inotify, signalfd, timerfd, pidfd. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "restart/plan_files.h"
#include "util/cleanup.h"

/* uapi linux/timerfd.h, which cannot be included beside fcntl.h. */
#ifndef TFD_IOC_SET_TICKS
#define TFD_IOC_SET_TICKS _IOW('T', 0, uint64_t)
#endif

/* ---- Whether they can be made again ---------------------------------------------------------- */

bool is_special(const struct process *p, const struct description *file)
{
	switch (file->kind) {
	case FILE_EVENTFD:
	case FILE_EPOLL:
	case FILE_INOTIFY:
		return true;
	case FILE_SIGNALFD:
		return file->mask_known;
	case FILE_TIMERFD:
		return file->timer != NULL;
	case FILE_PIDFD:
		return file->pid > 0 && file->pid == p->pid;
	default:
		return false;
	}
}

static bool is_zero(struct timespec t)
{
	return t.tv_sec == 0 && t.tv_nsec == 0;
}

/*
 * A timer that has gone off once and does not run: one that goes off at once is the same.  What
 * else is unread takes an ioctl, which kernels without CONFIG_CHECKPOINT_RESTORE do not have.
 */
static bool has_gone_off(const struct timerfd *t)
{
	return t->ticks == 1 && is_zero(t->value);
}

static void check_timer(struct findings *f, const struct descriptor *d, const char *at,
			const struct timerfd *t)
{
	cleanup_fd int fd = (int)syscall(SYS_timerfd_create, t->clock, O_CLOEXEC);
	uint64_t ticks = 1;

	if (fd < 0)
		findings_add_loss(f, "%sdescriptor %d was a timerfd that wakes the machine, which "
				  "takes CAP_WAKE_ALARM, and would be one that does not", at,
				  d->fd);
	else if (t->ticks && !has_gone_off(t) && ioctl(fd, TFD_IOC_SET_TICKS, &ticks) < 0)
		findings_add_loss(f, "%sdescriptor %d was a timerfd with %llu expirations to be "
				  "read, which this kernel cannot set, and would have none", at,
				  d->fd,
				  (unsigned long long)t->ticks);
}

void check_special(const struct restore *r, struct findings *f, const struct descriptor *d)
{
	const struct description *file = description_of(r->process, d);
	struct text_place at = place_of(r, d);

	if (file->kind == FILE_TIMERFD)
		check_timer(f, d, at.text, file->timer);
	else if (file->kind == FILE_INOTIFY)
		check_inotify(r, f, d);
}

/* ---- The plan -------------------------------------------------------------------------------- */

static void plan_eventfd(struct plan *plan, const struct description *file)
{
	/* eventfd2 takes a 32-bit count; a larger one is added by a write. */
	uint32_t initial = file->count > UINT32_MAX ? 0 : (uint32_t)file->count;

	plan_syscall(plan, OP_KEEP, SYS_eventfd2, initial,
		     (file->flags & O_NONBLOCK) | (file->semaphore ? EFD_SEMAPHORE : 0));
	if (initial != file->count)
		plan_syscall(plan, OP_ARG0_IS_RESULT, SYS_write, 0,
			     plan_data(plan, &file->count, sizeof file->count), sizeof file->count);
}

/* What this user may not have wake the machine ticks all the same. */
static int timer_clock(const struct timerfd *t)
{
	cleanup_fd int fd = (int)syscall(SYS_timerfd_create, t->clock, O_CLOEXEC);

	if (fd >= 0)
		return t->clock;
	return t->clock == CLOCK_REALTIME_ALARM ? CLOCK_REALTIME : CLOCK_BOOTTIME;
}

static void plan_timerfd(struct plan *plan, const struct description *file)
{
	const struct timerfd *t = file->timer;
	struct itimerspec when = { .it_value = t->value, .it_interval = t->interval };

	if (has_gone_off(t))
		when.it_value.tv_nsec = 1;
	plan_syscall(plan, OP_KEEP, SYS_timerfd_create, timer_clock(t), file->flags & O_NONBLOCK);
	plan_syscall(plan, OP_ARG0_IS_RESULT, SYS_timerfd_settime, 0,
		     has_gone_off(t) ? 0 : t->flags, plan_data(plan, &when, sizeof when), 0);
	if (t->ticks && !has_gone_off(t))
		plan_syscall(plan, OP_ARG0_IS_RESULT | OP_MAY_FAIL, SYS_ioctl, 0, TFD_IOC_SET_TICKS,
			     plan_data(plan, &t->ticks, sizeof t->ticks));
}

void plan_special(const struct restore *r, struct plan *plan, const struct descriptor *d)
{
	const struct description *file = description_of(r->process, d);

	switch (file->kind) {
	case FILE_EVENTFD:
		plan_eventfd(plan, file);
		break;
	case FILE_EPOLL:
		plan_syscall(plan, OP_KEEP, SYS_epoll_create1, 0);
		break;
	case FILE_INOTIFY:
		plan_syscall(plan, OP_KEEP, SYS_inotify_init1, file->flags & O_NONBLOCK);
		break;
	case FILE_SIGNALFD:
		plan_syscall(plan, OP_KEEP, SYS_signalfd4, -1,
			     plan_data(plan, &file->mask, sizeof file->mask), sizeof file->mask,
			     file->flags & O_NONBLOCK);
		break;
	case FILE_TIMERFD:
		plan_timerfd(plan, file);
		break;
	default:
		plan_syscall(plan, OP_KEEP, SYS_getpid, 0);
		plan_syscall(plan, OP_ARG0_IS_RESULT | OP_KEEP, SYS_pidfd_open, 0,
			     file->flags & (O_NONBLOCK | O_EXCL));
	}
	plan_note(plan, "descriptor %d", d->fd);
	plan_move_fd(plan, d);
}
