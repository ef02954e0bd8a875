/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Invariant: a thread that has no rseq area when core is dumped has none after the restart, and may
 * register one: a thread that is about to start does, and libc ends the program when that fails.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/rseq.h>
#include <sys/syscall.h>

#include "tests/programs/restart_victim.h"

enum { REGISTER, UNREGISTER };

static long rseq(int what)
{
	struct rseq *area = (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);

	return syscall(SYS_rseq, area, 32, what, RSEQ_SIG);
}

static void *run_thread(void *arg)
{
	CHECK(rseq(UNREGISTER) == 0);
	return arg;
}

int main(void)
{
	pthread_t thread;

	CHECK(__rseq_size > 0 && rseq(UNREGISTER) == 0);

	checkpoint();

	CHECK(rseq(REGISTER) == 0);
	CHECK(pthread_create(&thread, NULL, run_thread, NULL) == 0 &&
	      pthread_join(thread, NULL) == 0);
	printf("ok\n");
	return 0;
}
