/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * For the libraries that stand in front of the C library's sigaction() and signal(): each defines
 * those that are declared here, and they are all that the program sees.
 */
#ifndef PROCESS_INTERPOSE_H
#define PROCESS_INTERPOSE_H

#include <signal.h>

#include "util/export.h"

EXPORT int sigaction(int signo, const struct sigaction *act, struct sigaction *old);
EXPORT sighandler_t signal(int signo, sighandler_t handler);
EXPORT sighandler_t bsd_signal(int signo, sighandler_t handler);
EXPORT sighandler_t sysv_signal(int signo, sighandler_t handler);
EXPORT sighandler_t __sysv_signal(int signo, sighandler_t handler);

/* glibc exports sigaction() and signal() under these names too, which nobody calls. */
extern int __sigaction(int signo, const struct sigaction *act, struct sigaction *old);
extern sighandler_t ssignal(int signo, sighandler_t handler);

/*
 * As signal() of either kind, by way of the sigaction() that stands in front: FLAGS are SA_RESTART
 * for BSD's and SIGNAL_SYSV for System V's.
 */
enum { SIGNAL_SYSV = (int)(SA_RESETHAND | SA_NODEFER | SA_INTERRUPT) };

sighandler_t interpose_signal(int signo, sighandler_t handler, int flags);

#endif
