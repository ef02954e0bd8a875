// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Threads that take turns: each adds its number to a sum when the turn is its own, so that a thread
 * that is lost, or a turn that is taken twice, shows in the result.
 *
 *	$ LD_PRELOAD=../lib/libsavefds.so ./threads WORKERS ROUNDS > result
 *	^\Quit (core dumped)
 *	$ restart -f -n -w threads core.*
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t next = PTHREAD_COND_INITIALIZER;
static long workers = 4, rounds = 20000, turn;
static uint32_t sum;
static __thread long taken;  /* by this thread: thread-local storage comes back as well */

static void *work(void *arg)
{
	long me = (intptr_t)arg;

	for (long round = 0; round < rounds; round++) {
		pthread_mutex_lock(&lock);
		while (turn % workers != me)
			pthread_cond_wait(&next, &lock);
		sum = sum * 31 + (uint32_t)me;
		taken++;
		turn++;
		pthread_cond_broadcast(&next);
		pthread_mutex_unlock(&lock);
		if (me == 0 && round % 1000 == 0)
			printf("round %ld\n", round);
	}
	return (void *)(intptr_t)taken;
}

int main(int argc, char **argv)
{
	workers = argc > 1 ? atol(argv[1]) : workers;
	rounds = argc > 2 ? atol(argv[2]) : rounds;

	pthread_t *threads = calloc((size_t)workers, sizeof *threads);
	void *turns;
	long all = 0;

	setlinebuf(stdout);
	for (long i = 0; i < workers; i++)
		if (pthread_create(&threads[i], NULL, work, (void *)(intptr_t)i) != 0)
			return 1;
	for (long i = 0; i < workers; i++) {
		pthread_join(threads[i], &turns);
		all += (intptr_t)turns;
	}
	printf("%ld turns, sum %u\n", all, sum);
	return 0;
}
