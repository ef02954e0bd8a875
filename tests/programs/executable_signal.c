/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Has a handler for SIGUSR1, waits for the file named
 * on the command line, and says how often it ran.
 */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static volatile sig_atomic_t count;

static void handler(int signo)
{
	(void)signo;
	count++;
}

int main(int argc, char **argv)
{
	if (argc < 2 || signal(SIGUSR1, handler) == SIG_ERR)
		return 1;
	printf("ready\n");
	fflush(stdout);
	while (access(argv[1], F_OK) != 0)
		usleep(10000);
	printf("%s\n", count == 1 ? "once" : "not once");
	return 0;
}
