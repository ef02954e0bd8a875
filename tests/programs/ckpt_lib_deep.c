/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Has a handler, uses much of its stack once, and waits until `go' is there.  Says whether the
 * handler is still there, and ends with status 7.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t handled;

static void handler(int signo)
{
	handled = signo;
}

static int use(int depth)
{
	volatile char bytes[4096];

	memset((char *)bytes, depth, sizeof bytes);
	return depth ? use(depth - 1) + bytes[depth] : 0;
}

int main(void)
{
	if (signal(SIGUSR2, handler) == SIG_ERR || use(300) < 0)
		return 1;
	printf("ready\n");
	fflush(stdout);
	while (access("go", F_OK) < 0)
		usleep(10000);
	raise(SIGUSR2);
	printf("%s\n", handled == SIGUSR2 ? "handled" : "not handled");
	return 7;
}
