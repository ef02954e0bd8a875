/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory that was reserved and never used, as the heaps of java and the stacks of threads are,
 * takes no room on the disk; but copied to another machine it would, where the copy knows no holes.
 * So the larger stretches are left out of the core as the kernel leaves out what was never touched.
 */
#ifndef CKPT_HOLES_H
#define CKPT_HOLES_H

#include "elf/core_write.h"

/* Splits the saved mappings of P where SOURCE has nothing for HOLE_LEAST bytes or more. */
MUST_CHECK int leave_holes(struct process *p, const struct core_source *source, struct error *err);

enum { HOLE_LEAST = 4 << 20 };

#endif
