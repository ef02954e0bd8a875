/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Counts into its standard output, and has 64 MiB that say how far it has come.  SIGINT schedules a
 * checkpoint.  When there is a file `go', exits with 7, or 1 when the memory is wrong.
 */
#include "pmckpt.h"
#include <stdlib.h>
#include <stdio.h>
#include <unistd.h>

enum { SIZE = 8 << 20 };

static void on_interrupt(int signo)
{
	(void)signo;
	ckpt_schedule();
}

int main(void)
{
CKPT VARS
	long *memory = malloc(SIZE * sizeof *memory);
CKPT TOPS
	signal(SIGINT, on_interrupt);
	for (long i = 0; i < SIZE; i++)
		memory[i] = i;
	for (int round = 1; access("go", F_OK) < 0; round++) {
		printf("%d\n", round);
		fflush(stdout);
		usleep(10000);
CKPT POINT x y
	}
	for (long i = 0; i < SIZE; i++)
		if (memory[i] != i)
			return 1;
	return 7;
CKPT BOTS
}
