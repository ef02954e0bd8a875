/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When a restart is refused: what more there is to do and to say. */
#ifndef RESTART_REFUSAL_H
#define RESTART_REFUSAL_H

#include <stdbool.h>

#include "restart/findings.h"
#include "restart/restore.h"

/*
 * Whether an obstacle asks the user to edit the text, which is in the core; and a line that says
 * how one gets at it.
 */
bool refusal_needs_edit(const struct restore *r, const struct findings *f);
const char *refusal_how_to_edit(const struct restore *r);

/*
 * A core that came through a pipe is nowhere else any more, and neither may its process be
 * (ckpt -k): when it was not restarted it gets a name, core.PID where it is kept, and a line says
 * which.  A stream that is no whole core is not kept.  Returns STATUS, for main() to end with.
 */
int refusal_keep(const struct restore *r, int status);

#endif
