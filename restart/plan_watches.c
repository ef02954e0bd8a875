/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What epoll and inotify watch: made again once all descriptors are there. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "restart/plan_files.h"

/* ---- epoll ----------------------------------------------------------------------------------- */

/* Flags of a watch that are no events (fs/eventpoll.c, EP_PRIVATE_BITS). */
static const uint32_t NO_EVENTS = EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE;

static bool has_gone_off(const struct epoll_watch *w)
{
	return w->events & EPOLLONESHOT && !(w->events & ~NO_EVENTS);
}

/*
 * What it would report when the watch begins anew is old news.  But where something else stands in
 * for the file, that is news.
 */
static bool is_old_news(const struct restore *r, const struct epoll_watch *w)
{
	const struct descriptor *d = process_descriptor(r->process, w->through);

	return d && stand_in_for(r, d) == ITSELF && (w->seen || has_gone_off(w));
}

static void plan_add_watch(struct plan *plan, const struct descriptor *d,
			   const struct epoll_watch *w)
{
	struct epoll_event event = { .events = w->events, .data.u64 = w->data };

	/* A text that was edited may leave out what is watched. */
	plan_syscall(plan, OP_MAY_FAIL, SYS_epoll_ctl, d->fd, EPOLL_CTL_ADD, w->fd,
		     plan_data(plan, &event, sizeof event));
}

/* The file of the watch had another number when the watch began: it gets that for a moment. */
static void plan_add_moved(const struct restore *r, struct plan *plan, const struct descriptor *d,
			   const struct epoll_watch *w)
{
	const struct descriptor *holder = process_descriptor(r->process, w->fd);
	int spare = r->fd_base + LENT_SPARE;

	if (holder)
		plan_syscall(plan, 0, SYS_dup3, w->fd, spare, O_CLOEXEC);
	plan_syscall(plan, OP_MAY_FAIL, SYS_dup3, w->through, w->fd, O_CLOEXEC);
	plan_add_watch(plan, d, w);
	if (holder) {
		plan_duplicate(plan, spare, holder);
		plan_syscall(plan, 0, SYS_close, spare);
	} else {
		plan_syscall(plan, OP_MAY_FAIL, SYS_close, w->fd);
	}
}

static size_t plan_add_watches(const struct restore *r, struct plan *plan,
			       const struct descriptor *d, bool old_news)
{
	const struct description *file = description_of(r->process, d);
	size_t count = 0;

	for (size_t i = 0; i < file->watch_count; i++) {
		const struct epoll_watch *w = &file->watches[i];

		if (is_old_news(r, w) != old_news)
			continue;
		if (w->through == w->fd)
			plan_add_watch(plan, d, w);
		else
			plan_add_moved(r, plan, d, w);
		count++;
	}
	return count;
}

/* Those with old news come first, and are asked for it before the others are there. */
void plan_epoll_watches(const struct restore *r, struct plan *plan, const struct descriptor *d)
{
	size_t count = plan_add_watches(r, plan, d, true);

	if (count) {
		void *room = calloc(count, sizeof(struct epoll_event));

		if (room)
			plan_syscall(plan, OP_MAY_FAIL, SYS_epoll_wait, d->fd,
				     plan_data(plan, room, count * sizeof(struct epoll_event)),
				     count, 0);
		free(room);
	}
	plan_add_watches(r, plan, d, false);
}

/* ---- inotify --------------------------------------------------------------------------------- */

/*
 * A watch gets the number behind that of the last one;
 * to pass over a number takes a watch, and its end.
 */
enum { NUMBERS_MAX = 20000, EVENT_SIZE = sizeof(struct inotify_event), EVENTS_MAX = 1000 };

static bool is_watchable(const struct inotify_watch *w)
{
	return w->path && access(w->path, R_OK) == 0;
}

void check_inotify(const struct restore *r, struct findings *f, const struct descriptor *d)
{
	const struct description *file = description_of(r->process, d);
	struct text_place at = place_of(r, d);

	if (file->offset)
		findings_add_loss(f, "%sdescriptor %d was an inotify with %llu bytes of events to "
				  "be read, and would have none", at.text, d->fd,
				  (unsigned long long)file->offset);
	for (size_t i = 0; i < file->notice_count; i++) {
		const struct inotify_watch *w = &file->notices[i];

		if (!w->path)
			findings_add_loss(f, "%sdescriptor %d was an inotify whose watch %d is on "
					  "a file that was not found, and would not watch it "
					  "(write its path on the inotify-watch line)", at.text,
					  d->fd, w->wd);
		else if (!is_watchable(w))
			findings_add_loss(f, "%sdescriptor %d was an inotify on %s, and would not "
					  "watch it: %s", at.text, d->fd, w->path, strerror(errno));
		else if (w->wd > NUMBERS_MAX)
			findings_add_loss(f, "%sdescriptor %d was an inotify whose watch on %s had "
					  "the number %d, and would have a lower one", at.text,
					  d->fd, w->path, w->wd);
	}
}

/* Throws away COUNT events without a name: that a watch has ended. */
static void plan_forget(struct plan *plan, const struct descriptor *d, int count)
{
	static const char room[EVENTS_MAX * EVENT_SIZE];

	plan_syscall(plan, OP_MAY_FAIL, SYS_read, d->fd,
		     plan_data(plan, room, (size_t)count * EVENT_SIZE), count * EVENT_SIZE);
}

static void plan_skip_numbers(struct plan *plan, const struct descriptor *d, addr_t path, int next,
			      int wd)
{
	int events = 0;

	for (; next < wd && wd <= NUMBERS_MAX; next++) {
		plan_syscall(plan, 0, SYS_inotify_add_watch, d->fd, path, IN_DELETE_SELF);
		plan_syscall(plan, OP_MAY_FAIL, SYS_inotify_rm_watch, d->fd, next);
		if (++events == EVENTS_MAX || next + 1 == wd) {
			plan_forget(plan, d, events);
			events = 0;
		}
	}
}

void plan_inotify_watches(const struct restore *r, struct plan *plan, const struct descriptor *d)
{
	const struct description *file = description_of(r->process, d);
	int next = 1;

	for (size_t i = 0; i < file->notice_count; i++) {
		const struct inotify_watch *w = &file->notices[i];

		if (!is_watchable(w))
			continue;
		addr_t path = plan_string(plan, w->path);

		plan_skip_numbers(plan, d, path, next, w->wd);
		plan_syscall(plan, 0, SYS_inotify_add_watch, d->fd, path, w->mask);
		next = w->wd <= NUMBERS_MAX ? w->wd + 1 : next + 1;
	}
}
