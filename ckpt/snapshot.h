/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A copy-on-write copy of a stopped process's memory: a process that never runs, from which the
 * memory is read while the original goes on.
 *
 * It is made by a throw-away child of the leader that shares the leader's memory, drops all
 * descriptors, forks, and ends; the leader reaps it.  So the snapshot is nobody's child that the
 * process could meet in a wait, and holds none of its pipes open.  From its first moment it is
 * traced with PTRACE_O_EXITKILL: it dies with us.
 */
#ifndef CKPT_SNAPSHOT_H
#define CKPT_SNAPSHOT_H

#include "ckpt/tracee.h"

/*
 * Takes a snapshot of T, which stands ready for remote calls, and returns its process id.  Fails
 * with code ENOTSUP where it would become a child of the process after all (a subreaper, an init),
 * EAGAIN or ENOMEM where the system has no room for another process or for the memory.
 */
pid_t snapshot_take(struct tracee *t, struct error *err);

/*
 * Waits until the snapshot stands.  Its memory is what it was from the start, but its first stop is
 * a matter of the scheduler's, which may take milliseconds: T need not stand still for it.
 */
MUST_CHECK int snapshot_settle(pid_t snapshot, struct error *err);

/*
 * What calls in the name of a snapshot need.  Its copy of the piece of stack that was used for
 * those of the process is used again, and then gets back the bytes that stood there (ask.h).
 */
struct snapshot_caller {
	pid_t pid;
	addr_t syscall_ret, sp, data;  /* as in struct tracee */
	addr_t start;
	size_t size;
	void *saved;
};

/* Takes from T, before it is let go, what the calls will need. */
MUST_CHECK int snapshot_caller_init(struct snapshot_caller *c, pid_t snapshot,
				    const struct tracee *t, struct error *err);
void snapshot_caller_free(struct snapshot_caller *c);

/* Ends it. */
void snapshot_drop(pid_t snapshot);

#endif
