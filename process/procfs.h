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
 * shared are found with kcmp), cwd, root, umask, limits, and of the dispositions which signals are
 * ignored and which are caught.  Registers and memory are not read.
 *
 * PID 0 is the caller.
 */
MUST_CHECK int procfs_read(struct process *p, pid_t pid, struct error *err);

/* The same in parts, for callers that need only one. */
MUST_CHECK int procfs_read_identity(struct process *p, pid_t pid, struct error *err);
MUST_CHECK int procfs_read_mappings(struct process *p, pid_t pid, struct error *err);
MUST_CHECK int procfs_read_descriptors(struct process *p, pid_t pid, struct error *err);

#endif
