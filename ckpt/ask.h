/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The questions of process/questions.h, asked in the name of a stopped process by system calls
 * (ckpt/tracee.h), each of which costs 10 to 20 microseconds of the time that the process stands
 * still; and what ptrace tells.
 */
#ifndef CKPT_ASK_H
#define CKPT_ASK_H

#include "ckpt/snapshot.h"
#include "ckpt/tracee.h"

/*
 * What concerns the whole process, and the leader, which stands ready for calls: what a copy of the
 * process could not tell.  The dispositions too where there are other threads, as they say whether
 * those must be asked.
 */
MUST_CHECK int ask_process(struct process *p, struct tracee *t, struct error *err);

/* The rest, of the process itself... */
MUST_CHECK int ask_rest(struct process *p, struct tracee *t, struct error *err);

/*
 * ...or of its snapshot, when the process runs again; and makes the snapshot's memory that of the
 * process.
 */
MUST_CHECK int ask_snapshot(struct process *p, const struct snapshot_caller *s, struct error *err);

/* Whether the other threads must be asked, too. */
bool ask_wants_threads(const struct process *p);

/* What concerns the other threads, one by one.  None stands ready for calls, before and after. */
MUST_CHECK int ask_threads(struct process *p, struct tracee *t, struct error *err);

/* The signals that wait, with what came with them.  Takes no call of the process's. */
MUST_CHECK int ask_pending(struct process *p, const struct tracee *t, struct error *err);

#endif
