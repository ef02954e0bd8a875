/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * For work in which we must not be killed, as a system call of the process would fail if it went
 * on: a worker does it, and the ckpt that the user sees, and may kill at any instant, only waits
 * for it.  The worker dies with it, but not between guard_hold() and guard_ease().
 */
#ifndef CKPT_GUARD_H
#define CKPT_GUARD_H

#include <stdbool.h>

#include "util/error.h"

/* Returns in the worker; ckpt itself exits with the worker's status. */
MUST_CHECK int guard_begin(struct error *err);

/* Without guard_begin() they do nothing.  False when ckpt has been killed already. */
bool guard_hold(void);
void guard_ease(void);

#endif
