/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an open file of each kind holds besides name, offset and flags: made up, and compared. */
#ifndef TESTS_UNIT_RANDOM_FILE_DETAILS_H
#define TESTS_UNIT_RANDOM_FILE_DETAILS_H

#include <fcntl.h>
#include <string.h>

#include "process/process.h"
#include "tests/unit/random_numbers.h"

static inline struct timespec random_time(void)
{
	return (struct timespec){ .tv_sec = (time_t)(sized_number() >> 1),
				  .tv_nsec = (long)below(1000000000) };
}

static inline void random_bytes_in_pipe(struct process *q, struct description *d, size_t count)
{
	for (; count; count--) {
		d->queued = arena_grow(&q->arena, d->queued, d->queued_size, &d->queued_capacity,
				       sizeof *d->queued);
		d->queued[d->queued_size++] = (uint8_t)below(256);
	}
}

static inline void random_pipe(struct process *q, struct description *d)
{
	if (below(2))
		d->pipe_size = (uint32_t)(1 + below(INT32_MAX));
	if ((d->flags & O_ACCMODE) == O_WRONLY || below(2))
		return;
	if (below(2)) {
		random_bytes_in_pipe(q, d, below(200));
		return;
	}
	for (size_t n = below(5); n; n--) {
		uint32_t size = (uint32_t)(1 + below(200));

		d->packets = arena_grow(&q->arena, d->packets, d->packet_count, &d->packet_capacity,
					sizeof *d->packets);
		d->packets[d->packet_count++] = size;
		random_bytes_in_pipe(q, d, size);
	}
}

static inline void random_timer(struct process *q, struct description *d)
{
	static const int clocks[] = { 0, 1, 7, 8, 9 };

	d->timer = arena_alloc(&q->arena, sizeof *d->timer);
	d->timer->clock = clocks[below(5)];
	d->timer->ticks = sized_number();
	d->timer->flags = (uint32_t)below(4);
	d->timer->value = random_time();
	d->timer->interval = random_time();
}

static inline void random_file_details(struct process *q, struct description *d)
{
	if (d->kind == FILE_PIPE || d->kind == FILE_PATH)
		random_pipe(q, d);
	if (d->kind == FILE_SIGNALFD && below(4)) {
		d->mask_known = true;
		d->mask = sized_number();
	}
	if (d->kind == FILE_TIMERFD && below(4))
		random_timer(q, d);
	if (d->kind == FILE_PIDFD)
		d->pid = (pid_t)below(4 << 20);
}

static inline bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static inline bool same_timer(const struct timerfd *a, const struct timerfd *b)
{
	if (!a || !b)
		return a == b;
	return a->clock == b->clock && a->ticks == b->ticks && a->flags == b->flags &&
	       same_time(a->value, b->value) && same_time(a->interval, b->interval);
}

static inline bool same_file_details(const struct description *a, const struct description *b)
{
	return a->pipe_size == b->pipe_size && a->packet_count == b->packet_count &&
	       (!a->packet_count ||
		memcmp(a->packets, b->packets, a->packet_count * sizeof *a->packets) == 0) &&
	       a->mask_known == b->mask_known && a->mask == b->mask && a->pid == b->pid &&
	       same_timer(a->timer, b->timer);
}

#endif
