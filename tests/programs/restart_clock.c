/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Invariant: the clocks are right after the restart, through the vdso and by system call alike, and
 * asking through the vdso is not slower than by system call.
 */
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#include "tests/programs/restart_victim.h"

enum { MANY = 200000 };

static long nanoseconds(const struct timespec *t)
{
	return t->tv_sec * 1000000000 + t->tv_nsec;
}

/* Through the vdso the time lies between two that the system call tells. */
static void check_clock(clockid_t clock)
{
	struct timespec before, between, after;

	CHECK(syscall(SYS_clock_gettime, clock, &before) == 0 &&
	      clock_gettime(clock, &between) == 0 &&
	      syscall(SYS_clock_gettime, clock, &after) == 0);
	CHECK(nanoseconds(&before) <= nanoseconds(&between));
	CHECK(nanoseconds(&between) <= nanoseconds(&after));
}

int main(void)
{
	struct timespec t[3], now;
	struct timeval tv;

	clock_gettime(CLOCK_MONOTONIC, &t[0]);
	checkpoint();

	check_clock(CLOCK_MONOTONIC);
	check_clock(CLOCK_REALTIME);
	CHECK(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) == 0);
	CHECK(gettimeofday(&tv, NULL) == 0 && labs(tv.tv_sec - time(NULL)) <= 1);
	/* By the processor's time, which does not count that of others. */
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t[0]);
	for (int i = 0; i < MANY; i++)
		syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t[1]);
	for (int i = 0; i < MANY; i++)
		clock_gettime(CLOCK_MONOTONIC, &now);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t[2]);
	CHECK(nanoseconds(&t[2]) - nanoseconds(&t[1]) < nanoseconds(&t[1]) - nanoseconds(&t[0]));
	printf("ok\n");
	return 0;
}
