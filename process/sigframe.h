/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Signal frames: registers in memory, as rt_sigreturn takes them back.  One file per architecture.
 */
#ifndef PROCESS_SIGFRAME_H
#define PROCESS_SIGFRAME_H

#include <stddef.h>
#include <stdint.h>
#include <sys/user.h>

#include "process/process.h"

/* The room that a frame needs with an XSAVE area of XSAVE_SIZE bytes (0: none). */
size_t sigframe_size(size_t xsave_size);

/*
 * Builds in BUF the frame that is to stand at AT, a multiple of 64: rt_sigreturn with the stack
 * pointer at AT puts back REGS, the vector registers of XSAVE (NULL: their initial state) and the
 * signal mask.  The alternate stack stays as it is.
 */
void sigframe_build(void *buf, addr_t at, const struct user_regs_struct *regs, const void *xsave,
		    size_t xsave_size, uint64_t blocked);

/*
 * The cpu is asked once: each question may cost an exit of the virtual machine, 7 to 70 us.
 *
 * The size of an XSAVE area on this machine, in bytes.
 */
size_t xsave_host_size(void);

/* How much of such an area holds what is in use: a frame needs no more of it. */
size_t xsave_used_size(const void *xsave, size_t size);

/* Where component I, from 2 to 62, is in such an area; its size is 0 where the cpu has none. */
struct xsave_component {
	uint32_t size, offset;
};

struct xsave_component xsave_host_component(unsigned i);

/*
 * Where its components are, for P, as the note 0x205 of a core has it
 * (arch/x86/kernel/fpu/xstate.c, struct x86_xfeat_component).
 */
MUST_CHECK int xsave_host_layout(struct process *p, struct error *err);

/* The features that the kernel of this machine has enabled (XCR0). */
uint64_t xsave_host_features(void);

#endif
