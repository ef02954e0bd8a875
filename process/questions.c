/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "process/questions.h"

#include <asm/prctl.h>
#include <errno.h>
#include <linux/prctl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#include "process/remembered.h"

#ifndef PR_GET_MDWE
#define PR_GET_MDWE 66
#endif

#define call(a, result, err, nr, ...) call_(a, result, err, nr, __VA_ARGS__, 0, 0, 0)
#define call_(a, result, err, nr, x, y, z, w, ...) \
	(a)->call((a)->context, result, err, nr, \
		  (const uint64_t[ASKER_ARGS]){ (uint64_t)(x), (uint64_t)(y), (uint64_t)(z), \
						(uint64_t)(w) })

/* What the last call has left in the data. */
static int answer(const struct asker *a, void *to, size_t len, struct error *err)
{
	return a->read(a->context, a->data, to, len, err);
}

/* ---- Signals --------------------------------------------------------------------------------- */

static int ask_disposition(struct process *p, const struct asker *a, int signo, struct error *err)
{
	struct disposition *d = &p->dispositions[signo];
	struct kernel_sigaction action;
	long result;

	if (call(a, &result, err, SYS_rt_sigaction, signo, 0, a->data, 8) < 0)
		return -1;
	if (result < 0)
		return error_sys(err, (int)-result, "the disposition of signal %d", signo);
	if (answer(a, &action, sizeof action, err) < 0)
		return -1;
	*d = (struct disposition){
		.kind = action.handler == (uintptr_t)SIG_DFL   ? DISPOSITION_DEFAULT
			: action.handler == (uintptr_t)SIG_IGN ? DISPOSITION_IGNORE
							       : DISPOSITION_HANDLER,
		.flags = action.flags,
		.mask = action.mask,
		.restorer = action.restorer,
	};
	if (d->kind == DISPOSITION_HANDLER)
		d->handler = action.handler;
	return 0;
}

int ask_dispositions(struct process *p, const struct asker *a, struct error *err)
{
	for (int signo = 1; signo < SIGNALS; signo++)
		if (signo != SIGKILL && signo != SIGSTOP &&
		    (a->cheap || signo == SIGCHLD ||
		     p->dispositions[signo].kind != DISPOSITION_DEFAULT) &&
		    ask_disposition(p, a, signo, err) < 0)
			return -1;
	return 0;
}

int ask_altstack(struct thread *t, const struct asker *a, struct error *err)
{
	stack_t stack;
	long result;

	if (call(a, &result, err, SYS_sigaltstack, 0, a->data) < 0)
		return -1;
	if (result < 0)
		return error_sys(err, (int)-result, "the alternate signal stack");
	if (answer(a, &stack, sizeof stack, err) < 0)
		return -1;
	t->altstack = (struct altstack){
		.known = true, .sp = (addr_t)stack.ss_sp, .size = stack.ss_size,
		.flags = (uint32_t)stack.ss_flags & ~(uint32_t)SS_ONSTACK,
	};
	return 0;
}

int ask_brk(struct process *p, const struct asker *a, struct error *err)
{
	long result;

	if (call(a, &result, err, SYS_brk, 0) < 0)
		return -1;
	if (result > 0 && (addr_t)result >= p->start_brk) {
		p->brk = (addr_t)result;
		p->have |= HAVE_BRK;
	}
	return 0;
}

/* ---- Timers ---------------------------------------------------------------------------------- */

static int ask_interval_timer(struct process *p, const struct asker *a, int which,
			      struct error *err)
{
	struct itimerval value;
	long result;

	if (call(a, &result, err, SYS_getitimer, which, a->data) < 0)
		return -1;
	if (result < 0)
		return error_sys(err, (int)-result, "interval timer %d", which);
	if (answer(a, &value, sizeof value, err) < 0)
		return -1;
	p->interval_timers[which] = (struct interval_timer){
		.known = true,
		.times.remaining = (uint64_t)value.it_value.tv_sec * 1000000000 +
				   (uint64_t)value.it_value.tv_usec * 1000,
		.times.interval = (uint64_t)value.it_interval.tv_sec * 1000000000 +
				  (uint64_t)value.it_interval.tv_usec * 1000,
	};
	return 0;
}

static int ask_timer(struct posix_timer *timer, const struct asker *a, struct error *err)
{
	struct itimerspec value;
	long result;

	if (call(a, &result, err, SYS_timer_gettime, timer->id, a->data) < 0)
		return -1;
	if (result < 0)
		return 0;  /* another thread has deleted it */
	if (answer(a, &value, sizeof value, err) < 0)
		return -1;
	timer->times_known = true;
	timer->times = (struct timer_times){
		.remaining = (uint64_t)value.it_value.tv_sec * 1000000000 +
			     (uint64_t)value.it_value.tv_nsec,
		.interval = (uint64_t)value.it_interval.tv_sec * 1000000000 +
			    (uint64_t)value.it_interval.tv_nsec,
	};
	return 0;
}

int ask_timers(struct process *p, const struct asker *a, struct error *err)
{
	for (int which = 0; which < INTERVAL_TIMERS; which++)
		if (ask_interval_timer(p, a, which, err) < 0)
			return -1;
	for (size_t i = 0; i < p->posix_timer_count; i++)
		if (ask_timer(&p->posix_timers[i], a, err) < 0)
			return -1;
	return 0;
}

/* ---- Settings -------------------------------------------------------------------------------- */

/* An attribute that a call gives as its result or puts, as an int, where a pointer says. */
struct question {
	enum attribute which;
	long nr;
	uint64_t option;
	bool by_pointer;
};

static const struct question own[] = {
	{ ATTRIBUTE_SUBREAPER, SYS_prctl, PR_GET_CHILD_SUBREAPER, true },
	{ ATTRIBUTE_PDEATHSIG, SYS_prctl, PR_GET_PDEATHSIG, true },
	{ ATTRIBUTE_MDWE, SYS_prctl, PR_GET_MDWE, false },
};

static const struct question inherited[] = {
	{ ATTRIBUTE_DUMPABLE, SYS_prctl, PR_GET_DUMPABLE, false },
	{ ATTRIBUTE_TIMERSLACK, SYS_prctl, PR_GET_TIMERSLACK, false },
	{ ATTRIBUTE_SECUREBITS, SYS_prctl, PR_GET_SECUREBITS, false },
	{ ATTRIBUTE_TSC, SYS_prctl, PR_GET_TSC, true },
	{ ATTRIBUTE_CPUID, SYS_arch_prctl, ARCH_GET_CPUID, false },
};

/* What this kernel does not know stays unknown. */
static int ask_all(struct process *p, struct thread *t, const struct question *q, size_t count,
		   const struct asker *a, struct error *err)
{
	for (; count > 0; count--, q++) {
		struct attributes *to =
			q->which >= ATTRIBUTES_OF_THREADS ? &t->attributes : &p->attributes;
		int32_t value;
		long result;

		if (call(a, &result, err, q->nr, q->option, q->by_pointer ? a->data : 0) < 0)
			return -1;
		if (result < 0)
			continue;
		if (q->by_pointer) {
			if (answer(a, &value, sizeof value, err) < 0)
				return -1;
			result = value;
		}
		attribute_set(to, q->which, result);
	}
	return 0;
}

int ask_settings(struct process *p, struct thread *t, const struct asker *a, struct error *err)
{
	return ask_all(p, t, own, sizeof own / sizeof own[0], a, err);
}

int ask_inherited(struct process *p, struct thread *t, const struct asker *a, struct error *err)
{
	return ask_all(p, t, inherited, sizeof inherited / sizeof inherited[0], a, err);
}
