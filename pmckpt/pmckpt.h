/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pmckpt.h: checkpoints at marked points of the source.  pmckpt(7) is the manual. */
#ifndef PMCKPT_H
#define PMCKPT_H

#include <signal.h>

/* The next CKPT POINT makes a checkpoint.  May be called in a signal handler. */
void ckpt_schedule(void);

/* Takes the names of the checkpoint and of the temporary file from CKPTFN and CKPTFNTEMP. */
void ckpt_init(void);

/* ---- What ckptcvt makes of the marks ---------------------------------------------------- */

extern volatile sig_atomic_t ckpt_scheduled;

/* Makes the checkpoint that is scheduled.  1: the program has just been resumed from it. */
int ckpt_point(void);

#define CKPT_POINT(x, y) y: __attribute__((unused)) { \
	int x __attribute__((unused)) = ckpt_scheduled && ckpt_point(); }
#define CKPT_BOTS

/* Whether preambles are run again when the program is resumed. */
#ifndef CKPT_PREAMBLE
#define CKPT_VARS
#define CKPT_TOPS
#else
#include <ucontext.h>

/* An active function: where its part of the stack begins, and its preamble. */
struct ckpt_frame {
	struct ckpt_frame *outer;
	void *base;
	ucontext_t preamble;
};

extern __thread struct ckpt_frame *ckpt_innermost;

void ckpt_tops(struct ckpt_frame *f);
void ckpt_leave(struct ckpt_frame *f);

#define CKPT_VARS struct ckpt_frame ckpt_frame __attribute__((cleanup(ckpt_leave))); \
	ckpt_frame.outer = ckpt_innermost; ckpt_frame.base = __builtin_frame_address(0); \
	ckpt_innermost = &ckpt_frame; getcontext(&ckpt_frame.preamble);
#define CKPT_TOPS ckpt_tops(&ckpt_frame);
#endif
#endif
