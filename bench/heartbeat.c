/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A process of a given resident size, in 4 KiB pages, that watches its own heartbeat: it prints the
 * time of a bare fork of itself in microseconds, then beats until it gets SIGUSR1, and prints the
 * longest time between two beats.
 *
 *	heartbeat MIB
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t done;

static void stop(int signo)
{
	(void)signo;
	done = 1;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double time_fork(void)
{
	double start = now();
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	double time = now() - start;
	waitpid(pid, NULL, 0);
	return time;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
	enum { FORKS = 5 };
	size_t size = (argc > 1 ? strtoul(argv[1], NULL, 0) : 1) << 20;
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	double forks[FORKS], longest = 0;

	if (memory == MAP_FAILED) {
		perror("heartbeat");
		return 1;
	}
	signal(SIGUSR1, stop);
	madvise(memory, size, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < size; i += 4096)
		memory[i] = (char)(i >> 12 | 1);
	time_fork();
	for (int i = 0; i < FORKS; i++)
		forks[i] = time_fork();
	qsort(forks, FORKS, sizeof forks[0], compare);
	printf("%.0f\n", forks[FORKS / 2]);
	fflush(stdout);
	for (double last = now(), t; !done; last = t) {
		t = now();
		if (t - last > longest)
			longest = t - last;
	}
	printf("%.0f\n", longest);
	return 0;
}
