/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Four threads, each of which appends to a file of its own, on descriptors 100 to 103, as fast as
 * it can; the first thread waits.  Prints `ready' when all of them write.  Their files must be as
 * long at the end of the process as the text says.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

enum { WRITERS = 4, FIRST = 100 };

static pthread_barrier_t all_write;

static void *append(void *argument)
{
	int fd = (int)(intptr_t)argument;

	write(fd, "x", 1);
	pthread_barrier_wait(&all_write);
	while (write(fd, "x", 1) == 1)
		;
	return NULL;
}

int main(void)
{
	pthread_t t;

	pthread_barrier_init(&all_write, NULL, WRITERS + 1);
	for (int i = 0; i < WRITERS; i++) {
		char name[20];

		snprintf(name, sizeof name, "file%d", i);
		int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);

		dup2(fd, FIRST + i);
		close(fd);
		pthread_create(&t, NULL, append, (void *)(intptr_t)(FIRST + i));
	}
	pthread_barrier_wait(&all_write);
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
