/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lines of what epoll and inotify watch, read and written: `epoll-watch`, `inotify-watch`. */
#include <stdlib.h>
#include <string.h>

#include "process/statelog_out.h"
#include "process/statelog_parse.h"

/* ---- epoll ----------------------------------------------------------------------------------- */

static int add_watch(struct parser *s, const struct addition *a, struct description *d)
{
	struct epoll_watch *array;

	if (d->kind != FILE_EPOLL)
		return place_error(s, a->at, "descriptor %d is no epoll", a->fd);
	array = arena_grow(&s->p->arena, d->watches, d->watch_count, &d->watch_capacity,
			   sizeof *array);
	if (!array)
		return parser_no_memory(s);
	d->watches = array;
	array[d->watch_count++] = *(const struct epoll_watch *)a->what;
	return 0;
}

/* `seen`, `through 9`, or both with a `|` between. */
static int take_watch_words(struct parser *s, struct field f, struct epoll_watch *w)
{
	do {
		struct field rest = field_next(&f, '|'), all = rest, word = field_next(&rest, ' ');

		if (field_is(all, "seen"))
			w->seen = true;
		else if (!field_is(word, "through"))
			return field_error(s, all,
					   "'%s' is neither 'seen' nor 'through DESCRIPTOR'",
					   field_quote(all).text);
		else if (field_fd(s, rest, &w->through) != 0)
			return -1;
	} while (f.len);
	return 0;
}

int take_epoll_watch(struct parser *s)
{
	const struct field *f = s->line.fields;
	struct epoll_watch w;
	uint64_t events;

	memset(&w, 0, sizeof w);
	if (field_fd(s, f[2], &w.fd) != 0 ||
	    number_hex(s, f[3], "events", UINT32_MAX, &events) != 0 ||
	    number_hex(s, f[4], "data", UINT64_MAX, &w.data) != 0)
		return -1;
	w.events = (uint32_t)events;
	w.through = w.fd;
	if (s->line.count > 5 && take_watch_words(s, f[5], &w) != 0)
		return -1;
	return add_later(s, add_watch, &w, sizeof w);
}

static void put_epoll_watch(struct out *o, int fd, const struct epoll_watch *w)
{
	print(o, "epoll-watch : %d : %d : %#x : %#lx", fd, w->fd, w->events,
	      (unsigned long)w->data);
	if (w->seen)
		print(o, " : seen");
	if (w->through != w->fd)
		print(o, "%sthrough %d", w->seen ? "|" : " : ", w->through);
	print(o, "\n");
}

/* ---- inotify --------------------------------------------------------------------------------- */

static int add_notice(struct parser *s, const struct addition *a, struct description *d)
{
	const struct inotify_watch *w = a->what;
	struct inotify_watch *array;

	if (d->kind != FILE_INOTIFY)
		return place_error(s, a->at, "descriptor %d is no inotify", a->fd);
	array = arena_grow(&s->p->arena, d->notices, d->notice_count, &d->notice_capacity,
			   sizeof *array);
	if (!array)
		return parser_no_memory(s);
	d->notices = array;
	array[d->notice_count++] = *w;
	return 0;
}

static int by_wd(const void *a, const void *b)
{
	const struct inotify_watch *x = a, *y = b;

	if (x->wd != y->wd)
		return x->wd < y->wd ? -1 : 1;
	return (x->line > y->line) - (x->line < y->line);
}

static int sort_notices(struct parser *s, struct description *d)
{
	const struct inotify_watch *w = d->notices;

	if (d->notice_count)
		qsort(d->notices, d->notice_count, sizeof *w, by_wd);
	for (size_t i = 1; i < d->notice_count; i++)
		if (w[i].wd == w[i - 1].wd)
			return place_error(s, (struct place){ w[i].line, 1 },
					   "watch %d of this inotify stands on line %d already",
					   w[i].wd, w[i - 1].line);
	return 0;
}

int finish_watches(struct parser *s)
{
	for (size_t i = 0; i < s->p->description_count; i++)
		if (sort_notices(s, &s->p->descriptions[i]) < 0)
			return -1;
	return 0;
}

int take_inotify_watch(struct parser *s)
{
	const struct field *f = s->line.fields;
	struct inotify_watch w;
	uint64_t wd, mask;

	memset(&w, 0, sizeof w);
	if (number_decimal(s, f[2], "watch", INT32_MAX, &wd) != 0 ||
	    number_hex(s, f[3], "mask", UINT32_MAX, &mask) != 0 ||
	    (s->line.count > 4 && field_name(s, f[4], "path", &w.path) != 0))
		return -1;
	if (!wd)
		return field_error(s, f[2], "watch: no watch has the number 0");
	w.wd = (int)wd;
	w.line = s->line.number;
	w.mask = (uint32_t)mask;
	return add_later(s, add_notice, &w, sizeof w);
}

static void put_notice(struct out *o, int fd, const struct inotify_watch *w)
{
	print(o, "inotify-watch : %d : %d : %#x", fd, w->wd, w->mask);
	if (w->path) {
		print(o, " : ");
		put_name(o, w->path);
	}
	print(o, "\n");
}

void put_watches(struct out *o, int fd, const struct description *d)
{
	for (size_t i = 0; i < d->watch_count; i++)
		put_epoll_watch(o, fd, &d->watches[i]);
	for (size_t i = 0; i < d->notice_count; i++)
		put_notice(o, fd, &d->notices[i]);
}
