/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sigaction() and signal(), in front of those of the C library.
 *
 * Some programs set every signal to SIG_DFL when they start (node, shells), which would remove our
 * handler.  So where a program asks for SIG_DFL on a watched signal our handler is what it gets,
 * and where our handler is what it would be told of, it is told SIG_DFL.  A handler of its own, and
 * SIG_IGN, are the program's right (SAVEFDS_FORCE takes away the latter).
 *
 * Whether our handler is installed is asked of the kernel each time and kept nowhere: a child of
 * vfork() changes its own actions but shares our memory.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>

#include "libsavefds/library.h"

#define EXPORT __attribute__((visibility("default")))

/* glibc exports sigaction() and signal() under these names too, which nobody calls. */
extern int __sigaction(int signo, const struct sigaction *act, struct sigaction *old);
extern sighandler_t ssignal(int signo, sighandler_t handler);

EXPORT int sigaction(int signo, const struct sigaction *act, struct sigaction *old);
EXPORT sighandler_t signal(int signo, sighandler_t handler);
EXPORT sighandler_t bsd_signal(int signo, sighandler_t handler);
EXPORT sighandler_t sysv_signal(int signo, sighandler_t handler);
EXPORT sighandler_t __sysv_signal(int signo, sighandler_t handler);

int real_sigaction(int signo, const struct sigaction *act, struct sigaction *old)
{
	return __sigaction(signo, act, old);
}

static bool is_ours(const struct sigaction *act)
{
	return act->sa_flags & SA_SIGINFO && act->sa_sigaction == handle_signal;
}

static bool leaves_it_to_us(const struct sigaction *act)
{
	return act->sa_handler == SIG_DFL || (act->sa_handler == SIG_IGN && settings_force());
}

int sigaction(int signo, const struct sigaction *act, struct sigaction *old)
{
	struct sigaction ours;

	if (!settings_watch(signo))
		return __sigaction(signo, act, old);
	if (act && leaves_it_to_us(act)) {
		ours = handler_action();
		act = &ours;
	}
	if (__sigaction(signo, act, old) < 0)
		return -1;
	if (old && is_ours(old))
		*old = (struct sigaction){ .sa_handler = SIG_DFL };
	return 0;
}

static sighandler_t set_handler(int signo, sighandler_t handler, int flags)
{
	struct sigaction act = { .sa_handler = handler, .sa_flags = flags }, old;

	if (handler == SIG_ERR) {
		errno = EINVAL;
		return SIG_ERR;
	}
	sigemptyset(&act.sa_mask);
	if (!(flags & (int)SA_RESETHAND))
		sigaddset(&act.sa_mask, signo);
	return sigaction(signo, &act, &old) < 0 ? SIG_ERR : old.sa_handler;
}

sighandler_t signal(int signo, sighandler_t handler)
{
	/* The C library's own knows of siginterrupt(), so it is used wherever it may be. */
	return settings_watch(signo) ? set_handler(signo, handler, SA_RESTART)
				     : ssignal(signo, handler);
}

sighandler_t bsd_signal(int signo, sighandler_t handler)
{
	return signal(signo, handler);
}

sighandler_t sysv_signal(int signo, sighandler_t handler)
{
	return set_handler(signo, handler, (int)(SA_RESETHAND | SA_NODEFER | SA_INTERRUPT));
}

sighandler_t __sysv_signal(int signo, sighandler_t handler)
{
	return sysv_signal(signo, handler);
}
