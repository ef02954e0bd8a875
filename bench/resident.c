/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A process of a given resident size that says `ready' and waits to be
 * checkpointed; once resumed, by another parent, it exits at once: what is
 * left between the start of restart and its end is the price of the restart.
 *
 *	resident MIB [THREADS]
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

__attribute__((noreturn)) static void *sleep_forever(void *ready)
{
	pthread_barrier_wait(ready);
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	size_t size = (argc > 1 ? strtoul(argv[1], NULL, 0) : 1) << 20;
	unsigned threads = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 0) : 1;
	pthread_barrier_t ready;
	pthread_t thread;
	char *memory = aligned_alloc(4096, size);

	if (!memory) {
		perror("resident");
		return 1;
	}
	/* Not by madvise(): the memory is to be one mapping, as malloc's is. */
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	for (size_t i = 0; i < size; i += 4096)
		memory[i] = (char)(i >> 12 | 1);
	pthread_barrier_init(&ready, NULL, threads);
	for (unsigned i = 1; i < threads; i++)
		if (pthread_create(&thread, NULL, sleep_forever, &ready) != 0)
			return 1;
	pthread_barrier_wait(&ready);
	pid_t parent = getppid();
	if (write(1, "ready\n", 6) != 6)
		return 1;
	while (getppid() == parent)
		;
	_exit(0);
}
