/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Interval timers and POSIX timers.  They go on with the time that remained.
 *
 * A POSIX timer must have its old id.  Since Linux 6.15 a process may ask for one
 * (PR_TIMER_CREATE_RESTORE_IDS); before, ids are counted from 0, and one lets
 * it count.  The leader makes them all, but for those that measure another
 * thread's processor time, which that thread makes: the leader waits for it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "restart/own.h"
#include "restart/restore.h"

enum {
	TIMER_CREATE_RESTORE_IDS = 77,  /* PR_*, with the values 0: off, 1: on, 2: tell */
	COUNTED_IDS_MAX = 10000,
	SECOND = 1000000000,
	WAKE_ALARM = 35,                /* CAP_WAKE_ALARM */
};

static bool ids_can_be_asked_for(void)
{
	return prctl(TIMER_CREATE_RESTORE_IDS, 2, 0, 0, 0) >= 0;
}

static size_t thread_index(const struct process *p, pid_t tid)
{
	const struct thread *t = process_thread(p, tid);

	return t ? (size_t)(t - p->threads) : 0;
}

/* The thread that makes the timer. */
static size_t maker(const struct process *p, const struct posix_timer *t)
{
	if (t->clock != CLOCK_OF_THREAD)
		return 0;
	return thread_index(p, t->clock_tid ? t->clock_tid : t->tid);
}

/* Why it cannot be made again, or NULL. */
static const char *obstacle(const struct process *p, const struct posix_timer *t)
{
	size_t by = maker(p, t);

	if (t->clock < 0 && t->clock != CLOCK_OF_PROCESS && t->clock != CLOCK_OF_THREAD)
		return "it measures another process";
	if (t->notify == SIGEV_THREAD_ID && !process_thread(p, t->tid))
		return "the thread that it notifies has ended";
	if (t->clock_tid && !process_thread(p, t->clock_tid))
		return "the thread that it measures has ended";
	if (by && t->notify == SIGEV_THREAD_ID && thread_index(p, t->tid) != by)
		return "it measures one thread and notifies another";
	if (ids_can_be_asked_for())
		return NULL;
	if (by)
		return "it measures a thread, and this kernel counts the ids of timers";
	if (t->id > COUNTED_IDS_MAX)
		return "this kernel counts the ids of timers, and its own is too large";
	return NULL;
}

/* ---- Words that threads leave for each other ------------------------------------------------- */

/*
 * The id of thread I, which clone3() puts there;
 * behind all of these, whether it has made its timers.
 */
static addr_t tid_word(const struct plan *plan, size_t i)
{
	return plan->thread_words + i * sizeof(uint32_t);
}

static addr_t done_word(const struct restore *r, const struct plan *plan, size_t i)
{
	return tid_word(plan, r->process->thread_count + i);
}

/* Before the threads exist. */
void plan_timers_begin(const struct restore *r, struct plan *plan)
{
	const struct process *p = r->process;
	uint32_t zero = 0;

	if (!p->posix_timer_count)
		return;
	plan->thread_words = plan_data_next(plan);
	for (size_t i = 0; i < 2 * p->thread_count; i += 64 / sizeof zero)
		plan_data(plan, (const char[64]){ 0 }, 64);
	if (ids_can_be_asked_for())
		plan_syscall(plan, 0, SYS_prctl, TIMER_CREATE_RESTORE_IDS, 1);
}

/* ---- One timer ------------------------------------------------------------------------------- */

static struct timespec to_timespec(uint64_t ns)
{
	return (struct timespec){ (time_t)(ns / SECOND), (long)(ns % SECOND) };
}

/* Alarm clocks wake a machine that sleeps, which takes a capability. */
static clockid_t clock_for(const struct posix_timer *t)
{
	bool may_wake = own_has_capability(WAKE_ALARM);

	switch (t->clock) {
	case CLOCK_OF_PROCESS: return CLOCK_PROCESS_CPUTIME_ID;
	case CLOCK_OF_THREAD: return CLOCK_THREAD_CPUTIME_ID;
	case CLOCK_REALTIME_ALARM: return may_wake ? t->clock : CLOCK_REALTIME;
	case CLOCK_BOOTTIME_ALARM: return may_wake ? t->clock : CLOCK_BOOTTIME;
	default: return t->clock;
	}
}

/* The kernel's struct sigevent. */
struct event {
	uint64_t value;
	int32_t signo, notify, tid;
	char rest[44];
};

/* Thread I makes it, with the id that ID (data of the plan) says or will be told. */
static void plan_create(const struct restore *r, struct plan *plan, const struct posix_timer *t,
			size_t i, addr_t id)
{
	struct event event = {
		.value = t->value,
		.signo = t->notify == SIGEV_NONE ? 0 : t->signo,
		.notify = t->notify,
	};
	addr_t at = plan_data(plan, &event, sizeof event);
	size_t to = thread_index(r->process, t->tid);

	if (t->notify == SIGEV_THREAD_ID) {
		if (to == i)
			plan_syscall(plan, OP_KEEP, SYS_gettid, 0);
		else
			*plan_add(plan, OP_LOAD, OP_KEEP)->args = tid_word(plan, to);
		*plan_add(plan, OP_STORE, 0)->args = at + offsetof(struct event, tid);
	}
	plan_syscall(plan, 0, SYS_timer_create, clock_for(t), at, id);
	plan_note(plan, "timer %d", t->id);
}

static void plan_settime(struct plan *plan, const struct posix_timer *t)
{
	const struct itimerspec value = {
		.it_value = to_timespec(t->times.remaining),
		.it_interval = to_timespec(t->times.interval),
	};

	if (t->times_known && (t->times.remaining || t->times.interval))
		plan_syscall(plan, 0, SYS_timer_settime, t->id, 0,
			     plan_data(plan, &value, sizeof value), 0);
}

/*
 * Lets the kernel count up to the ids that are wanted,
 * which are sorted; each count must be as expected.
 */
static void plan_counting(const struct restore *r, struct plan *plan)
{
	const struct process *p = r->process;
	const struct posix_timer none = { .clock = CLOCK_MONOTONIC, .notify = SIGEV_NONE };
	int32_t unknown = -1;
	addr_t id = plan_data(plan, &unknown, sizeof unknown);
	int next = 0;

	for (size_t i = 0; i < p->posix_timer_count; i++) {
		const struct posix_timer *t = &p->posix_timers[i];

		if (obstacle(p, t))
			continue;
		for (; next < t->id; next++) {
			plan_create(r, plan, &none, 0, id);
			plan_note(plan, "to count on");
			plan_syscall(plan, 0, SYS_timer_delete, next);
		}
		plan_create(r, plan, t, 0, id);
		struct plan_op *op = plan_add(plan, OP_LOAD, OP_EXPECT);
		op->args[0] = id;
		op->expect = (uint64_t)next++;
		plan_settime(plan, t);
	}
}

/* Whether thread I makes a timer. */
static bool makes_timers(const struct process *p, size_t i)
{
	for (size_t k = 0; k < p->posix_timer_count; k++)
		if (maker(p, &p->posix_timers[k]) == i && !obstacle(p, &p->posix_timers[k]))
			return true;
	return false;
}

static void plan_timers_of(const struct restore *r, struct plan *plan, size_t i)
{
	const struct process *p = r->process;

	for (size_t k = 0; k < p->posix_timer_count; k++) {
		const struct posix_timer *t = &p->posix_timers[k];
		int32_t id = t->id;

		if (maker(p, t) != i || obstacle(p, t))
			continue;
		plan_create(r, plan, t, i, plan_data(plan, &id, sizeof id));
		plan_settime(plan, t);
	}
}

/* ---- Interval timers ------------------------------------------------------------------------- */

/* Microseconds, but never none where something remained. */
static struct timeval to_timeval(uint64_t ns)
{
	uint64_t us = ns / 1000 + (ns % 1000 != 0);

	return (struct timeval){ (time_t)(us / 1000000), (suseconds_t)(us % 1000000) };
}

static void plan_interval_timers(const struct restore *r, struct plan *plan)
{
	static const char *const names[] = { "real", "virtual", "prof" };

	for (int i = 0; i < INTERVAL_TIMERS; i++) {
		const struct interval_timer *t = &r->process->interval_timers[i];
		const struct itimerval value = {
			.it_value = to_timeval(t->times.remaining),
			.it_interval = to_timeval(t->times.interval),
		};

		if (!t->known || (!t->times.remaining && !t->times.interval))
			continue;
		plan_syscall(plan, 0, SYS_setitimer, i, plan_data(plan, &value, sizeof value), 0);
		plan_note(plan, "%s", names[i]);
	}
}

/* ---- By thread ------------------------------------------------------------------------------- */

static void plan_leader(const struct restore *r, struct plan *plan)
{
	const struct process *p = r->process;

	if (!ids_can_be_asked_for()) {
		plan_counting(r, plan);
		return;
	}
	plan_timers_of(r, plan, 0);
	/* A thread that is ahead has changed its word, upon which the wait fails at once. */
	for (size_t i = 1; i < p->thread_count; i++)
		if (makes_timers(p, i))
			plan_syscall(plan, OP_MAY_FAIL, SYS_futex, done_word(r, plan, i),
				     FUTEX_WAIT, 0);
	plan_syscall(plan, 0, SYS_prctl, TIMER_CREATE_RESTORE_IDS, 0);
}

void plan_thread_timers(const struct restore *r, struct plan *plan, size_t i)
{
	const struct process *p = r->process;

	if (i == 0) {
		if (p->posix_timer_count)
			plan_leader(r, plan);
		plan_interval_timers(r, plan);
	} else if (p->posix_timer_count && makes_timers(p, i)) {
		plan_timers_of(r, plan, i);
		plan_syscall(plan, OP_KEEP, SYS_gettid, 0);
		*plan_add(plan, OP_STORE, 0)->args = done_word(r, plan, i);
		plan_syscall(plan, 0, SYS_futex, done_word(r, plan, i), FUTEX_WAKE, 1);
	}
}

/* ---- What is known beforehand ---------------------------------------------------------------- */

void check_timers(const struct restore *r, struct findings *f)
{
	const struct process *p = r->process;
	size_t unknown = 0;

	for (size_t i = 0; i < p->posix_timer_count; i++) {
		const struct posix_timer *t = &p->posix_timers[i];
		const char *why = obstacle(p, t);

		unknown += !t->times_known;
		if (why)
			findings_add_loss(f, "timer %d cannot be made again and would be gone: %s",
					  t->id, why);
		else if (clock_for(t) != t->clock && t->clock >= 0)
			findings_add(f, LOSS, "timer %d woke the machine from its sleep and no "
				     "longer does (it takes CAP_WAKE_ALARM)", t->id);
		if (t->clock == CLOCK_OF_THREAD && !t->clock_tid && p->thread_count > 1)
			findings_add(f, REMARK, "timer %d measures a thread that nothing names: "
				     "taken for thread %d", t->id, p->threads[maker(p, t)].tid);
	}
	if (unknown)
		findings_add(f, LOSS, "the times of %zu timers could not be seen from outside: "
			     "they are stopped (preload libsavefds.so, or use ckpt -p, to keep "
			     "them)", unknown);
}
