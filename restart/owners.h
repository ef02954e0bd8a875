/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * New thread ids in the memory of a program: where glibc keeps those of its threads, and in the
 * locks that they hold.  See process/locks.h.
 */
#ifndef RESTART_OWNERS_H
#define RESTART_OWNERS_H

#include "restart/restore.h"

/*
 * Finds what must be changed when the threads get new ids: the core says, or its memory is
 * searched.  A libc that is not glibc, or a memory that is only mapped, is left as it is.
 */
MUST_CHECK int owners_find(struct restore *r, struct error *err);

/* In thread I: its id, which is in the result register afterwards, goes where the old one was. */
void plan_owners(const struct restore *r, struct plan *plan, size_t i);

#endif
