/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * chain_threads STEPS: a simulation. Eight threads advance a row of cells, each its own part, and
 * meet at a barrier twice a step; a recursive lock is held meanwhile; a line a step.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { THREADS = 8, CELLS = 8 * 4096 };

static double now[CELLS], next[CELLS];
static pthread_barrier_t barrier;
static pthread_mutex_t turn = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static long steps;

static double at(long i)
{
	return now[(i + CELLS) % CELLS];
}

static void *advance(void *arg)
{
	long first = (long)arg * (CELLS / THREADS);

	for (long s = 0; s < steps; s++) {
		for (long i = first; i < first + CELLS / THREADS; i++)
			next[i] = 0.49 * at(i - 1) + 0.02 * at(i) + 0.49 * at(i + 1);
		pthread_barrier_wait(&barrier);
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];

	steps = argc > 1 ? atol(argv[1]) : 10;
	for (long i = 0; i < CELLS; i++)
		now[i] = (double)(i * 7919 % 1000);
	if (pthread_barrier_init(&barrier, NULL, THREADS + 1) != 0)
		return 1;
	for (long i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, advance, (void *)i) != 0)
			return 1;
	for (long s = 0; s < steps; s++) {
		pthread_mutex_lock(&turn);
		pthread_mutex_lock(&turn);
		pthread_barrier_wait(&barrier);
		for (long i = 0; i < CELLS; i++)
			now[i] = next[i];
		printf("%ld %.12g %.12g\n", s, now[0], now[CELLS / 2]);
		if (s % 3 == 0)
			fflush(stdout);
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
		if (pthread_mutex_unlock(&turn) != 0 || pthread_mutex_unlock(&turn) != 0)
			return 1;
		pthread_barrier_wait(&barrier);
	}
	for (long i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	printf("end\n");
	return 0;
}
