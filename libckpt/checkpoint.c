/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One checkpoint.  The engine reports on a pipe, a line each:
 *
 *	snapshot           the program runs on; its memory is saved
 *	done               the checkpoint is safe on the disk
 *	failed: MESSAGE    it is not; the older one is as it was
 *
 * A program that continues needs to wait for the second line only if somebody wants to know: a
 * hook, or the caller of ckpt_ckpt().  Otherwise the pipe stays open, and tells at the next
 * occasion whether the engine is still at work.  A program that ends does not come so far: the
 * engine holds it from the snapshot on and ends it, or lets it go when the checkpoint failed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <string.h>

#include "libckpt/agent.h"
#include "process/raw_x86_64.h"

void (*run_hooks)(enum stage stage);
bool (*has_hooks)(enum stage stage);
void (*mend_restarted)(void);

struct alive alive __attribute__((aligned(4096)));

static int status_fd = -1;

/*
 * The last checkpoint failed, and that has been told: the period, which goes on trying, does not
 * tell it again.
 */
static bool failing;

/* ---- One checkpoint at a time ---------------------------------------------------------------- */

static uint32_t taken;
static pid_t taken_by;

bool agent_take(bool wait, bool *by_us)
{
	pid_t self = (pid_t)raw_syscall(SYS_gettid, 0, 0, 0, 0, 0);
	uint32_t free = 0;

	*by_us = false;
	while (!__atomic_compare_exchange_n(&taken, &free, 1, false, __ATOMIC_ACQUIRE,
					    __ATOMIC_RELAXED)) {
		*by_us = __atomic_load_n(&taken_by, __ATOMIC_RELAXED) == self;
		if (*by_us || !wait)
			return false;
		raw_syscall(SYS_futex, (long)&taken, FUTEX_WAIT, 1, 0, 0);
		free = 0;
	}
	__atomic_store_n(&taken_by, self, __ATOMIC_RELAXED);
	return true;
}

void agent_release(void)
{
	__atomic_store_n(&taken_by, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&taken, 0, __ATOMIC_RELEASE);
	raw_syscall(SYS_futex, (long)&taken, FUTEX_WAKE, 1, 0, 0);
}

/* What an engine reports to our parent. */
static void drop_status(void)
{
	if (status_fd >= 0)
		raw_syscall(SYS_close, status_fd, 0, 0, 0, 0);
	status_fd = -1;
	failing = false;
	engine_forget(true);
}

void checkpoint_forget(void)
{
	drop_status();
	taken = 0;
	taken_by = 0;
}

/* ---- Reports --------------------------------------------------------------------------------- */

struct report {
	char text[ERROR_MESSAGE_SIZE + 64];
	size_t len;
	bool snapshot, done, failed, restarted;
	struct error *err;
};

static void take_line(struct report *r, const char *line)
{
	static const char failed[] = "failed: ";

	if (strcmp(line, "snapshot") == 0)
		r->snapshot = true;
	if (strcmp(line, "done") == 0)
		r->done = true;
	if (strncmp(line, failed, sizeof failed - 1) == 0) {
		r->failed = true;
		error_set(r->err, EIO, "%s", line + sizeof failed - 1);
	}
}

static void take_lines(struct report *r)
{
	char *end;

	while ((end = memchr(r->text, '\n', r->len))) {
		size_t len = (size_t)(end + 1 - r->text);

		*end = '\0';
		take_line(r, r->text);
		r->len -= len;
		memmove(r->text, end + 1, r->len);
	}
	if (r->len == sizeof r->text)
		r->len = 0;  /* no line of the engine's */
}

/*
 * Reads what has come, or waits for more.  Returns false at the end: nothing more comes, or the
 * program has been restarted, where there is no pipe.
 */
static bool read_more(struct report *r)
{
	long got;

	do
		got = raw_syscall(SYS_read, status_fd, (long)r->text + (long)r->len,
				  (long)(sizeof r->text - r->len), 0, 0);
	while (got == -EINTR && alive.not_restarted);
	r->restarted = !alive.not_restarted;
	if (got <= 0 || r->restarted)
		return false;
	r->len += (size_t)got;
	take_lines(r);
	return true;
}

static void close_status(bool restarted)
{
	if (!restarted)
		raw_syscall(SYS_close, status_fd, 0, 0, 0, 0);
	status_fd = -1;
	engine_forget(restarted);
}

static struct error *engine_was_killed(struct error *err)
{
	error_set(err, EIO, "the engine was killed");
	return err;
}

static void tell(const struct error *err)
{
	struct error line = *err;

	error_prefix(&line, "not checkpointed");
	complain(line.message);
}

/* ---- The engine that still writes an earlier checkpoint -------------------------------------- */

static bool more_has_come(void)
{
	struct pollfd p = { .fd = status_fd, .events = POLLIN };
	struct timespec now = { 0 };

	return raw_syscall(SYS_ppoll, (long)&p, 1, (long)&now, 0, 0) > 0;
}

/* Whether it has ended, or does so while we wait. */
static bool earlier_is_over(bool wait)
{
	struct error err;
	struct report r = { .err = &err };

	if (status_fd < 0)
		return true;
	while (wait || more_has_come())
		if (!read_more(&r) || r.done || r.failed) {
			failing = r.failed;
			if (!r.done && !r.failed && !r.restarted)
				tell(engine_was_killed(&err));
			close_status(r.restarted);
			return true;
		}
	return false;
}

/* ---- A checkpoint ---------------------------------------------------------------------------- */

static enum outcome settle(const struct report *r, bool ends)
{
	if (r->restarted)
		return RESTARTED;
	if (r->failed)
		return FAILED;
	if (r->done && ends)
		raw_syscall(SYS_exit_group, 0, 0, 0, 0, 0);  /* the engine was just about to */
	if (r->done)
		return CHECKPOINTED;
	engine_was_killed(r->err);
	return FAILED;
}

/*
 * An engine that nobody waits for tells itself what goes wrong.  QUIETLY: nobody is to tell it.
 */
static enum outcome run_engine(const char *name, bool ends, bool watch, bool quietly,
			       struct error *err)
{
	struct engine_request request = {
		.name = name, .ends = ends, .unwatched = !watch && !quietly,
	};
	struct report report = { .err = err };
	enum outcome outcome;

	alive.not_restarted = 1;
	if (engine_start(&request, &status_fd, err) < 0) {
		tell(err);
		return FAILED;
	}
	while (!report.done && !report.failed && !(report.snapshot && !watch))
		if (!read_more(&report))
			break;
	if (report.snapshot && !watch && !report.done && !report.failed && !report.restarted)
		return CHECKPOINTED;  /* as far as anybody here wants to know */
	outcome = settle(&report, ends);
	close_status(outcome == RESTARTED);
	failing = report.failed;
	if (outcome == FAILED && !(report.failed && (!watch || quietly)))
		tell(err);
	return outcome;
}

static void call_hooks(enum stage stage)
{
	if (run_hooks)
		run_hooks(stage);
}

/* A child that was not made by fork() of the C library. */
static void introduce_child(void)
{
	if (settings.pid == (pid_t)raw_syscall(SYS_getpid, 0, 0, 0, 0, 0))
		return;
	settings_name_child();
	drop_status();
}

enum outcome checkpoint(enum occasion occasion, const char *name, int *code)
{
	bool ends = occasion != BY_PERIOD && !settings.config.continues;
	bool watch = ends || occasion == BY_CALL || (has_hooks && has_hooks(AFTER));
	struct error err = { .code = 0 };
	enum outcome outcome;

	introduce_child();
	if (!earlier_is_over(ends || occasion == BY_CALL)) {
		period_start();
		return DROPPED;
	}
	period_stop();
	call_hooks(BEFORE);
	outcome = run_engine(name ? name : settings.config.name, ends, watch,
			     occasion == BY_PERIOD && failing, &err);
	if (outcome == RESTARTED) {
		settings.pid = (pid_t)raw_syscall(SYS_getpid, 0, 0, 0, 0, 0);
		if (mend_restarted)
			mend_restarted();
		call_hooks(RESTART);
	} else if (outcome == CHECKPOINTED && watch) {
		call_hooks(AFTER);
	}
	period_start();
	*code = err.code;
	return outcome;
}
