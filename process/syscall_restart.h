/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Interrupted system calls: making a thread that was stopped inside one go on with it.  x86-64.
 *
 * The kernel leaves a thread that it stopped inside a system call with one of its internal restart
 * codes in rax (or with -EINTR for the calls that it never restarts) and the number of the call in
 * orig_rax.  A dump freezes that state; whoever resumes the thread must finish what the kernel
 * began.  Everything here works on plain values and is async-signal-safe.
 */
#ifndef PROCESS_SYSCALL_RESTART_H
#define PROCESS_SYSCALL_RESTART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The registers that matter, as the kernel names them. */
struct syscall_regs {
	uint64_t pc;      /* rip: behind the two bytes of the `syscall` instruction */
	uint64_t result;  /* rax */
	uint64_t number;  /* orig_rax; all ones in user code and in a signal frame */
	uint64_t rdi, rsi, rdx, r10;
};

enum syscall_resume {
	SYSCALL_NONE,     /* not inside a system call, or it had finished: nothing was changed */
	SYSCALL_RESUMED,  /* the registers now issue the call again; a sleep, for what was left */
	SYSCALL_EINTR,    /* its number is lost: it now returns -EINTR to the program */
};

/* How many bytes in front of pc are enough for the functions below. */
enum { SYSCALL_CODE_SIZE = 2 + 16 };

/*
 * For registers as a core file or ptrace shows them.  CODE is the LEN bytes that end at pc, needed
 * only where the number is lost; LEN may be 0.  It is lost in two ways: orig_rax is that of
 * restart_syscall when the thread had been stopped before, and all ones when gdb (before 14, on a
 * cpu with AMX) made the thread call a function and failed to put the registers back.  In the
 * second case the restart code, which no program ever sees, tells that a call was interrupted.
 * On SYSCALL_RESUMED and SYSCALL_EINTR, orig_rax becomes all ones.
 */
enum syscall_resume syscall_resume(struct syscall_regs *regs, const uint8_t *code, size_t len);

/*
 * For the registers in a signal frame: the handler's signal made a call that waits return -EINTR,
 * and orig_rax is gone.  When CODE, the LEN bytes that end at pc, shows that this is what happened,
 * the registers are changed to issue the call again, and true is returned.
 */
bool syscall_resume_after_eintr(struct syscall_regs *regs, const uint8_t *code, size_t len);

#endif
