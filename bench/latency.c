/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Times fork + exec + wait of a command: runs it COUNT times after a warm-up and prints the median
 * in microseconds.
 *
 *	latency COUNT COMMAND [ARGS...]
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WARM_UP = 2, COUNT_MAX = 10000 };

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double run(char **argv, int null)
{
	double start = now();
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		dup2(null, 1);
		dup2(null, 2);
		execvp(argv[0], argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
		fprintf(stderr, "latency: %s: status 0x%x\n", argv[0], (unsigned)status);
		exit(1);
	}
	return now() - start;
}

int main(int argc, char **argv)
{
	int count = argc > 2 ? atoi(argv[1]) : 0;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	static double times[COUNT_MAX];

	if (count < 1 || count > COUNT_MAX || null < 0) {
		fprintf(stderr, "usage: latency COUNT COMMAND [ARGS...]\n");
		return 2;
	}
	for (int i = -WARM_UP; i < count; i++) {
		double t = run(argv + 2, null);

		if (i >= 0)
			times[i] = t;
	}
	qsort(times, (size_t)count, sizeof times[0], compare);
	printf("%.0f\n", times[count / 2]);
	return 0;
}
