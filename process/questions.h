/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a process can only ask the kernel itself: the questions, for a process that asks
 * (libsavefds) and for one that is made to ask (ckpt).  Async-signal-safe.
 */
#ifndef PROCESS_QUESTIONS_H
#define PROCESS_QUESTIONS_H

#include "process/process.h"

enum { ASKER_DATA = 256, ASKER_ARGS = 4 };

struct asker {
	/* System call NR; *RESULT is the kernel's (-4095..-1: an errno). */
	int (*call)(void *context, long *result, struct error *err, long nr,
		    const uint64_t args[ASKER_ARGS]);
	/* Reads memory of the process that calls. */
	int (*read)(void *context, addr_t from, void *to, size_t len, struct error *err);
	void *context;
	addr_t data;  /* ASKER_DATA bytes of it for what calls return */
	bool cheap;   /* a call costs next to nothing */
};

/* Asks in the process itself, with ASKER_DATA bytes at DATA. */
struct asker asker_self(void *data);

/*
 * The dispositions of signals that have a handler or are ignored, and that of SIGCHLD, whose flags
 * count even when it has its default; where calls are cheap, of all.  Needs HAVE_DISPOSITIONS.
 */
MUST_CHECK int ask_dispositions(struct process *p, const struct asker *a, struct error *err);

/* The alternate stack of the thread that asks. */
MUST_CHECK int ask_altstack(struct thread *t, const struct asker *a, struct error *err);

/* The heap's end, to the byte. */
MUST_CHECK int ask_brk(struct process *p, const struct asker *a, struct error *err);

/* The times of the interval timers and of the POSIX timers that are known by their ids. */
MUST_CHECK int ask_timers(struct process *p, const struct asker *a, struct error *err);

/*
 * questions_memory.c: whether memory that is mapped later is locked, which a child would not have
 * from its parent; and which protection keys are allocated, which it would.  The second takes the
 * free keys for a moment: no other thread may run.
 */
MUST_CHECK int ask_future_locks(struct process *p, const struct asker *a, struct error *err);
MUST_CHECK int ask_pkeys(struct process *p, const struct asker *a, struct error *err);

/*
 * The attributes, of the process and of the thread that asks, that a child of it would not have...
 */
MUST_CHECK int ask_settings(struct process *p, struct thread *t, const struct asker *a,
			    struct error *err);

/* ...and those that it would: they may be asked of a snapshot as well. */
MUST_CHECK int ask_inherited(struct process *p, struct thread *t, const struct asker *a,
			     struct error *err);

#endif
