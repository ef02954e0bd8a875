/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "process/interpose.h"

#include <errno.h>

sighandler_t interpose_signal(int signo, sighandler_t handler, int flags)
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
