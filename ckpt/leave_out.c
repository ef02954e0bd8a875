/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "ckpt/leave_out.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "process/arch.h"
#include "process/socket.h"

/* ---- Options --------------------------------------------------------------------------------- */

bool leave_out_fd(struct leave_out *l, const char *text)
{
	int *fds = realloc(l->fds, (l->fd_count + 1) * sizeof *fds);
	char *end;
	long fd = strtol(text, &end, 10);

	if (!fds)
		return false;
	l->fds = fds;
	fds[l->fd_count++] = (int)fd;
	return *text && !*end && fd >= 0 && fd <= INT_MAX;
}

bool leave_out_memory(struct leave_out *l, const char *text)
{
	struct range *ranges = realloc(l->ranges, (l->range_count + 1) * sizeof *ranges);

	if (!ranges)
		return false;
	l->ranges = ranges;
	return parse_range(&ranges[l->range_count++], text);
}

void leave_out_free(struct leave_out *l)
{
	free(l->fds);
	free(l->ranges);
	*l = (struct leave_out){ 0 };
}

/* ---- Doing it -------------------------------------------------------------------------------- */

static bool has_fd(const struct leave_out *l, int fd)
{
	for (size_t i = 0; i < l->fd_count; i++)
		if (l->fds[i] == fd)
			return true;
	return false;
}

/* An epoll instance forgets a descriptor that is closed. */
static void drop_watches(struct description *d, const struct leave_out *l)
{
	size_t kept = 0;

	for (size_t i = 0; i < d->watch_count; i++)
		if (!has_fd(l, d->watches[i].fd))
			d->watches[kept++] = d->watches[i];
	d->watch_count = kept;
}

static bool is_on_its_way(const struct process *p, int fd)
{
	for (size_t i = 0; i < p->description_count; i++) {
		const struct socket *s = p->descriptions[i].socket;

		for (size_t k = 0; s && k < s->message_count; k++)
			for (size_t n = 0; n < s->messages[k].right_count; n++)
				if (s->messages[k].rights[n] == fd)
					return true;
	}
	return false;
}

/* What the process has sent to itself, too, it has in that way still. */
static void drop_descriptors(struct process *p, const struct leave_out *l)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->descriptor_count; i++) {
		struct descriptor *d = &p->descriptors[i];

		if (has_fd(l, d->fd)) {
			if (!is_on_its_way(p, d->fd))
				continue;
			d->in_flight = true;
		}
		p->descriptors[kept++] = *d;
	}
	p->descriptor_count = kept;
	for (size_t i = 0; i < p->description_count; i++)
		drop_watches(&p->descriptions[i], l);
}

static int add(struct process *p, const struct mapping *from, addr_t start, addr_t end, bool zero,
	       struct error *err)
{
	struct mapping *m;

	if (start >= end)
		return 0;
	m = process_add_part(p, from, start, end);
	if (!m)
		return error_set(err, ENOMEM, "not enough memory");
	if (zero)
		m->bytes = BYTES_ZERO;
	return 0;
}

/* The mappings anew, those that the range reaches into as up to three. */
static int drop_range(struct process *p, struct range range, struct error *err)
{
	size_t count;
	const struct mapping *old = process_take_mappings(p, &count);
	addr_t page = p->arch->page_size;
	addr_t from = (range.start + page - 1) & ~(page - 1), to = range.end & ~(page - 1);

	for (size_t i = 0; i < count; i++) {
		const struct mapping *m = &old[i];
		addr_t start = from > m->start ? from : m->start, end = to < m->end ? to : m->end;

		if (m->bytes != BYTES_SAVED || start >= end)
			start = end = m->end;
		if (add(p, m, m->start, start, false, err) < 0 ||
		    add(p, m, start, end, true, err) < 0 || add(p, m, end, m->end, false, err) < 0)
			return -1;
	}
	return 0;
}

int leave_out(struct process *p, const struct leave_out *l, struct error *err)
{
	drop_descriptors(p, l);
	for (size_t i = 0; i < l->range_count; i++)
		if (drop_range(p, l->ranges[i], err) < 0)
			return -1;
	return 0;
}
