/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Building a plan: a flat list of operations with the data they point to, and a note for people on
 * each.  restart/bootstrap/plan.h defines the operations.
 *
 * The builder never fails half-way: when memory runs out (or the plan outgrows its area) it goes on
 * as a sink, and plan_finish() reports it.
 */
#ifndef RESTART_PLAN_H
#define RESTART_PLAN_H

#include <stdbool.h>
#include <stdio.h>

#include "process/process.h"
#include "restart/bootstrap/plan.h"

struct plan_buffer {
	char *bytes;
	size_t len, capacity;
};

struct plan {
	addr_t area;               /* where AREA_SIZE bytes are free */
	struct plan_buffer data;   /* placed behind the header */
	struct plan_buffer ops;    /* struct plan_op each */
	struct plan_buffer notes;  /* texts for people; byte 0 is the empty one */
	bool traced;               /* a tracer watches over the plan's execution */
	addr_t syscall_at;         /* of a `syscall` instruction in the restored process, or 0 */
	addr_t thread_words;       /* where threads leave ids and marks, or 0 (plan_timers.c) */
	unsigned copiers;          /* threads that copy memory at the same time (copies.h) */
	size_t helpers;            /* the first operation that starts one; copiers - 1 follow */
	struct plan_op help;       /* what each of them does */
	bool failed;
	struct plan_op spare;      /* what a failed builder hands out */
};

void plan_init(struct plan *plan, addr_t area);
void plan_free(struct plan *plan);

/* Appends an operation; unused arguments are 0.  The pointer is good until the next call. */
struct plan_op *plan_add(struct plan *plan, enum plan_op_kind kind, unsigned flags);
struct plan_op *plan_add_syscall(struct plan *plan, unsigned flags, long nr, uint64_t a, uint64_t b,
				 uint64_t c, uint64_t d, uint64_t e, uint64_t f);
#define plan_syscall(plan, flags, nr, ...) \
	plan_syscall_(plan, flags, nr, __VA_ARGS__, 0, 0, 0, 0, 0)
#define plan_syscall_(plan, flags, nr, a, b, c, d, e, f, ...) \
	plan_add_syscall(plan, flags, nr, (uint64_t)(a), (uint64_t)(b), (uint64_t)(c), \
			 (uint64_t)(d), (uint64_t)(e), (uint64_t)(f))

/* Appends the operations of MORE, which have neither data nor notes. */
void plan_append(struct plan *plan, const struct plan *more);

/* Returns LEN zeroed bytes at the end of a buffer of the plan's owner, or NULL. */
void *plan_extend(struct plan *plan, struct plan_buffer *b, size_t len);

/* Sets what people read behind the operation that was added last. */
void plan_note(struct plan *plan, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The operation that was added last, and the index of the next one. */
struct plan_op *plan_last(struct plan *plan);
size_t plan_next(const struct plan *plan);
struct plan_op *plan_at(struct plan *plan, size_t index);

/*
 * Copies LEN bytes into the plan, aligned to 64 bytes,
 * and returns their address in the new process.
 */
addr_t plan_data(struct plan *plan, const void *bytes, size_t len);
addr_t plan_data_next(const struct plan *plan);  /* where the next bytes will stand */
addr_t plan_string(struct plan *plan, const char *text);

/*
 * Puts header, data and operations together: *IMAGE (malloc, the caller's) of *SIZE bytes is to
 * stand at area + AREA_PLAN.
 */
MUST_CHECK int plan_finish(struct plan *plan, void **image, size_t *size, struct error *err);

/* Addresses in the new process: of the data, and of the first operation once all data is there. */
addr_t plan_data_start(const struct plan *plan);
addr_t plan_first_op(const struct plan *plan);

/* One operation as a line, as strace would show it, with its note; and all of them. */
void plan_describe(const struct plan *plan, size_t index, char *buf, size_t size);
void plan_print(const struct plan *plan, FILE *out);

#endif
