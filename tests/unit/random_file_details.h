/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an open file of each kind holds besides name, offset and flags: made up, and compared. */
#ifndef TESTS_UNIT_RANDOM_FILE_DETAILS_H
#define TESTS_UNIT_RANDOM_FILE_DETAILS_H

#include <fcntl.h>
#include <string.h>

#include "process/process.h"
#include "process/terminal.h"
#include "tests/unit/random_numbers.h"
#include "tests/unit/random_sockets.h"

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

static inline struct file_id random_id(void)
{
	return (struct file_id){ (sized_number() & 0xfff) << 8 | (sized_number() & 0xff),
				 sized_number() };
}

static inline void random_locks(struct process *q, struct description *d)
{
	for (size_t n = below(3); n; n--) {
		uint64_t a = sized_number() >> 1, b = sized_number() >> 1;

		d->locks = arena_grow(&q->arena, d->locks, d->lock_count, &d->lock_capacity,
				      sizeof *d->locks);
		d->locks[d->lock_count++] = (struct file_lock){
			(enum lock_kind)below(4), below(2), a < b ? a : b,
			below(2) ? UINT64_MAX : a < b ? b : a,
		};
	}
}

/* One without a name for each memfd, some with contents. */
static inline void random_nameless(struct process *q, struct description *d)
{
	struct nameless *n = process_add_nameless(q);
	uint64_t at = 0;

	n->id = d->stamp.id;
	n->memfd = below(2);
	n->name = "some : # name";
	n->mode = (uint32_t)below(010000);
	n->seals = (uint32_t)below(64);
	n->saved = below(4);
	for (size_t count = n->saved ? below(4) : 0; count; count--) {
		uint64_t size = 1 + (below(8) ? below(50) : 48 * 1024 - 1);
		uint8_t *bytes = arena_alloc(&q->arena, size);

		for (uint64_t i = 0; i < size; i++)
			bytes[i] = (uint8_t)below(256);
		at += below(1000000);
		n->extents = arena_grow(&q->arena, n->extents, n->extent_count, &n->extent_capacity,
					sizeof *n->extents);
		n->extents[n->extent_count++] = (struct extent){ at, size, bytes };
		at += size;
	}
	n->size = at + below(100);
	process_sort_nameless(q);
}

static inline void random_file(struct process *q, struct description *d)
{
	random_locks(q, d);
	if (d->kind == FILE_PATH && below(2))
		return;
	d->stamp.known = true;
	d->stamp.id = random_id();
	d->stamp.size = sized_number() >> 1;
	d->stamp.modified = random_time();
	if (d->kind == FILE_MEMFD && !process_nameless(q, d->stamp.id))
		random_nameless(q, d);
}

static inline void random_notices(struct process *q, struct description *d)
{
	int wd = 0;

	for (size_t n = below(4); n; n--) {
		wd += 1 + (int)below(1000000);
		d->notices = arena_grow(&q->arena, d->notices, d->notice_count, &d->notice_capacity,
					sizeof *d->notices);
		d->notices[d->notice_count++] = (struct inotify_watch){
			.wd = wd,
			.mask = (uint32_t)sized_number(),
			.path = below(3) ? " /a : b" : NULL,
		};
	}
}

static inline void random_terminal(struct process *q, struct description *d)
{
	struct terminal *t = arena_alloc(&q->arena, sizeof *t);

	d->terminal = t;
	t->flags = (uint32_t)below(1 << TERMINAL_FLAG_WORDS);
	t->index = (uint32_t)(sized_number() & INT32_MAX);
	t->input = (uint32_t)sized_number();
	t->output = (uint32_t)sized_number();
	t->control = (uint32_t)sized_number();
	t->local = (uint32_t)sized_number();
	t->input_speed = (uint32_t)sized_number();
	t->output_speed = (uint32_t)sized_number();
	t->waiting = (uint32_t)sized_number();
	t->rows = (uint16_t)sized_number();
	t->y_pixels = (uint16_t)sized_number();
	t->line = (uint8_t)number();
	for (size_t i = 0; i < TERMINAL_CHARACTERS; i++)
		t->characters[i] = (uint8_t)number();
}

static inline bool same_terminal(const struct terminal *a, const struct terminal *b)
{
	return a && b ? memcmp(a, b, sizeof *a) == 0 : a == b;
}

static inline void random_file_details(struct process *q, struct description *d)
{
	if (d->kind == FILE_PIPE || d->kind == FILE_PATH)
		random_pipe(q, d);
	if (d->kind == FILE_PATH || d->kind == FILE_MEMFD)
		random_file(q, d);
	if (!below(8))
		d->owner = (struct file_owner){ 1 + (unsigned)below(3), (pid_t)below(4 << 20),
						(int)below(SIGNALS) };
	if (d->kind == FILE_INOTIFY)
		random_notices(q, d);
	if (d->kind == FILE_SIGNALFD && below(4)) {
		d->mask_known = true;
		d->mask = sized_number();
	}
	if (d->kind == FILE_TIMERFD && below(4))
		random_timer(q, d);
	if ((d->kind == FILE_TERMINAL || d->kind == FILE_PATH) && below(2))
		random_terminal(q, d);
	if (d->kind == FILE_SOCKET && below(4))
		d->socket = random_socket(q);
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

static inline bool same_id(struct file_id a, struct file_id b)
{
	return a.device == b.device && a.inode == b.inode;
}

static inline bool same_locks(const struct description *a, const struct description *b)
{
	bool same = a->lock_count == b->lock_count;

	for (size_t i = 0; same && i < a->lock_count; i++)
		same = a->locks[i].kind == b->locks[i].kind &&
		       a->locks[i].exclusive == b->locks[i].exclusive &&
		       a->locks[i].start == b->locks[i].start && a->locks[i].end == b->locks[i].end;
	return same && a->owner.kind == b->owner.kind && a->owner.id == b->owner.id &&
	       a->owner.signal == b->owner.signal;
}

static inline bool same_stamp(const struct file_stamp *a, const struct file_stamp *b)
{
	return a->known == b->known && same_id(a->id, b->id) && a->size == b->size &&
	       same_time(a->modified, b->modified);
}

static inline bool same_nameless(const struct nameless *a, const struct nameless *b)
{
	bool same = same_id(a->id, b->id) && a->memfd == b->memfd && !strcmp(a->name, b->name) &&
		    a->size == b->size && a->mode == b->mode && a->seals == b->seals &&
		    a->saved == b->saved && a->extent_count == b->extent_count;

	for (size_t i = 0; same && i < a->extent_count; i++)
		same = a->extents[i].offset == b->extents[i].offset &&
		       a->extents[i].size == b->extents[i].size &&
		       !memcmp(a->extents[i].bytes, b->extents[i].bytes, a->extents[i].size);
	return same;
}

static inline bool same_nameless_files(const struct process *a, const struct process *b)
{
	bool same = a->nameless_count == b->nameless_count;

	for (size_t i = 0; same && i < a->nameless_count; i++)
		same = same_nameless(&a->nameless[i], &b->nameless[i]);
	return same;
}

static inline bool same_watches(const struct description *a, const struct description *b)
{
	bool same = a->watch_count == b->watch_count && a->notice_count == b->notice_count;

	for (size_t i = 0; same && i < a->watch_count; i++)
		same = a->watches[i].fd == b->watches[i].fd &&
		       a->watches[i].through == b->watches[i].through &&
		       a->watches[i].seen == b->watches[i].seen &&
		       a->watches[i].events == b->watches[i].events &&
		       a->watches[i].data == b->watches[i].data;
	for (size_t i = 0; same && i < a->notice_count; i++) {
		const struct inotify_watch *x = &a->notices[i], *y = &b->notices[i];

		same = x->wd == y->wd && x->mask == y->mask && !x->path == !y->path &&
		       (!x->path || strcmp(x->path, y->path) == 0);
	}
	return same;
}

static inline bool same_file_details(const struct description *a, const struct description *b)
{
	return a->pipe_size == b->pipe_size && a->packet_count == b->packet_count &&
	       (!a->packet_count ||
		memcmp(a->packets, b->packets, a->packet_count * sizeof *a->packets) == 0) &&
	       a->mask_known == b->mask_known && a->mask == b->mask && a->pid == b->pid &&
	       same_timer(a->timer, b->timer) && same_locks(a, b) &&
	       same_stamp(&a->stamp, &b->stamp) && same_watches(a, b) &&
	       same_socket(a->socket, b->socket) && same_terminal(a->terminal, b->terminal);
}

#endif
