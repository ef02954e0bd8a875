/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sigaction() and signal(), in front of those of the C library.
 *
 * Many programs set the checkpoint signal for their own use: shells and editors handle SIGTSTP,
 * node sets every signal to its default when it starts.  Who runs them with checkpointing wants a
 * checkpoint. So the program is answered as if it had its will, and is told that when it asks
 * again.
 */
#define _GNU_SOURCE
#include <string.h>

#include "libckpt/agent.h"
#include "process/interpose.h"

EXPORT sighandler_t sigset(int signo, sighandler_t disposition);
EXPORT int sigignore(int signo);

static struct sigaction to_libc(const struct kernel_sigaction *k)
{
	struct sigaction act = { .sa_flags = (int)k->flags };

	act.sa_handler = (sighandler_t)(uintptr_t)k->handler;
	memcpy(&act.sa_mask, &k->mask, sizeof k->mask);
	return act;
}

static void want(int signo, const struct sigaction *act)
{
	struct kernel_sigaction k = {
		.handler = (uintptr_t)act->sa_handler, .flags = (unsigned)act->sa_flags,
	};

	memcpy(&k.mask, &act->sa_mask, sizeof k.mask);
	wanted_actions[signo] = k;
}

int sigaction(int signo, const struct sigaction *act, struct sigaction *old)
{
	struct sigaction before;

	if (!handler_owns(signo))
		return __sigaction(signo, act, old);
	before = to_libc(&wanted_actions[signo]);
	if (act)
		want(signo, act);
	if (old)
		*old = before;
	return 0;
}

/* The C library's own knows of siginterrupt(), so it is used wherever it may be. */
sighandler_t signal(int signo, sighandler_t handler)
{
	return handler_owns(signo) ? interpose_signal(signo, handler, SA_RESTART)
				   : ssignal(signo, handler);
}

sighandler_t bsd_signal(int signo, sighandler_t handler)
{
	return signal(signo, handler);
}

sighandler_t sysv_signal(int signo, sighandler_t handler)
{
	return interpose_signal(signo, handler, SIGNAL_SYSV);
}

sighandler_t __sysv_signal(int signo, sighandler_t handler)
{
	return sysv_signal(signo, handler);
}

/* System V's way, which vim uses: the handler and the mask at once. */
sighandler_t sigset(int signo, sighandler_t disposition)
{
	struct sigaction act = { .sa_handler = disposition }, old;
	sigset_t mask, before;

	sigemptyset(&mask);
	if (sigaddset(&mask, signo) < 0 ||
	    sigaction(signo, disposition == SIG_HOLD ? NULL : &act, &old) < 0)
		return SIG_ERR;
	/* The checkpoint signal is not held up. */
	if (sigprocmask(disposition == SIG_HOLD && !handler_owns(signo) ? SIG_BLOCK : SIG_UNBLOCK,
			&mask, &before) < 0)
		return SIG_ERR;
	return sigismember(&before, signo) ? SIG_HOLD : old.sa_handler;
}

int sigignore(int signo)
{
	struct sigaction act = { .sa_handler = SIG_IGN };

	return sigaction(signo, &act, NULL);
}
