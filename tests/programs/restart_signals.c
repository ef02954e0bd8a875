/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Invariant: with the state text, all signal dispositions are after the restart what they were;
 * blocked signals are blocked; a handler runs on the alternate stack that was set before.
 */
#define _GNU_SOURCE
#include <string.h>

#include "tests/programs/restart_victim.h"

static char stack[65536];
static volatile int got, value, inside;

static void handler(int signo, siginfo_t *info, void *context)
{
	char here;

	(void)context;
	got = signo;
	value = info->si_value.sival_int;
	inside = &here >= stack && &here < stack + sizeof stack;
}

static void read_dispositions(struct sigaction actions[NSIG])
{
	memset(actions, 0, NSIG * sizeof *actions);
	for (int i = 1; i < NSIG; i++)
		sigaction(i, NULL, &actions[i]);
}

int main(void)
{
	static struct sigaction before[NSIG], after[NSIG];
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	stack_t alternate = { .ss_sp = stack, .ss_size = sizeof stack }, now;
	sigset_t set, blocked;

	sigaddset(&action.sa_mask, SIGHUP);
	CHECK(sigaction(SIGUSR1, &action, NULL) == 0 &&
	      sigaction(SIGRTMIN + 3, &action, NULL) == 0);
	signal(SIGUSR2, SIG_IGN);
	CHECK(sigaltstack(&alternate, NULL) == 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGTERM);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	read_dispositions(before);

	checkpoint();

	read_dispositions(after);
	for (int i = 1; i < NSIG; i++) {
		CHECK(before[i].sa_handler == after[i].sa_handler);
		if (before[i].sa_handler != SIG_DFL && before[i].sa_handler != SIG_IGN)
			CHECK(memcmp(&before[i], &after[i], sizeof after[i]) == 0);
	}
	CHECK(sigprocmask(SIG_BLOCK, NULL, &blocked) == 0);
	for (int i = 1; i < NSIG; i++)
		CHECK(sigismember(&blocked, i) == sigismember(&set, i));
	CHECK(sigaltstack(NULL, &now) == 0 && now.ss_sp == stack && now.ss_size == sizeof stack &&
	      now.ss_flags == 0);
	CHECK(sigqueue(getpid(), SIGUSR1, (union sigval){ .sival_int = 11 }) == 0 && got == 0);
	CHECK(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0 && got == SIGUSR1 && value == 11 && inside);
	CHECK(sigqueue(getpid(), SIGRTMIN + 3, (union sigval){ .sival_int = 12 }) == 0 &&
	      value == 12);
	CHECK(raise(SIGUSR2) == 0);
	printf("ok\n");
	return 0;
}
