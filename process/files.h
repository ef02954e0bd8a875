/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The model of open files, in detail: what an open file description of each kind holds beyond its
 * offset and its flags.  Part of process.h.
 */
#ifndef PROCESS_FILES_H
#define PROCESS_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

struct epoll_watch {
	int fd;          /* the descriptor watched */
	uint32_t events;
	uint64_t data;
};

struct timerfd {
	int clock;              /* CLOCK_* */
	uint64_t ticks;         /* expirations that nobody has read */
	uint32_t flags;         /* TFD_TIMER_*; the time is absolute with TFD_TIMER_ABSTIME */
	struct timespec value;  /* the next expiration: from now on, or absolute; zero: none */
	struct timespec interval;
};

#endif
