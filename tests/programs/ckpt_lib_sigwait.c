/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The way of many daemons: signals are blocked in all threads, and one thread waits for them.  A
 * signal ends it.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static sigset_t set;

static void *wait_for_signals(void *unused)
{
	int signo;

	(void)unused;
	if (sigwait(&set, &signo) != 0)
		exit(1);
	printf("signal %d\n", signo);
	exit(0);
}

int main(void)
{
	pthread_t thread;

	sigemptyset(&set);
	sigaddset(&set, SIGTSTP);
	sigaddset(&set, SIGTERM);
	if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0 ||
	    pthread_create(&thread, NULL, wait_for_signals, NULL) != 0)
		return 1;
	printf("ready\n");
	fflush(stdout);
	for (;;)
		pause();
}
