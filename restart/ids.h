/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Process and thread ids: whether the old ones can be had.
 *
 * With the old ids everything works.  With new ones libc's records of the threads' ids stay as they
 * were, on purpose: locks that are held name their owner by the old id, and only pthread_kill() to
 * another thread misses its aim.
 */
#ifndef RESTART_IDS_H
#define RESTART_IDS_H

#include "restart/restore.h"

/* Whether all ids of the core are free here, and this process may ask for them. */
bool ids_free(const struct process *p, size_t first, pid_t *taken);

/*
 * Waits, a moment at most, until the kernel has given up the ids of threads that have just ended:
 * to kill() they are gone while clone3() may not take them yet (release_task() frees them last).
 */
void ids_settle(const struct process *p);
bool ids_permitted(void);

/* Obstacles and remarks about the policy that the user chose. */
void check_ids(const struct restore *r, struct findings *f);

/*
 * Lets the program's threads ask for their ids although execve() drops an ordinary user's
 * capabilities: raises CAP_CHECKPOINT_RESTORE in the ambient set.  CAP_NET_ADMIN for its TCP
 * connections likewise.  The plan drops them again.
 */
void ids_raise_ambient(int cap);

/* Enters a user and a process id namespace: the next child is its first process. */
MUST_CHECK int ids_enter_namespace(struct error *err);

#endif
