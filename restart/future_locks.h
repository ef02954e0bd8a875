/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mlockall(MCL_FUTURE): memory that is mapped later is locked.  Where the limit of locked memory is
 * lower than it was that is left out, as the program would get no more memory (EAGAIN).
 */
#ifndef RESTART_FUTURE_LOCKS_H
#define RESTART_FUTURE_LOCKS_H

#include "restart/findings.h"
#include "restart/plan.h"
#include "restart/restore.h"

void check_future_locks(const struct restore *r, struct findings *f);

/* When all memory of the plan is mapped. */
void plan_future_locks(const struct restore *r, struct plan *plan);

#endif
