/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * CLOCK_MONOTONIC and CLOCK_BOOTTIME begin at boot.  A thread that waits until a time on such a
 * clock would wait for days after a reboot, or on another machine: where the clock has gone back,
 * the time that it waits for goes back with it, so that what remained remains.  The time stands in
 * the program's memory.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

#include "restart/registers.h"
#include "restart/restore.h"

enum { SECOND = 1000000000 };

static int64_t clock_now(clockid_t clock)
{
	struct timespec t;

	return clock_gettime(clock, &t) < 0 ? INT64_MAX : (int64_t)t.tv_sec * SECOND + t.tv_nsec;
}

/*
 * How far the clock has gone back, in nanoseconds; 0
 * where it has gone on, as it does until a reboot.
 */
static int64_t gone_back(const struct process *p, clockid_t clock)
{
	int64_t then =
		(int64_t)(clock == CLOCK_BOOTTIME ? p->clocks.boottime : p->clocks.monotonic);
	int64_t now = clock_now(clock);

	return p->clocks.known && now < then ? then - now : 0;
}

/*
 * Where the time stands that thread T waits for, and
 * on which of the two clocks.  False: it does not.
 */
static bool find_deadline(const struct restore *r, const struct thread *t, addr_t *at,
			  clockid_t *clock)
{
	const struct regset *general = thread_regset(t, NT_PRSTATUS);
	struct user_regs_struct regs, before;
	struct error err;

	if (!general || registers_general(r, t, &regs, &err) < 0)
		return false;
	memcpy(&before, general->data, sizeof before);
	/* A call that is about to be issued again stands at its `syscall`. */
	if (regs.rip != before.rip - 2)
		return false;
	if (regs.rax == SYS_clock_nanosleep) {
		*clock = (clockid_t)regs.rdi;
		*at = regs.rdx;
		return regs.rsi & TIMER_ABSTIME &&
		       (*clock == CLOCK_MONOTONIC || *clock == CLOCK_BOOTTIME);
	}
	if (regs.rax == SYS_futex) {
		unsigned long what = regs.rsi & (unsigned long)FUTEX_CMD_MASK;

		*clock = CLOCK_MONOTONIC;
		*at = regs.r10;
		return *at && !(regs.rsi & FUTEX_CLOCK_REALTIME) &&
		       (what == FUTEX_WAIT_BITSET || what == FUTEX_WAIT_REQUEUE_PI);
	}
	return false;
}

static bool is_writable(const struct process *p, addr_t at, size_t size)
{
	const struct mapping *m = process_mapping_at(p, at);

	return m && m->prot & PROT_WRITE && m->end - at >= size;
}

void plan_deadlines(const struct restore *r, struct plan *plan)
{
	const struct process *p = r->process;

	for (size_t i = 0; i < p->thread_count; i++) {
		struct timespec t;
		struct error err;
		clockid_t clock;
		addr_t at;

		if (!find_deadline(r, &p->threads[i], &at, &clock) || !gone_back(p, clock) ||
		    !is_writable(p, at, sizeof t) || process_read(p, at, &t, sizeof t, &err) < 0)
			continue;
		if (t.tv_sec < 0 || t.tv_sec > INT64_MAX / SECOND - 1 || t.tv_nsec < 0 ||
		    t.tv_nsec >= SECOND)
			continue;  /* for ever, or no time at all */
		int64_t deadline = (int64_t)t.tv_sec * SECOND + t.tv_nsec - gone_back(p, clock);

		t = (struct timespec){ 0 };
		if (deadline > 0)
			t = (struct timespec){ deadline / SECOND, deadline % SECOND };
		addr_t from = plan_data(plan, &t, sizeof t);
		struct plan_op *op = plan_add(plan, OP_COPY, 0);
		op->args[0] = at;
		op->args[1] = from;
		op->args[2] = sizeof t;
		plan_note(plan, "thread %d waits until %lld s", p->threads[i].tid,
			  (long long)t.tv_sec);
	}
}

void check_deadlines(const struct restore *r, struct findings *f)
{
	int64_t back = gone_back(r->process, CLOCK_MONOTONIC);

	if (back)
		findings_add(f, LOSS, "CLOCK_MONOTONIC is %lld s behind, as the machine was booted "
			     "since, or is another one: waits go on as before, but times on it "
			     "that the program keeps are ahead", (long long)(back / SECOND));
}
