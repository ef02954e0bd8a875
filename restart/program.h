/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which file to execute as the bootstrap process. */
#ifndef RESTART_PROGRAM_H
#define RESTART_PROGRAM_H

#include "restart/restore.h"

/*
 * Sets R->program (malloc) from what the user typed, looked for here and then in PATH, or from the
 * core; leaves it NULL when the core's own is gone or may not be executed, and the restore goes in
 * place.  Returns 0, or the exit status (EXIT_NOT_FOUND, EXIT_CANNOT_RUN) with the error.
 */
int program_find(struct restore *r, struct error *err);

#endif
