/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What only a process itself can ask the kernel: system calls in its name (ckpt/tracee.h).  Each costs
 * 10 to 20 microseconds of the time that the process stands still.
 */
#ifndef CKPT_ASK_H
#define CKPT_ASK_H

#include "ckpt/tracee.h"

/* What concerns the whole process, and the leader's alternate stack.  The leader stands ready for calls. */
MUST_CHECK int ask_process(struct process *p, struct tracee *t, struct error *err);

/* Whether the other threads must be asked, too. */
bool ask_wants_threads(const struct process *p);

/* What concerns the other threads, one by one.  None stands ready for calls, before and after. */
MUST_CHECK int ask_threads(struct process *p, struct tracee *t, struct error *err);

#endif
