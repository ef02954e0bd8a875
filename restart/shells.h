/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Shells with job control.  Such a shell gives its terminal to the group of each job and takes it
 * back for its own, which it knows by a number in its memory.  So it must lead its group again,
 * with its old id, in the foreground of the terminal; restart has it back when the shell stops or
 * ends, as a shell has it from a job (wait.h).
 *
 * A shell is known by what no other program in the foreground does: it ignores SIGTTOU.
 */
#ifndef RESTART_SHELLS_H
#define RESTART_SHELLS_H

#include "restart/restore.h"

/* Whether it gets its group again; its id must be the old one. */
bool shell_leads(const struct restore *r);

/* Says what becomes of one that gets a new id. */
void check_shell(const struct restore *r, struct findings *f);

/* The operations, while the descriptor of restart's terminal is lent. */
void plan_shell(const struct restore *r, struct plan *plan);

#endif
