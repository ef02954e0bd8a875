// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * One thread that computes, is interrupted by a timer, and has a handler wait a while; until it
 * reads a byte.  All that the computation touches, registers included, must come out right.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/time.h>

#include "tests/programs/restart_victim.h"

static volatile int ticks;
static void on_tick(int signo) { (void)signo; ticks++; }

static double chaos(double x)
{
	for (int i = 0; i < 10000; i++)
		x = 3.9 * x * (1 - x);
	return x;
}

int main(void)
{
	struct itimerval timer = { { 0, 3000 }, { 0, 3000 } };
	struct sigaction action = { .sa_handler = on_tick, .sa_flags = SA_RESTART };
	double first = chaos(0.5), now;
	char byte;

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	fcntl(0, F_SETFL, O_NONBLOCK);
	CHECK(write(1, "ready\n", 6) == 6);
	while (read(0, &byte, 1) != 1) {
		now = chaos(0.5);
		CHECK(memcmp(&now, &first, sizeof now) == 0);
	}
	CHECK(ticks > 0);
	CHECK(write(1, "ok\n", 3) == 3);
	return 0;
}
