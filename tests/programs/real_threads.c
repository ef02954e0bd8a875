// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A thousand threads that wait for one another in several ways.  The sum must be exact, each thread
 * must find its own stack and thread variable as it left them, and the barrier needs all of them.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { THREADS = 1000, ROUNDS = 6 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn_came[THREADS];
static pthread_barrier_t barrier;
static long turn, sum;
static int tokens[2][2];  /* a pipe and an event counter: where to read and to write */
static __thread long mine;

static void must(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		exit(1);
	}
}

/* One after the other, in the order of their numbers. */
static void in_turn(long id)
{
	pthread_mutex_lock(&lock);
	while (turn != id)
		pthread_cond_wait(&turn_came[id], &lock);
	turn = (turn + 1) % THREADS;
	pthread_cond_signal(&turn_came[turn]);
	pthread_mutex_unlock(&lock);
}

/* Whoever reads the token may add to the sum. */
static void with_token(const int token[2], long n)
{
	uint64_t one;

	must(read(token[0], &one, sizeof one) == sizeof one, "read");
	sum += n;
	must(write(token[1], &one, sizeof one) == sizeof one, "write");
}

/* One thread does this while the others wait. */
static void end_of_round(int round)
{
	printf("round %d sum %ld\n", round, sum);
	if (round != ROUNDS / 2 - 1)
		return;
	puts("half");
	fflush(stdout);
	while (access("go", F_OK) != 0)
		usleep(1000);
}

static void *work(void *argument)
{
	long id = (long)argument, on_stack[16];

	for (int round = 0; round < ROUNDS; round++) {
		mine = id * ROUNDS + round;
		on_stack[round] = ~mine;
		if (round % 3 == 0)
			in_turn(id);
		else
			with_token(tokens[round % 3 - 1], mine);
		if (mine != id * ROUNDS + round || on_stack[round] != ~mine)
			printf("thread %ld is not itself\n", id);
		if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
			end_of_round(round);
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

int main(void)
{
	pthread_t threads[THREADS];
	pthread_attr_t attr;
	uint64_t one = 1;

	must(pipe(tokens[0]) == 0 && write(tokens[0][1], &one, sizeof one) == sizeof one, "pipe");
	tokens[1][0] = tokens[1][1] = eventfd(one, EFD_CLOEXEC);
	must(tokens[1][0] >= 0, "eventfd");
	pthread_barrier_init(&barrier, NULL, THREADS);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	for (long i = 0; i < THREADS; i++)
		must(pthread_create(&threads[i], &attr, work, (void *)i) == 0, "pthread_create");
	for (long i = 0; i < THREADS; i++)
		must(pthread_join(threads[i], NULL) == 0, "pthread_join");
	puts("end");
	return 0;
}
