/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A thread that stands in a ptrace stop of ours: its memory, its registers, and what a system call
 * in its name begins and ends with.  How it is run in between, and waited for, is the caller's: a
 * stranger may be let go at any moment (ckpt/tracee.h), a child of restart's is only stepped
 * (restart/remote.h).
 */
#ifndef PROCESS_TRACED_H
#define PROCESS_TRACED_H

#include <sys/types.h>
#include <sys/user.h>

#include "process/process.h"

/* The memory need not be of a stopped process; what its protection forbids fails. */
MUST_CHECK int traced_read(pid_t pid, addr_t from, void *to, size_t len, struct error *err);
MUST_CHECK int traced_write(pid_t pid, addr_t to, const void *from, size_t len, struct error *err);

/* The general registers.  A thread that runs 32-bit code has others: code ENOTSUP. */
MUST_CHECK int traced_registers(pid_t tid, struct user_regs_struct *regs, struct error *err);
MUST_CHECK int traced_set_registers(pid_t tid, const struct user_regs_struct *regs,
				    struct error *err);

/*
 * Makes REGS those of a thread that is about to make a system call at AT, where a `syscall`
 * instruction is.  The stack pointer stays as it is.
 */
void traced_prepare_call(struct user_regs_struct *regs, addr_t at, long nr, uint64_t a, uint64_t b,
			 uint64_t c, uint64_t d, uint64_t e, uint64_t f);

/* What the kernel has answered to the call that has just ended (-4095..-1: an errno). */
MUST_CHECK int traced_result(pid_t tid, long *result, struct error *err);

#endif
