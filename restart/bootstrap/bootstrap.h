/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Inside the bootstrap: what its C file and its one assembler file per architecture offer each
 * other.
 */
#ifndef RESTART_BOOTSTRAP_BOOTSTRAP_H
#define RESTART_BOOTSTRAP_BOOTSTRAP_H

#include "restart/bootstrap/plan.h"

/* Interprets operations from OP on; never returns. */
__attribute__((noreturn)) void bootstrap_run(struct plan_header *header, const struct plan_op *op);

/* The system call, with the kernel's result. */
long bootstrap_syscall(long nr, long a, long b, long c, long d, long e, long f);

/* clone3; the new thread, on the stack its clone_args give, calls bootstrap_run(header, op). */
long bootstrap_clone(void *clone_args, long size, struct plan_header *header,
		     const struct plan_op *op);

/* Stops for the tracer, or dies of SIGTRAP, with VALUE in the first result register. */
__attribute__((noreturn)) void bootstrap_trap(long value);

/* The same, and goes on when the tracer lets it. */
long bootstrap_pause(long value);

/* rt_sigreturn from the frame at address FRAME. */
__attribute__((noreturn)) void bootstrap_sigreturn(uint64_t frame);

#endif
