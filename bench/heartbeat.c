/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A process of a given resident size, in 4 KiB pages, that watches its own heartbeat.  It says
 * `ready', beats, and does as it is told by a character on standard input; each answer is a line.
 *
 *	f	forks, as bare as can be: how long that took, in microseconds
 *	g	the longest time between two beats since it was last asked, in microseconds
 *	i	stops beating and sleeps, until it is told something else (no answer)
 *
 * It ends with its standard input.
 *
 *	heartbeat MIB [THREADS]
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

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

__attribute__((noreturn)) static void *sleep_forever(void *unused)
{
	(void)unused;
	for (;;)
		pause();
}

static int fill(size_t size)
{
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return -1;
	madvise(memory, size, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < size; i += 4096)
		memory[i] = (char)(i >> 12 | 1);
	return 0;
}

/* Beats until it is told something; LONGEST is what was seen. */
static int beat(char *command, double *longest)
{
	ssize_t n = -1;

	for (double last = now(), t; n < 0; last = t) {
		t = now();
		if (t - last > *longest)
			*longest = t - last;
		n = read(STDIN_FILENO, command, 1);
	}
	return (int)n;
}

int main(int argc, char **argv)
{
	unsigned threads = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 0) : 1;
	struct pollfd told = { .fd = STDIN_FILENO, .events = POLLIN };
	double longest = 0;
	pthread_t thread;
	char command;

	if (fill((argc > 1 ? strtoul(argv[1], NULL, 0) : 1) << 20) < 0) {
		perror("heartbeat");
		return 1;
	}
	for (unsigned i = 1; i < threads; i++)
		if (pthread_create(&thread, NULL, sleep_forever, NULL) != 0)
			return 1;
	fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
	setlinebuf(stdout);
	puts("ready");
	while (beat(&command, &longest) > 0) {
		if (command == 'f')
			printf("%.0f\n", time_fork());
		if (command == 'g')
			printf("%.0f\n", longest);
		if (command == 'i')
			poll(&told, 1, -1);
		longest = command == 'g' ? 0 : longest;
	}
	return 0;
}
