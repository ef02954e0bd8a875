/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* POSIX timers, signals that wait, and the clocks. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "process/procfs.h"
#include "process/procfs_private.h"
#include "util/format.h"
#include "util/io.h"

enum { TIMERS_SIZE_MAX = 16 << 20 };

/* ---- /proc/PID/timers: fs/proc/base.c, show_timer() ------------------------------------------ */

/* "signal/pid.123", "none/pid.123", "signal/tid.123" */
static bool parse_notify(const char *text, struct posix_timer *timer)
{
	enum { SIGNAL = 0, NONE = 1, THREAD_ID = 4 };  /* SIGEV_* */
	const char *by_signal = after(text, "signal/"), *none = after(text, "none/");
	const char *to = by_signal ? by_signal : none;
	const char *tid = to ? after(to, "tid.") : NULL;

	if (!to || (!tid && !after(to, "pid.")))
		return false;
	timer->notify = none ? NONE : tid ? THREAD_ID : SIGNAL;
	timer->tid = tid ? (pid_t)parse_number(&tid, 10) : 0;
	if (none)
		timer->signo = 0;
	if (none)
		timer->value = 0;
	return true;
}

/*
 * The clocks of processor time (include/linux/posix-timers_types.h) have the id of a process or
 * thread in their upper bits, complemented: 0 for the one that asked.
 */
static void take_clock(struct posix_timer *timer, int clock, pid_t pid)
{
	enum { KIND = 7, OF_THREAD = 4 };
	pid_t id = ~(clock >> 3);

	timer->clock = clock;
	if (clock >= 0)
		return;
	if (clock & OF_THREAD)
		timer->clock_tid = id;
	if (clock & OF_THREAD || id == pid)
		timer->clock = ~KIND | (clock & KIND);
}

/* One timer: four lines, the first of which begins at *TEXT.  Moves *TEXT behind them. */
static bool parse_timer(const char **text, pid_t pid, struct posix_timer *timer)
{
	const char *id = after(*text, "ID: "), *end = strstr(*text, "\nClockID: ");
	const char *signal = find_line(*text, "signal: "), *notify = find_line(*text, "notify: ");

	if (!id || !end || !signal || !notify || signal > end || notify > end)
		return false;
	timer->id = (int)parse_number(&id, 10);
	timer->signo = (int)parse_number(&signal, 10);
	if (*signal != '/')
		return false;
	signal++;
	timer->value = parse_number(&signal, 16);
	if (!parse_notify(notify, timer))
		return false;
	end += strlen("\nClockID: ");
	bool negative = *end == '-';
	end += negative;
	take_clock(timer, (int)parse_number(&end, 10) * (negative ? -1 : 1), pid);
	end = strchr(end, '\n');
	*text = end ? end + 1 : "";
	return true;
}

/*
 * The kernel lists the newest first, so ids fall as a
 * rule.  qsort() may allocate, which this must not.
 */
static void sort_timers(struct posix_timer *timers, size_t count)
{
	for (size_t i = 0, k = count; i + 1 < k; i++) {
		struct posix_timer first = timers[i];

		timers[i] = timers[--k];
		timers[k] = first;
	}
	for (size_t i = 1; i < count; i++) {
		struct posix_timer timer = timers[i];
		size_t to = i;

		for (; to > 0 && timers[to - 1].id > timer.id; to--)
			timers[to] = timers[to - 1];
		timers[to] = timer;
	}
}

/*
 * A kernel without CONFIG_CHECKPOINT_RESTORE has no such file, and then there is nothing to know.
 */
int procfs_read_timers(struct process *p, pid_t pid, struct error *err)
{
	char name[PROC_NAME_SIZE];

	proc_name(name, pid, "timers");
	const char *text = read_file(&p->arena, name, TIMERS_SIZE_MAX, NULL, err);

	if (!text)
		return err->code == ENOENT || err->code == ESRCH ? 0 : -1;
	while (*text) {
		struct posix_timer timer = { 0 }, *added;

		if (!parse_timer(&text, p->pid, &timer))
			return error_set(err, EINVAL, "process %d: its timers are not understood",
					 p->pid);
		added = process_add_posix_timer(p);
		if (!added)
			return no_memory(err);
		*added = timer;
	}
	sort_timers(p->posix_timers, p->posix_timer_count);
	p->have |= HAVE_TIMERS;
	return 0;
}

/* ---- Signals that wait ----------------------------------------------------------------------- */

static int add_pending(struct process *p, pid_t tid, uint64_t set, struct error *err)
{
	for (int signo = 1; signo < SIGNALS; signo++) {
		struct pending_signal *pending;

		/* A debugger's SIGSTOP may be on its way; the process's own is no state of it. */
		if (!(set >> (signo - 1) & 1) || signo == SIGKILL || signo == SIGSTOP)
			continue;
		pending = process_add_pending_signal(p);
		if (!pending)
			return no_memory(err);
		pending->tid = tid;
		pending->signo = signo;
	}
	return 0;
}

static int read_pending_of(struct process *p, pid_t pid, struct thread *t, struct error *err)
{
	char what[40], text[8192];
	const char *own, *shared, *blocked;
	pid_t tid = t->tid;

	format(what, sizeof what, "task/%d/status", tid);
	if (proc_read(pid, what, text, sizeof text, err) < 0)
		return proc_vanished(err) ? 0 : -1;
	own = find_line(text, "SigPnd:");
	shared = find_line(text, "ShdPnd:");
	blocked = find_line(text, "SigBlk:");
	/* The caller blocks what it likes as it asks. */
	if (blocked && pid) {
		t->blocked = parse_number(&blocked, 16);
		t->blocked_known = true;
	}
	if (!own || !shared)
		return 0;
	if (tid == p->pid && add_pending(p, 0, parse_number(&shared, 16), err) < 0)
		return -1;
	return add_pending(p, tid, parse_number(&own, 16), err);
}

int procfs_read_pending(struct process *p, pid_t pid, struct error *err)
{
	for (size_t i = 0; i < p->thread_count; i++)
		if (read_pending_of(p, pid, &p->threads[i], err) < 0)
			return -1;
	p->have |= HAVE_PENDING;
	return 0;
}

/* ---- Clocks ---------------------------------------------------------------------------------- */

static uint64_t nanoseconds(clockid_t clock)
{
	struct timespec t;

	if (clock_gettime(clock, &t) < 0 || t.tv_sec < 0)
		return 0;
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

void procfs_read_clocks(struct process *p)
{
	p->clocks = (struct clocks){
		.known = true,
		.realtime = nanoseconds(CLOCK_REALTIME),
		.monotonic = nanoseconds(CLOCK_MONOTONIC),
		.boottime = nanoseconds(CLOCK_BOOTTIME),
	};
}
