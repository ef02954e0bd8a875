/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Has 8 MiB from malloc(), reads all of it again when
 * it finds itself in another process, and stays.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SIZE = 8 << 20 };

int main(void)
{
	pid_t me = getpid();
	unsigned char *memory = malloc(SIZE);
	size_t sum = 0;

	if (!memory)
		return 1;
	memset(memory, 1, SIZE);
	printf("ready\n");
	fflush(stdout);
	while (getpid() == me)
		usleep(1000);
	for (size_t i = 0; i < SIZE; i++)
		sum += memory[i];
	if (sum != SIZE)
		return 1;
	/* At its end, whoever else has written there meanwhile. */
	FILE *f = fopen("out", "a");
	if (!f || fputs("read\n", f) < 0 || fclose(f) != 0)
		return 1;
	for (;;)
		pause();
}
