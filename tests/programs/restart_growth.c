/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Invariant: what could grow before the restart can grow after it: the heap by brk from where it
 * ended, a large block by mremap, the stack down to nearly its limit; new threads can be made;
 * the kernel keeps telling the cpu through rseq.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/rseq.h>

#include "tests/programs/restart_victim.h"

enum { LARGE = 1 << 20 };

static volatile struct rseq *rseq_area(void)
{
	return (volatile struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);
}

static int grow_stack(size_t bytes)
{
	volatile char frame[4096];

	memset((char *)frame, 1, sizeof frame);
	return bytes < sizeof frame ? frame[0] : grow_stack(bytes - sizeof frame) + frame[4095];
}

static void *run_thread(void *arg)
{
	CHECK(grow_stack(1 << 20) > 0);
	return arg;
}

int main(void)
{
	char *block, *large = memset(malloc(LARGE), 'L', LARGE), *end = sbrk(1);
	struct rlimit limit;
	cpu_set_t cpus, one;
	pthread_t thread;
	void *result = NULL;

	checkpoint();

	CHECK(sbrk(0) == end + 1);
	CHECK(sbrk(1 << 20) == end + 1 && memset(end + 1, 'x', 1 << 20));
	for (int i = 0; i < 10000; i++)
		CHECK((block = malloc(1000)) && memset(block, i, 1000));
	CHECK((large = realloc(large, 4 * LARGE)) && memset(large + LARGE, 'M', 3 * LARGE));
	for (int i = 0; i < 4 * LARGE; i++)
		CHECK(large[i] == (i < LARGE ? 'L' : 'M'));
	CHECK(getrlimit(RLIMIT_STACK, &limit) == 0);
	if (limit.rlim_cur > 8 << 20)
		limit.rlim_cur = 8 << 20;
	CHECK(grow_stack(limit.rlim_cur - (256 << 10)) > 0);
	CHECK(pthread_create(&thread, NULL, run_thread, &limit) == 0);
	CHECK(pthread_join(thread, &result) == 0 && result == &limit);

	CHECK(__rseq_size > 0 && sched_getaffinity(0, sizeof cpus, &cpus) == 0);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &cpus))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		CHECK(sched_setaffinity(0, sizeof one, &one) == 0);
		CHECK(sched_getcpu() == cpu && rseq_area()->cpu_id == (unsigned)cpu);
	}
	printf("ok\n");
	return 0;
}
