/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The period: a POSIX timer, so that alarm() and setitimer() stay the program's.  It comes by a
 * real-time signal of its own: daemons block SIGTSTP in all threads or take it by sigwait().
 *
 * It rings once and is made anew after each checkpoint: a period that is shorter than a checkpoint
 * takes does not pile up.  During a checkpoint there is none, so that none is in the checkpoint.
 */
#define _GNU_SOURCE
#include "libckpt/agent.h"

#include <string.h>
#include <time.h>

#include "process/raw_x86_64.h"

/*
 * SIGRTMAX - 3.  Not SIGRTMAX - 2: Java wakes threads by that whose descriptor another one closes
 * (INTERRUPT_SIGNAL in its NativeThread.c).
 */
enum { PERIOD_SIGNAL = 61 };

static int marker;  /* its address */
static int timer;
static bool armed;
static pid_t armed_by;

int period_signal(void)
{
	return settings.config.msperiod ? PERIOD_SIGNAL : 0;
}

bool period_ended(const siginfo_t *info)
{
	return info->si_code == SI_TIMER && info->si_value.sival_ptr == &marker;
}

void period_stop(void)
{
	/* A child has no timers of its parent's, and may have its own under the same number. */
	if (armed && armed_by == (pid_t)raw_syscall(SYS_getpid, 0, 0, 0, 0, 0))
		raw_syscall(SYS_timer_delete, timer, 0, 0, 0, 0);
	armed = false;
}

void period_start(void)
{
	struct sigevent event;
	struct itimerspec once = {
		.it_value = {
			.tv_sec = settings.config.msperiod / 1000,
			.tv_nsec = (long)(settings.config.msperiod % 1000) * 1000 * 1000,
		},
	};

	period_stop();
	if (!period_signal())
		return;
	memset(&event, 0, sizeof event);
	event.sigev_notify = SIGEV_SIGNAL;
	event.sigev_signo = period_signal();
	event.sigev_value.sival_ptr = &marker;
	if (raw_syscall(SYS_timer_create, CLOCK_MONOTONIC, (long)&event, (long)&timer, 0, 0) < 0) {
		complain("no periodic checkpoints: the system has no timer left for them");
		return;
	}
	armed = true;
	armed_by = (pid_t)raw_syscall(SYS_getpid, 0, 0, 0, 0, 0);
	raw_syscall(SYS_timer_settime, timer, 0, (long)&once, 0, 0);
}
