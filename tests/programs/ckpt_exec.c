// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Starts itself again and again, in turn from the
 * leader and from another thread, N times; then `ok'.
 */
#define _GNU_SOURCE
#include <pthread.h>

#include "tests/programs/restart_victim.h"

static char **arguments;

static void *again(void *unused)
{
	(void)unused;
	execv("/proc/self/exe", arguments);
	CHECK(!"exec");
	return NULL;
}

static void *idle(void *unused)
{
	pause();
	return unused;
}

int main(int argc, char **argv)
{
	long left = argc > 1 ? atol(argv[1]) : 0;
	pthread_t thread, other;
	char number[24];

	if (left == 0)
		return dprintf(1, "ok\n") != 3;
	snprintf(number, sizeof number, "%ld", left - 1);
	arguments = (char *[]){ argv[0], number, NULL };
	CHECK(pthread_create(&other, NULL, idle, NULL) == 0);
	if (left % 2)
		again(NULL);
	CHECK(pthread_create(&thread, NULL, again, NULL) == 0);
	for (;;)
		pause();
}
