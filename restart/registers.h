/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The registers with which a thread enters the program again.  One file per architecture.
 */
#ifndef RESTART_REGISTERS_H
#define RESTART_REGISTERS_H

#include <sys/user.h>

#include "restart/restore.h"

/*
 * The general registers of thread T, ready to run: an interrupted system call is issued again, or
 * continued, and a restartable sequence is aborted, as the kernel would have done it.
 */
MUST_CHECK int registers_general(const struct restore *r, const struct thread *t,
				 struct user_regs_struct *regs, struct error *err);

/*
 * Whether T has just been made and has done next to nothing yet: it comes back from the clone that
 * made it (certainly), or is not inside a system call and has that one's result and an empty stack
 * (perhaps).
 */
enum new_thread { THREAD_OLD, THREAD_PERHAPS_NEW, THREAD_NEW };
enum new_thread registers_new_thread(const struct thread *t);

/*
 * The XSAVE area of T in the layout of this machine, of SIZE bytes, malloc'ed; NULL with the error
 * when the core needs what this machine lacks.  SIZE is what PTRACE_GETREGSET gives here.
 */
void *registers_xsave(const struct process *p, const struct thread *t, size_t size,
		      struct error *err);

/* What stands in the way of restoring the core's registers on this machine. */
void check_registers(const struct restore *r, struct findings *f);

/* A signal frame in the plan from which rt_sigreturn enters T; 0 with the error on failure. */
addr_t registers_frame(const struct restore *r, struct plan *plan, const struct thread *t,
		       struct error *err);

#endif
