/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which pages of shared memory there are.
 *
 * The page tables of a process do not tell: others, and write(), may have made pages that it never
 * touched.  And to read a page that is not there makes it (mm/shmem.c, SGP_CACHE): a reserve of
 * many GiB would become so much memory in use.  So the kernel is asked, by mincore() in the
 * process's name.
 */
#ifndef CKPT_TOUCHED_H
#define CKPT_TOUCHED_H

#include "ckpt/tracee.h"
#include "process/process.h"

enum { TOUCHED_LEAST = 2 << 20 };

struct touched_range {
	addr_t start, end;
	unsigned char *pages;  /* one byte for each: bit 0, as mincore() has it */
};

struct touched {
	size_t count;
	struct touched_range *ranges;
};

/*
 * Asks for the shared memory of P, of TOUCHED_LEAST bytes or more, that no file holds.  What cannot
 * be told is not in *TOUCHED.  No thread stands ready for calls, before and after.
 */
MUST_CHECK int touched_ask(struct touched *touched, const struct process *p, struct tracee *t,
			   struct error *err);

void touched_free(struct touched *touched);

/* The range that has ADDR, or NULL. */
const struct touched_range *touched_at(const struct touched *touched, addr_t addr);

/* Whether pages are there in [FROM, END) of R, which has FROM, and where the first of them are. */
bool touched_next(const struct touched_range *r, addr_t from, addr_t end, addr_t *start,
		  addr_t *stop);

#endif
