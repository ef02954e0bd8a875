/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Invariant: a process can be dumped and restarted as often as one likes.  Each round adds to
 * memory of every kind, and in the end all of it is there; with a thread that counts the rounds
 * as well.
 */
#include <pthread.h>
#include <string.h>

#include "tests/programs/restart_victim.h"

enum { ROUNDS = 5, BLOCK = 1 << 20 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int rounds, seen;

static void *count(void *arg)
{
	pthread_mutex_lock(&lock);
	while (seen < ROUNDS) {
		while (seen == rounds)
			pthread_cond_wait(&changed, &lock);
		seen++;
		pthread_cond_broadcast(&changed);
	}
	pthread_mutex_unlock(&lock);
	return arg;
}

int main(void)
{
	char *blocks[ROUNDS], *never_written_again = memset(malloc(BLOCK), 'n', BLOCK);
	pthread_t thread;

	pthread_create(&thread, NULL, count, NULL);
	for (int i = 0; i < ROUNDS; i++) {
		blocks[i] = memset(malloc(BLOCK), 'a' + i, BLOCK);
		checkpoint();
		pthread_mutex_lock(&lock);
		rounds++;
		pthread_cond_broadcast(&changed);
		while (seen < rounds)
			pthread_cond_wait(&changed, &lock);
		pthread_mutex_unlock(&lock);
		printf("round %d\n", rounds);
		fflush(stdout);
	}
	CHECK(pthread_join(thread, NULL) == 0);
	for (int i = 0; i < ROUNDS * BLOCK; i++)
		CHECK(blocks[i / BLOCK][i % BLOCK] == 'a' + i / BLOCK);
	for (int i = 0; i < BLOCK; i++)
		CHECK(never_written_again[i] == 'n');
	printf("ok\n");
	return 0;
}
