/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The bootstrap process: PROG, held at its first instruction, so that /proc/PID/exe, the command
 * name and gdb's idea of the program are right without any privilege.
 */
#ifndef RESTART_START_H
#define RESTART_START_H

#include "restart/remote.h"
#include "restart/restore.h"

/*
 * Executes R->program under ptrace, with all signals blocked, up to its first instruction, or with
 * -b to that address.  Fills *REMOTE, and R->vdso with where its vdso is.  On failure REMOTE->pid
 * may be a process all the same, which is the caller's to end.
 */
MUST_CHECK int start_program(struct restore *r, struct remote *remote, struct error *err);

#endif
