/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Making the new process and running the plan in it.
 */
#ifndef RESTART_LAUNCH_H
#define RESTART_LAUNCH_H

#include <errno.h>
#include <sched.h>

#include "restart/restore.h"

/*
 * Starts the bootstrap process (R->program, executed under ptrace and held at its first
 * instruction; or, when R->program is NULL, a fork of restart itself), has it execute the plan and
 * sets it free: running, or stopped unless R->options->nostop.
 *
 * Returns its process id.  On failure returns -1; no new process is left.  The error's code is
 * EEXIST or EPERM when the old ids could not be had (R->keep_ids),
 * EACCES or ENOEXEC when the program cannot be executed.
 */
pid_t launch(struct restore *r, struct error *err);

/*
 * This very process becomes the restored one, in place, and runs at once.  Returns only on failure,
 * with nothing changed; what fails later ends the process with status 1, and a line says why.
 */
void launch_become(struct restore *r, struct error *err);

/*
 * Tracer and new process hand over to each other many times; on two cpus a hand-over now and then
 * costs a whole scheduler tick, so both run on one until the program is set free, but for the time
 * that copying memory takes.
 */
struct pin {
	bool set;
	cpu_set_t all, one;
};

/* The error's code when this process may not trace its child. */
#define LAUNCH_NO_PTRACE ENOTSUP

/*
 * Standard descriptors that restart was started without are occupied, before anything else is
 * opened, or the core would become one of them.  Whether FD, 0 to 2, is one that we were given.
 */
void launch_occupy_standard(void);
bool launch_has_standard(int fd);

/*
 * Standard input was the core: what the program will read is not what comes behind it but the
 * terminal, if there is one, or nothing.
 */
void launch_replace_stdin(void);

/* Chooses numbers for the descriptors that restart lends, and opens its terminal. */
void launch_choose_descriptors(struct restore *r);

/* Private to launch.c and its two ways: in the child, puts the lent descriptors in place. */
MUST_CHECK int launch_lend(const struct restore *r);
MUST_CHECK int nameless_lend(const struct restore *r);  /* nameless.c */

/* launch_traced.c, launch_in_place.c */
pid_t launch_traced(struct restore *r, struct error *err);
pid_t launch_in_place(struct restore *r, struct error *err);

/* fork(), with the process id WANTED unless it is 0. */
pid_t launch_fork(pid_t wanted);

#endif
