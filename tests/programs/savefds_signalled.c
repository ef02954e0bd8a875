/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Gets a signal in an awkward place, as the argument says: `abort' calls abort(); `fault' writes
 * through a null pointer; `thread' gets SIGQUIT in a thread with the smallest stack there may be;
 * `child' in a child that was forked; `twice' in two threads at once.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static pthread_barrier_t both;

static void *quit_here(void *argument)
{
	if (argument)
		pthread_barrier_wait(argument);
	pthread_kill(pthread_self(), SIGQUIT);
	for (;;)
		pause();
	return NULL;
}

static void start(size_t stack, void *argument)
{
	pthread_attr_t attr;
	pthread_t t;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, stack);
	pthread_create(&t, &attr, quit_here, argument);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	int status;

	if (strcmp(how, "abort") == 0)
		abort();
	if (strcmp(how, "fault") == 0)
		*(volatile int *)argv[2] = 1;
	if (strcmp(how, "thread") == 0)
		start(PTHREAD_STACK_MIN, NULL);
	if (strcmp(how, "twice") == 0) {
		pthread_barrier_init(&both, NULL, 2);
		start(PTHREAD_STACK_MIN, &both);
		start(PTHREAD_STACK_MIN, &both);
	}
	if (strcmp(how, "child") == 0) {
		if (fork() == 0)
			raise(SIGQUIT);
		wait(&status);
		return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	}
	for (;;)
		pause();
}
