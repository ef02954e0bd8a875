/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Gives SIGTSTP its default action back in all the ways of System V, and waits. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

int main(void)
{
	if (sigset(SIGTSTP, SIG_IGN) == SIG_ERR || sigset(SIGTSTP, SIG_DFL) != SIG_IGN ||
	    sigignore(SIGTSTP) != 0 || sigset(SIGTSTP, SIG_DFL) != SIG_IGN)
		return 1;
	printf("ready\n");
	fflush(stdout);
	for (;;)
		pause();
}
