/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include <limits.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "restart/copies.h"
#include "restart/launch.h"
#include "restart/shared.h"
#include "util/sparse.h"

enum {
	/* One page table covers so much: threads do not meet in it, nor in a huge page. */
	PIECE = 2 << 20,
	MANY_PIECES = 1 << 20,   /* of so many holes the bootstrap finds the rest */
	WORTH_HELP = 8 << 20,    /* bytes; less are copied before help is there */
	COPIERS_MAX = 8,         /* beyond that, memory is not faster */
};

/* ---- The pieces ------------------------------------------------------------------------------ */

static size_t piece_count(const struct copies *c)
{
	return c->pieces.len / sizeof(struct plan_piece);
}

/* What the file has from OFFSET on belongs to address TO; END is an address. */
static void add_data(struct copies *c, addr_t to, addr_t end, uint64_t offset)
{
	while (to < end) {
		addr_t border = (to & ~(addr_t)(PIECE - 1)) + PIECE;
		uint64_t size = (border < end ? border : end) - to;
		struct plan_piece *piece = plan_extend(&c->after, &c->pieces, sizeof *piece);

		if (!piece)
			return;
		*piece = (struct plan_piece){ .to = to, .offset = offset, .size = size };
		c->bytes += size;
		to += size;
		offset += size;
	}
}

/* Holes read as zeros, which the memory is already. */
void copies_add(const struct restore *r, struct plan *plan, struct copies *c,
		const struct mapping *m)
{
	uint64_t at = m->core_offset, end = at + (m->end - m->start), stop;
	uint64_t unsearched = end - at <= SMALL_READ ? SMALL_READ : 0;
	addr_t distance = m->start - at;

	while (piece_count(c) < MANY_PIECES) {
		if (!next_data(core_fd(r->core), at, end, unsearched, &at, &stop))
			return;
		add_data(c, at + distance, stop + distance, at);
		at = stop;
	}
	if (at < end) {
		struct mapping rest = *m;

		rest.start = at + distance;
		rest.core_offset = at;
		plan_read(r, plan, &rest, rest.start);
	}
}

/* ---- The copiers ----------------------------------------------------------------------------- */

static unsigned count_copiers(const struct restore *r, uint64_t bytes)
{
	cpu_set_t cpus;
	int count = 1;

	if (bytes < WORTH_HELP)
		return 1;
	if (r->pin)
		count = CPU_COUNT(&r->pin->all);
	else if (sched_getaffinity(0, sizeof cpus, &cpus) == 0)
		count = CPU_COUNT(&cpus);
	return count < 1 ? 1 : count > COPIERS_MAX ? COPIERS_MAX : (unsigned)count;
}

static void plan_bind(struct plan *plan, const cpu_set_t *cpus)
{
	plan_syscall(plan, OP_MAY_FAIL, SYS_sched_setaffinity, 0, sizeof *cpus,
		     plan_data(plan, cpus, sizeof *cpus));
}

/*
 * A process, not a thread: of a thread its maker cannot know when its id is free.  Nobody traces
 * it, or the tracer would take it for one of the program's.
 */
static void plan_helper(struct plan *plan, addr_t id)
{
	static const char stack[STACK_SIZE];
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_UNTRACED | CLONE_PARENT_SETTID,
		.parent_tid = id,
		.stack = plan_data(plan, stack, sizeof stack),
		.stack_size = sizeof stack,
	};
	addr_t at = plan_data(plan, &args, sizeof args);
	struct plan_op *op = plan_add(plan, OP_THREAD, OP_MAY_FAIL);

	op->args[0] = at;
	op->args[1] = sizeof args;
	plan_note(plan, "helps to copy memory");
}

/* One that was not made has the id of no process. */
static void plan_join(struct plan *plan, addr_t id)
{
	plan_add(plan, OP_LOAD, OP_KEEP)->args[0] = id;
	plan_syscall(plan, OP_ARG0_IS_RESULT | OP_MAY_FAIL, SYS_wait4, 0, 0, __WALL);
}

static void plan_read_pieces(const struct restore *r, struct plan *plan, const struct copies *c)
{
	const pid_t nobody = INT_MAX;
	struct plan_work work = {
		.count = (uint32_t)piece_count(c),
		.unread = (uint32_t)piece_count(c),
	};
	addr_t ids[COPIERS_MAX];

	plan->copiers = count_copiers(r, c->bytes);
	if (plan->copiers > 1 && r->pin)
		plan_bind(plan, &r->pin->all);
	addr_t pieces = plan_data(plan, c->pieces.bytes, c->pieces.len);
	addr_t shared = plan_data(plan, &work, sizeof work);
	for (unsigned i = 1; i < plan->copiers; i++)
		ids[i] = plan_data(plan, &nobody, sizeof nobody);
	plan->helpers = plan_next(plan);
	for (unsigned i = 1; i < plan->copiers; i++)
		plan_helper(plan, ids[i]);
	struct plan_op *op = plan_add(plan, OP_READ_PIECES, 0);
	op->args[0] = (uint64_t)(r->fd_base + LENT_CORE);
	op->args[1] = pieces;
	op->args[2] = shared;
	plan->help = *op;
	plan_note(plan, "%llu KiB of memory", (unsigned long long)c->bytes >> 10);
	for (unsigned i = 1; i < plan->copiers; i++)
		plan_join(plan, ids[i]);
	plan_add(plan, OP_LOAD, 0)->args[0] = shared + offsetof(struct plan_work, error);
	plan_note(plan, "reading memory from the core");
	plan_add(plan, OP_LOAD, OP_EXPECT)->args[0] = shared + offsetof(struct plan_work, unread);
	plan_note(plan, "all of it");
	if (plan->copiers > 1 && r->pin)
		plan_bind(plan, &r->pin->one);
}

void plan_copies(const struct restore *r, struct plan *plan, struct copies *c)
{
	if (piece_count(c))
		plan_read_pieces(r, plan, c);
	plan_append(plan, &c->after);
	plan_free(&c->after);
	free(c->pieces.bytes);
}

/*
 * Behind the lists of all threads: what each helper does.  One whose maker is killed before the
 * first operation reads to the end and exits; it holds nothing but the memory.
 */
void plan_helpers(struct plan *plan)
{
	for (unsigned i = 1; i < plan->copiers; i++)
		plan_at(plan, plan->helpers + i - 1)->args[2] = plan_next(plan);
	if (plan->copiers < 2)
		return;
	plan_syscall(plan, OP_MAY_FAIL, SYS_prctl, PR_SET_PDEATHSIG, SIGKILL);
	plan_note(plan, "a helper");
	*plan_add(plan, OP_READ_PIECES, 0) = plan->help;
	plan_syscall(plan, 0, SYS_exit, 0);
}
