/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writes the numbers from 1 to N, a line each, every 20 ms; then what it sees of the environment
 * and its process id to the file `said', when it has SAYS in its environment.  Ends with status 42.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 10;

	for (int i = 1; i <= n; i++) {
		nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
		printf("%d\n", i);
		fflush(stdout);
	}
	if (getenv("SAYS")) {
		FILE *f = fopen("said", "w");

		if (!f || fprintf(f, "%s, process %d\n", getenv("SAYS"), (int)getpid()) < 0 ||
		    fclose(f) != 0)
			return 1;
	}
	return 42;
}
