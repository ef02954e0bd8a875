/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "ckpt/guard.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t guard;  /* 0: there is none */

/* What the terminal sends is for ckpt itself: its end is ours, in good time. */
static void leave_to_guard(void)
{
	static const int signals[] = { SIGINT, SIGQUIT, SIGHUP, SIGTERM };

	for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
		signal(signals[i], SIG_IGN);
}

__attribute__((noreturn)) static void wait_for_worker(pid_t worker)
{
	int status;

	while (waitpid(worker, &status, 0) < 0 && errno == EINTR)
		;
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

int guard_begin(struct error *err)
{
	pid_t parent = getpid(), worker = fork();

	if (worker < 0)
		return error_sys(err, errno, "fork");
	if (worker > 0)
		wait_for_worker(worker);
	guard = parent;
	leave_to_guard();
	guard_ease();
	return 0;
}

bool guard_hold(void)
{
	if (!guard)
		return true;
	prctl(PR_SET_PDEATHSIG, 0);
	return getppid() == guard;
}

void guard_ease(void)
{
	if (!guard)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != guard)
		raise(SIGKILL);
}
