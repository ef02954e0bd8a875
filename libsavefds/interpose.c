/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sigaction() and signal(), in front of those of the C library.
 *
 * Some programs set every signal to SIG_DFL when they start (node, shells), which would remove our
 * handler.  So where a program asks for SIG_DFL on a watched signal our handler is what it gets,
 * and where our handler is what it would be told of, it is told SIG_DFL.  A handler of its own, and
 * SIG_IGN, are the program's right (SAVEFDS_FORCE takes away the latter).
 *
 * The program's own handlers are remembered for restart (process/remembered.h).
 *
 * Whether our handler is installed is asked of the kernel each time and kept nowhere: a child of
 * vfork() changes its own actions but shares our memory.
 */
#define _GNU_SOURCE
#include <stddef.h>

#include "libsavefds/library.h"
#include "process/interpose.h"
#include "process/raw_x86_64.h"

EXPORT extern struct remembered savefds_remembered;
struct remembered savefds_remembered = { .version = REMEMBERED_VERSION };

/*
 * Notes the handler that SIGNO has now, as the kernel tells it.  A child of vfork(), which shares
 * our memory, resets signals but installs no handlers: so nothing is ever taken back.
 */
static void remember(int signo)
{
	struct kernel_sigaction now;
	enum { SIG_IGN_VALUE = 1 };

	if (signo > 0 && signo < REMEMBERED_SIGNALS &&
	    raw_syscall(SYS_rt_sigaction, signo, 0, (long)&now, sizeof now.mask, 0) == 0 &&
	    now.handler > SIG_IGN_VALUE)
		savefds_remembered.actions[signo] = now;
}

int real_sigaction(int signo, const struct sigaction *act, struct sigaction *old)
{
	int result = __sigaction(signo, act, old);

	if (act && result == 0)
		remember(signo);
	return result;
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
		return real_sigaction(signo, act, old);
	if (act && leaves_it_to_us(act)) {
		ours = handler_action();
		act = &ours;
	}
	if (real_sigaction(signo, act, old) < 0)
		return -1;
	if (old && is_ours(old))
		*old = (struct sigaction){ .sa_handler = SIG_DFL };
	return 0;
}

sighandler_t signal(int signo, sighandler_t handler)
{
	if (settings_watch(signo))
		return interpose_signal(signo, handler, SA_RESTART);
	/* The C library's own knows of siginterrupt(), so it is used wherever it may be. */
	sighandler_t old = ssignal(signo, handler);
	if (old != SIG_ERR)
		remember(signo);
	return old;
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
