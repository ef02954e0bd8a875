/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A first program for pmckpt(7): 13 lines of output, each followed by a CKPT POINT.  Type ^C at any
 * moment: the state is saved in CHECKPOINT after the next line.
 *
 * test [MILLISECONDS]: between two lines; 1000 unless told otherwise.
 */
#include "pmckpt.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static struct timespec pace = { .tv_sec = 1 };

static void on_interrupt(int signo)
{
	(void)signo;
	ckpt_schedule();
}

static void say(const char *who, int number);
static void sub1(int number);
static void sub2(int number);

int main(int argc, char **argv)
{
CKPT VARS
	int i;
	long ms = argc > 1 ? atol(argv[1]) : 1000;
CKPT TOPS
	ckpt_init();
	signal(SIGINT, on_interrupt);
	pace = (struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
	say("main", 0);
CKPT POINT x0 y0
	for (i = 1; i <= 2; i++) {
		say("main", i);
CKPT POINT x1 y1
		sub1(i);
	}
	return 0;
CKPT BOTS
}

static void sub1(int number)
{
CKPT VARS
	int i;
CKPT TOPS
	for (i = 1; i <= 2; i++) {
		say("sub1", 10 * number + i);
CKPT POINT x1 y1
		sub2(10 * number + i);
	}
	say("sub1", 10 * number);
CKPT POINT x2 y2
CKPT BOTS
}

static void sub2(int number)
{
CKPT VARS
CKPT TOPS
	say("sub2", 10 * number);
CKPT POINT x y
CKPT BOTS
}

static void say(const char *who, int number)
{
	struct timespec rest = pace;

	printf("%s %d\n", who, number);
	fflush(stdout);
	while (nanosleep(&rest, &rest) < 0)
		;
}
