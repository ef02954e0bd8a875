/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * holds: one program that holds everything a process
 * can hold, and says afterwards what it still has.
 *
 *	holds GO [-x NAME]... [NAME]...
 *
 * sets up every hold (or those named, without those behind -x), writes "ready", waits until the
 * file GO exists, checks every hold, and writes a line of TAP for each.  In between it is
 * checkpointed and restarted.  The exit status is 0 when nothing was lost.
 *
 * A hold is independent of all others and leaves them alone: it has its own descriptors and memory,
 * and no two change the same attribute of the process.
 */
#ifndef HOLDS_H
#define HOLDS_H

#include <stdbool.h>

enum hold_flags {
	HOLD_NOT_IN_CORE = 1 << 0,   /* a core of the kernel, even with the text, cannot carry it */
	HOLD_OLD_IDS = 1 << 1,       /* with musl: comes back only with the old ids */
	HOLD_PRIVILEGED = 1 << 2,    /* takes a privilege to restore: skipped as an ordinary user */
};

struct hold {
	const char *name;     /* one word, for the command line */
	const char *sentence; /* what is true after the restart */
	void (*set_up)(void);
	/* NULL when all is as it was; otherwise what is wrong. */
	const char *(*check)(void);
	unsigned flags;
};

/* One array for each file of this folder, ended by an element without a name. */
extern const struct hold memory_holds[], segment_holds[], mapped_holds[], trait_holds[],
	file_holds[], nameless_holds[], lock_holds[], watch_holds[],
	pipe_holds[],
	socket_holds[], internet_holds[], terminal_holds[],
	signal_holds[], counter_holds[], timer_holds[], attribute_holds[], thread_holds[];

/* set_up ends the program when the machine does not give what the hold needs... */
#define NEED(condition) need(condition, #condition, __FILE__, __LINE__)
void need(bool condition, const char *text, const char *file, int line);

/* ...or leaves it out, with the reason.  Called in set_up, which then returns. */
void leave_out(const char *reason);

/* In check: returns what is wrong, in a buffer that the next call uses again. */
const char *wrong(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#define EXPECT(condition)                                                                    \
	do {                                                                                 \
		if (!(condition))                                                            \
			return wrong("%s:%d: %s (errno %d)", __FILE__, __LINE__, #condition, \
				     errno);                                                 \
	} while (0)

#endif
