/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What /proc tells of a live process of the same user.  Async-signal-safe, so that libsavefds can
 * ask it about its own process from a signal handler.
 */
#ifndef PROCESS_PROCFS_H
#define PROCESS_PROCFS_H

#include "process/process.h"

/*
 * Fills the empty model P with what /proc/PID tells: identity, threads (ids and names), mappings
 * with their true flags, mm fields, auxiliary vector, descriptors and their descriptions (those
 * shared are found with kcmp), cwd, root, umask, limits, scheduling,
 * POSIX timers but for their times, and of the dispositions which signals
 * are ignored and which are caught.  Registers and memory are not read.
 *
 * PID 0 is the caller.
 */
MUST_CHECK int procfs_read(struct process *p, pid_t pid, struct error *err);

/* The same in parts, for callers that need only one. */
MUST_CHECK int procfs_read_identity(struct process *p, pid_t pid, struct error *err);
MUST_CHECK int procfs_read_mappings(struct process *p, pid_t pid, struct error *err);

/*
 * Traits, a record for every mapping (also for those that have none), from smaps: the kernel counts
 * every page for it, which takes 15 ms for a GiB.
 */
MUST_CHECK int procfs_read_traits(struct process *p, pid_t pid, struct error *err);

/* Has the mappings tell what smaps alone tells of them: that they grow down. */
void procfs_apply_traits(struct process *p);

/* Guard regions, from the page tables; none where the kernel cannot tell of them. */
MUST_CHECK int procfs_read_guards(struct process *p, pid_t pid, struct error *err);

/* Both, for a process of which the mappings are known and that stands still. */
MUST_CHECK int procfs_read_memory(struct process *p, pid_t pid, struct error *err);

MUST_CHECK int procfs_read_descriptors(struct process *p, pid_t pid, struct error *err);
MUST_CHECK int procfs_read_timers(struct process *p, pid_t pid, struct error *err);
void procfs_read_clocks(struct process *p);

/*
 * Not among procfs_read()'s: which signals wait, for the process and for its threads, whose list is
 * there already; neither how many of one kind nor what came with
 * them.  And the signal masks of another process's threads.
 */
MUST_CHECK int procfs_read_pending(struct process *p, pid_t pid, struct error *err);

/*
 * How the threads are scheduled, among procfs_read()'s; and the
 * attributes that take files of /proc, which are not: they cost time,
 * and may be read when the process runs again.  PID 0 is the caller.
 */
MUST_CHECK int procfs_read_scheduling(struct process *p, struct error *err);
void procfs_online_cpus(struct cpus *all);
MUST_CHECK int procfs_read_attributes(struct process *p, pid_t pid, struct error *err);

#endif
