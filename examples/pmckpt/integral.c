/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A long computation for pmckpt(7): pi, as the integral of 4 / (1 + x * x) from 0 to 1, by halves
 * of halves.  A timer has a checkpoint made after every 100 ms of its work, however deep the calls
 * are then.  (Of 100 ms of real time, a busy machine would have it spend most on checkpoints.)
 *
 * integral [DEPTH]: 2^DEPTH intervals, 27 unless told otherwise.  Prints the sum, also as its bits,
 * and how many intervals it took.
 */
#include "pmckpt.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

static unsigned long intervals;

static void on_alarm(int signo)
{
	(void)signo;
	ckpt_schedule();
}

static double integrate(double from, double to, int depth)
{
CKPT VARS
	double middle = (from + to) / 2, left, right;
CKPT TOPS
	if (depth == 0) {
		intervals++;
		return (to - from) * 4 / (1 + middle * middle);
	}
CKPT POINT before_left at_left
	left = integrate(from, middle, depth - 1);
CKPT POINT before_right at_right
	right = integrate(middle, to, depth - 1);
	return left + right;
CKPT BOTS
}

int main(int argc, char **argv)
{
CKPT VARS
	struct itimerval every = { { 0, 100000 }, { 0, 100000 } };
	int depth = argc > 1 ? atoi(argv[1]) : 27;
	double sum;
CKPT TOPS
	ckpt_init();
	signal(SIGVTALRM, on_alarm);
	setitimer(ITIMER_VIRTUAL, &every, NULL);
CKPT POINT before at
	sum = integrate(0, 1, depth);
	printf("%.9f %a %lu\n", sum, sum, intervals);
	return 0;
CKPT BOTS
}
