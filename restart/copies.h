/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory that is copied from the core.  While the plan maps it, all of it is writable; then it is
 * read, in pieces, and last it gets its protections.
 *
 * Most of the time goes into page faults, so all processors copy: the bootstrap makes helpers that
 * share its memory and its descriptors, and waits until they are gone for good, so that their ids
 * are free again and nothing is left of them.  Where none can be made it copies alone.
 */
#ifndef RESTART_COPIES_H
#define RESTART_COPIES_H

#include "restart/restore.h"

struct copies {
	struct plan after;          /* what follows the reading: protections */
	struct plan_buffer pieces;  /* struct plan_piece each */
	uint64_t bytes;
};

/* Bytes that are sooner read than searched for holes. */
enum { SMALL_READ = 64 << 10 };

/* Adds all that the core has of M, which the plan has mapped. */
void copies_add(const struct restore *r, struct plan *plan, struct copies *c,
		const struct mapping *m);

/* Ends the copying, and frees C. */
void plan_copies(const struct restore *r, struct plan *plan, struct copies *c);

#endif
