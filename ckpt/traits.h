/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Traits of memory: only smaps tells them, and the kernel counts every
 * page for it.  So they are read while the process runs, and afterwards
 * compared with the mappings of the moment that it stood still.
 */
#ifndef CKPT_TRAITS_H
#define CKPT_TRAITS_H

#include "process/process.h"

/*
 * Reads the traits of the running process PID.  Fails where it handles page faults by itself
 * (userfaultfd): reading its memory, and forking it, could wait for it for ever.
 */
MUST_CHECK int traits_read(struct process *p, pid_t pid, struct error *err);

/*
 * Leaves in P the traits of its mappings: those that were read where the mapping has not changed,
 * otherwise those in the process FROM, the snapshot; and the guard regions.
 */
MUST_CHECK int traits_settle(struct process *p, pid_t from, struct error *err);

#endif
