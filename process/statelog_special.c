/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The lines of the kernel's own kinds of descriptors,
 * read and written: `signalfd`, `timerfd`, `pidfd`.
 */
#define _GNU_SOURCE
#include <string.h>
#include <sys/timerfd.h>

#include "process/statelog_out.h"
#include "process/statelog_parse.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum { PID_MAX = 4 * 1024 * 1024 };  /* the kernel's PID_MAX_LIMIT */

/* ---- signalfd -------------------------------------------------------------------------------- */

static int add_signalfd(struct parser *s, const struct addition *a, struct description *d)
{
	if (d->kind != FILE_SIGNALFD)
		return place_error(s, a->at, "descriptor %d is no signalfd", a->fd);
	if (d->mask_known)
		return place_error(s, a->at, "signalfd %d has a line already", a->fd);
	d->mask = *(const uint64_t *)a->what;
	d->mask_known = true;
	return 0;
}

int take_signalfd(struct parser *s)
{
	uint64_t mask;

	if (number_hex(s, s->line.fields[2], "mask", UINT64_MAX, &mask) != 0)
		return -1;
	return add_later(s, add_signalfd, &mask, sizeof mask);
}

/* ---- timerfd --------------------------------------------------------------------------------- */

static const struct {
	int clock;
	const char *name;
} clocks[] = {
	{ CLOCK_REALTIME, "CLOCK_REALTIME" },
	{ CLOCK_MONOTONIC, "CLOCK_MONOTONIC" },
	{ CLOCK_BOOTTIME, "CLOCK_BOOTTIME" },
	{ CLOCK_REALTIME_ALARM, "CLOCK_REALTIME_ALARM" },
	{ CLOCK_BOOTTIME_ALARM, "CLOCK_BOOTTIME_ALARM" },
};

static const struct {
	uint32_t flag;
	const char *name;
} timer_flags[] = {
	{ TFD_TIMER_ABSTIME, "TFD_TIMER_ABSTIME" },
	{ TFD_TIMER_CANCEL_ON_SET, "TFD_TIMER_CANCEL_ON_SET" },
};

static int take_clock(struct parser *s, struct field f, int *clock)
{
	for (size_t i = 0; i < COUNT(clocks); i++) {
		if (field_is(f, clocks[i].name)) {
			*clock = clocks[i].clock;
			return 0;
		}
	}
	return field_error(s, f, "'%s' is no clock of timerfd_create (CLOCK_MONOTONIC, ...)",
			   field_quote(f).text);
}

static int take_timer_flag(struct parser *s, struct field word, uint32_t *flags)
{
	for (size_t i = 0; i < COUNT(timer_flags); i++) {
		if (field_is(word, timer_flags[i].name)) {
			*flags |= timer_flags[i].flag;
			return 0;
		}
	}
	return field_is(word, "0") ? 0
				   : field_error(s, word, "flags: '%s' is no flag of "
						 "timerfd_settime", field_quote(word).text);
}

static int take_timer_flags(struct parser *s, struct field f, uint32_t *flags)
{
	do
		if (take_timer_flag(s, field_next(&f, '|'), flags) != 0)
			return -1;
	while (f.len);
	return 0;
}

static int add_timerfd(struct parser *s, const struct addition *a, struct description *d)
{
	if (d->kind != FILE_TIMERFD)
		return place_error(s, a->at, "descriptor %d is no timerfd", a->fd);
	if (d->timer)
		return place_error(s, a->at, "timerfd %d has a line already", a->fd);
	d->timer = arena_alloc(&s->p->arena, sizeof *d->timer);
	if (!d->timer)
		return parser_no_memory(s);
	*d->timer = *(const struct timerfd *)a->what;
	return 0;
}

int take_timerfd(struct parser *s)
{
	const struct field *f = s->line.fields;
	struct timerfd t;

	memset(&t, 0, sizeof t);
	if (take_clock(s, f[2], &t.clock) != 0 ||
	    number_decimal(s, f[3], "ticks", UINT64_MAX, &t.ticks) != 0 ||
	    field_time(s, f[4], "value", &t.value) != 0 ||
	    field_time(s, f[5], "interval", &t.interval) != 0 ||
	    take_timer_flags(s, f[6], &t.flags) != 0)
		return -1;
	return add_later(s, add_timerfd, &t, sizeof t);
}

static const char *clock_name(int clock)
{
	for (size_t i = 0; i < COUNT(clocks); i++)
		if (clocks[i].clock == clock)
			return clocks[i].name;
	return "CLOCK_MONOTONIC";
}

static void put_timerfd(struct out *o, int fd, const struct timerfd *t)
{
	const char *joint = "";

	print(o, "timerfd : %d : %s : %lu : ", fd, clock_name(t->clock), (unsigned long)t->ticks);
	put_time(o, t->value);
	print(o, " : ");
	put_time(o, t->interval);
	print(o, " : ");
	for (size_t i = 0; i < COUNT(timer_flags); i++) {
		if (!(t->flags & timer_flags[i].flag))
			continue;
		print(o, "%s%s", joint, timer_flags[i].name);
		joint = "|";
	}
	print(o, *joint ? "\n" : "0\n");
}

/* ---- pidfd ----------------------------------------------------------------------------------- */

static int add_pidfd(struct parser *s, const struct addition *a, struct description *d)
{
	if (d->kind != FILE_PIDFD)
		return place_error(s, a->at, "descriptor %d is no pidfd", a->fd);
	if (d->pid)
		return place_error(s, a->at, "pidfd %d has a line already", a->fd);
	d->pid = *(const pid_t *)a->what;
	return 0;
}

int take_pidfd(struct parser *s)
{
	uint64_t pid;

	if (number_decimal(s, s->line.fields[2], "process", PID_MAX, &pid) != 0)
		return -1;
	return add_later(s, add_pidfd, &(pid_t){ (pid_t)pid }, sizeof(pid_t));
}

void put_special(struct out *o, int fd, const struct description *d)
{
	if (d->mask_known)
		print(o, "signalfd : %d : %#lx\n", fd, (unsigned long)d->mask);
	if (d->timer)
		put_timerfd(o, fd, d->timer);
	if (d->pid)
		print(o, "pidfd : %d : %d\n", fd, d->pid);
}
