/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Signals that wait to be delivered, and timers that will send some. */
#ifndef PROCESS_TIMERS_H
#define PROCESS_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A time that lasts, in nanoseconds. */
struct timer_times {
	uint64_t remaining;  /* 0: the timer does not run */
	uint64_t interval;
};

enum { INTERVAL_TIMERS = 3 };  /* ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF */

struct interval_timer {
	bool known;
	struct timer_times times;
};

/* What the kernel makes of CLOCK_PROCESS_CPUTIME_ID and CLOCK_THREAD_CPUTIME_ID. */
enum { CLOCK_OF_PROCESS = -6, CLOCK_OF_THREAD = -2 };

/* A timer of timer_create(2). */
struct posix_timer {
	int id;
	int clock;           /* CLOCK_*, or one of those below */
	pid_t clock_tid;     /* CLOCK_OF_THREAD: whose; 0 when that is not known */
	int notify;          /* SIGEV_SIGNAL, SIGEV_NONE, SIGEV_THREAD_ID */
	int signo;
	uint64_t value;      /* sigev_value */
	pid_t tid;           /* SIGEV_THREAD_ID */
	bool times_known;    /* only the process itself can ask for them */
	struct timer_times times;
};

/* The clocks at the moment that the model shows, in nanoseconds. */
struct clocks {
	bool known;
	uint64_t realtime, monotonic, boottime;
};

enum { PENDING_WORDS = 3 };

/* A signal that waits; struct siginfo without what it does not say. */
struct pending_signal {
	pid_t tid;       /* 0: any thread may take it */
	int signo;
	bool info_known; /* false: only that one or several of them wait */
	int code, error;
	uint32_t pid, uid;              /* bytes 16 to 24 of siginfo_t, by their most usual names */
	uint64_t words[PENDING_WORDS];  /* bytes 24 to 48: the value; the rest is always zero */
};

#endif
