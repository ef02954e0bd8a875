/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How each thread is scheduled: policy, nice value, cpus, priority of input and output.  What takes
 * a privilege that restart lacks stays as restart has it, and is said.
 */
#ifndef RESTART_SCHEDULING_H
#define RESTART_SCHEDULING_H

#include "restart/restore.h"

void check_scheduling(const struct restore *r, struct findings *f);

/* Of thread T's own list. */
void plan_scheduling(const struct restore *r, struct plan *plan, const struct thread *t);

/* Whether the plan binds a thread to its cpus. */
bool restores_cpus(const struct restore *r, const struct thread *t);

#endif
