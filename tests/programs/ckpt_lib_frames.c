/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Waits in inner_function(), called by outer_function(), for the checkpoint signal: in main() or,
 * with an argument, in a thread, which is then the only one that takes it.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

__attribute__((noinline)) static void inner_function(void)
{
	for (;;)
		pause();
}

__attribute__((noinline)) static void *outer_function(void *argument)
{
	puts("waits");
	fflush(stdout);
	inner_function();
	return argument;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	sigset_t all;

	(void)argv;
	if (argc == 1)
		outer_function(NULL);
	pthread_create(&thread, NULL, outer_function, NULL);
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	pthread_join(thread, NULL);
	return 0;
}
