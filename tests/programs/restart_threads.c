/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Invariant: threads come back with their locks and their thread-local memory: mutexes that are
 * held (error-checking, recursive, robust) know their owner, waiters on a condition wake, threads
 * can be joined.  With the argument `ids' (libc knows the ids that threads have now) a signal also
 * reaches a thread, and a robust mutex tells that its owner died.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "tests/programs/restart_victim.h"

static pthread_mutex_t plain = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t checking = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
static pthread_mutex_t recursive = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static pthread_mutex_t robust;
static pthread_cond_t begin = PTHREAD_COND_INITIALIZER, end = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static int ready, go, signalled;
static __thread long local;

static void on_signal(int signo)
{
	signalled += signo;
}

/* Both wait; one holds the robust mutex meanwhile, and ends holding it. */
static void *wait_in(void *arg)
{
	local = (long)arg;
	if (local == 1)
		CHECK(pthread_mutex_lock(&robust) == 0);
	pthread_mutex_lock(&plain);
	ready++;
	pthread_cond_signal(&begin);
	while (!go)
		pthread_cond_wait(&end, &plain);
	CHECK(local == (long)arg && pthread_mutex_unlock(&plain) == 0);
	return (void *)(local + 10);
}

int main(int argc, char **argv)
{
	bool ids = argc > 1 && strcmp(argv[1], "ids") == 0;
	pthread_mutexattr_t attr;
	pthread_t thread[2];
	void *result;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&robust, &attr);
	for (long i = 0; i < 2; i++)
		CHECK(pthread_create(&thread[i], NULL, wait_in, (void *)i) == 0);
	pthread_mutex_lock(&plain);
	while (ready < 2)
		pthread_cond_wait(&begin, &plain);
	CHECK(pthread_mutex_lock(&checking) == 0 && pthread_rwlock_wrlock(&rwlock) == 0);
	CHECK(pthread_mutex_lock(&recursive) == 0 && pthread_mutex_lock(&recursive) == 0);
	local = 7;

	checkpoint();

	CHECK(local == 7 && pthread_mutex_lock(&checking) == EDEADLK);
	CHECK(pthread_mutex_unlock(&checking) == 0 && pthread_mutex_unlock(&checking) == EPERM);
	CHECK(pthread_mutex_unlock(&recursive) == 0 && pthread_mutex_unlock(&recursive) == 0 &&
	      pthread_mutex_unlock(&recursive) == EPERM);
	CHECK(pthread_rwlock_unlock(&rwlock) == 0 && pthread_rwlock_rdlock(&rwlock) == 0);
	CHECK(pthread_mutex_trylock(&robust) == EBUSY);
	signal(SIGUSR1, on_signal);
	if (ids) {
		pthread_attr_t found;

		CHECK(pthread_kill(thread[0], SIGUSR1) == 0);
		CHECK(pthread_getattr_np(thread[1], &found) == 0 &&
		      pthread_attr_destroy(&found) == 0);
		CHECK(pthread_getattr_np(pthread_self(), &found) == 0 &&
		      pthread_attr_destroy(&found) == 0);
	}
	go = 1;
	pthread_cond_broadcast(&end);
	CHECK(pthread_mutex_unlock(&plain) == 0);
	for (long i = 0; i < 2; i++)
		CHECK(pthread_join(thread[i], &result) == 0 && result == (void *)(i + 10));
	if (ids) {
		CHECK(signalled == SIGUSR1 && pthread_mutex_lock(&robust) == EOWNERDEAD);
		CHECK(pthread_mutex_consistent(&robust) == 0 && pthread_mutex_unlock(&robust) == 0);
	}
	printf("ok\n");
	return 0;
}
