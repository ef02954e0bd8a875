/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Handlers set with sigaction() and signal().  Once resumed, both must run, the first with its mask
 * and its siginfo: exit status 0.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static volatile sig_atomic_t seen;

static void with_info(int signo, siginfo_t *info, void *context)
{
	sigset_t blocked;

	(void)context;
	sigprocmask(SIG_BLOCK, NULL, &blocked);
	if (signo == SIGUSR1 && info->si_pid == getpid() && sigismember(&blocked, SIGHUP))
		seen |= 1;
}

static void simple(int signo)
{
	if (signo == SIGUSR2)
		seen |= 2;
}

int main(void)
{
	struct sigaction action = { .sa_sigaction = with_info, .sa_flags = SA_SIGINFO };
	pid_t starter = getppid();

	sigaddset(&action.sa_mask, SIGHUP);
	sigaction(SIGUSR1, &action, NULL);
	signal(SIGUSR2, simple);
	puts("ready");
	fflush(stdout);
	while (getppid() == starter)  /* restart is another parent */
		usleep(1000);
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGUSR2);
	return seen == 3 ? 0 : 1;
}
