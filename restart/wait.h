/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Standing in for the program: -w. */
#ifndef RESTART_WAIT_H
#define RESTART_WAIT_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Blocks the signals that wait_for_program() takes from a queue, so that none is lost between the
 * launch and the wait.  To be called before the launch.
 */
void wait_prepare(void);

/*
 * Waits until process PID, a child, ends; passes on the signals that restart gets meanwhile, and on
 * a terminal stops and continues together with it.  What the terminal sends reaches a program in
 * restart's group by itself; one that is APART gets it from here.  Returns its exit status, 128+N
 * when signal N ended it.
 *
 * TERMINAL is -1, or the one in whose foreground the program is in its place, with a group of its
 * own (shells.h): restart's group has it again when the program stops or ends.
 */
int wait_for_program(pid_t pid, bool apart, int terminal);

#endif
