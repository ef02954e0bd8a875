/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Handling the new process by ptrace: a child of ours that stands at a stop.
 */
#ifndef RESTART_REMOTE_H
#define RESTART_REMOTE_H

#include <sys/types.h>

#include "process/traced.h"

struct remote {
	pid_t pid;
	addr_t syscall_at;  /* address of a `syscall` instruction in it */
};

/*
 * Makes the child execute one system call, by single-stepping over the instruction at syscall_at.
 * *RESULT is the kernel's (-4095..-1: an errno).  Its registers are left as the call leaves them.
 */
MUST_CHECK int remote_syscall(const struct remote *r, long *result, struct error *err, long nr,
			      uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
			      uint64_t f);

/* waitpid() of one traced thread, continued over interruptions. */
MUST_CHECK int remote_wait(pid_t tid, int *status, struct error *err);

#endif
