/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "ckpt/capture.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "ckpt/ask.h"
#include "ckpt/snapshot.h"
#include "ckpt/tracee.h"
#include "ckpt/traits.h"
#include "process/arch.h"
#include "process/procfs.h"
#include "process/sigframe.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/format.h"
#include "util/io.h"

/* ---- Registers ------------------------------------------------------------------------------- */

static int add_regset(struct process *p, struct thread *t, uint32_t type, size_t room,
		      struct error *err)
{
	void *data = arena_alloc(&p->arena, room);
	struct iovec iov = { data, room };

	if (!data)
		return error_set(err, ENOMEM, "not enough memory");
	if (ptrace(PTRACE_GETREGSET, t->tid, type, &iov) < 0)
		return error_sys(err, errno, "reading the registers of thread %d", t->tid);
	t->regsets[t->regset_count++] =
		(struct regset){ .type = type, .size = (uint32_t)iov.iov_len, .data = data };
	return 0;
}

/* procfs has listed the threads; here is what only their tracer sees. */
static int read_threads(struct process *p, const struct tracee *tracee, struct error *err)
{
	enum { REGSET_ROOM = 16384 };

	for (size_t i = 0; i < tracee->count; i++) {
		const struct tracee_thread *from = &tracee->threads[i];
		struct thread *t = process_thread(p, from->tid);

		if (!t)
			return error_set(err, ESRCH, "thread %d has no entry in /proc", from->tid);
		t->blocked = from->blocked;
		for (size_t k = 0; k < p->arch->regset_count; k++)
			if (add_regset(p, t, p->arch->regsets[k].type,
				       p->arch->regsets[k].type == NT_X86_XSTATE ? REGSET_ROOM
										 : 1024,
				       err) < 0)
				return -1;
	}
	return 0;
}

/* ---- The driver ------------------------------------------------------------------------------ */

/* Leaves the snapshot in C, or why there is none. */
static int take_snapshot(struct capture *c, struct error *err)
{
	struct tracee *t = c->tracee;
	struct error why;
	pid_t snapshot = snapshot_take(t, &why);

	if (snapshot <= 0) {
		format(c->why_stopped, sizeof c->why_stopped, "%s", why.message);
		return 0;
	}
	c->snapshot = snapshot;
	return snapshot_caller_init(&c->caller, snapshot, t, err);
}

/*
 * The calls that need the process's help, and the snapshot.  Where they cannot be made, the process
 * stands still until its memory is saved, and what they would have told is lost.
 */
static int call_and_snapshot(struct capture *c, const struct capture_options *o, struct error *err)
{
	struct process *p = &c->process;
	struct tracee *t = c->tracee;
	int result;

	if (tracee_begin_calls(t, 0, p, err) < 0) {
		tracee_end_calls(t);
		if (err->code != ENOTSUP)
			return -1;
		format(c->why_stopped, sizeof c->why_stopped,
		       "%s; where its signal handlers are is not saved", err->message);
		return 0;
	}
	result = ask_process(p, t, err);
	if (result == 0 && ask_wants_threads(p)) {
		tracee_end_calls(t);
		result = ask_threads(p, t, err);
		if (result == 0)
			result = tracee_begin_calls(t, 0, p, err);
	}
	if (result == 0 && !o->stop && !o->keep_stopped)
		result = take_snapshot(c, err);
	if (result == 0 && !c->snapshot)
		result = ask_rest(p, t, err);
	tracee_end_calls(t);
	return result;
}

static void let_go(struct capture *c, double since)
{
	if (!c->tracee)
		return;
	tracee_release(c->tracee);
	tracee_free(c->tracee);
	free(c->tracee);
	c->tracee = NULL;
	c->stall = seconds_now() - since;
}

/* Those of a process that goes on do so, too; the others stay as they are until it has ended. */
static int read_connections(struct capture *c, pid_t pid, const struct capture_options *o,
			    struct error *err)
{
	if (tcp_hold(&c->tcp, &c->process, pid, err) < 0)
		return -1;
	if (!o->keep_stopped)
		tcp_release(&c->tcp);
	return 0;
}

static int look(struct capture *c, pid_t pid, const struct capture_options *o, struct error *err)
{
	struct process *p = &c->process;

	p->arch = arch_host();
	p->origin = ORIGIN_LIVE;
	clock_gettime(CLOCK_REALTIME, &p->when);
	if (procfs_read(p, pid, err) < 0 || read_threads(p, c->tracee, err) < 0 ||
	    (o->tcp_established && read_connections(c, pid, o, err) < 0) ||
	    ask_pending(p, c->tracee, err) < 0 ||
	    touched_ask(&c->memory.touched, p, c->tracee, err) < 0 ||
	    (!o->stop && !o->keep_stopped && memory_copy_early(&c->memory, p, pid, err) < 0) ||
	    call_and_snapshot(c, o, err) < 0)
		return -1;
	return pages_open(&c->memory.pages, c->snapshot ? c->snapshot : pid, err);
}

/* What may be read when the process runs again.  By then it may have ended. */
static int read_the_rest(struct process *p, pid_t pid, struct error *err)
{
	if (procfs_read_attributes(p, pid, err) < 0 && err->code != ESRCH)
		return -1;
	attributes_share(p);
	return 0;
}

int capture_begin(struct capture *c, pid_t pid, const struct capture_options *o, struct error *err)
{
	struct gadgets gadgets;

	memset(c, 0, sizeof *c);
	c->dying = -1;
	process_init(&c->process);
	c->process.contents_max = o->contents_max;
	c->memory.pages.mem = c->memory.pages.pagemap = -1;
	early_init(&c->memory.early, o->directory);
	c->memory.whole = o->whole;
	if (tracee_check(pid, err) < 0)
		return -1;
	if (tracee_find_gadgets(pid, &gadgets, err) < 0 || traits_read(&c->process, pid, err) < 0 ||
	    memory_find_unshared(&c->memory, &c->process, err) < 0) {
		capture_end(c);
		return -1;
	}
	c->tracee = calloc(1, sizeof *c->tracee);
	if (!c->tracee)
		return error_set(err, ENOMEM, "not enough memory");
	double since = seconds_now();
	if (tracee_stop(c->tracee, pid, err) < 0) {
		tracee_free(c->tracee);
		free(c->tracee);
		c->tracee = NULL;
		return -1;
	}
	c->tracee->gadgets = gadgets;
	c->tracee->spare = o->spare;
	int result = look(c, pid, o, err);
	tracee_rest();
	if (result < 0)
		tcp_release(&c->tcp);
	if (result < 0 || c->snapshot)
		let_go(c, since);
	if (result == 0 && c->snapshot)
		result = snapshot_settle(c->snapshot, err);
	if (result == 0 && c->snapshot)
		result = ask_snapshot(&c->process, &c->caller, err);
	if (result == 0)
		result = traits_settle(&c->process, c->snapshot ? c->snapshot : pid, err);
	if (result == 0)
		result = read_the_rest(&c->process, pid, err);
	if (result == 0)
		result = memory_classify(&c->memory, &c->process, err);
	if (result == 0)
		result = xsave_host_layout(&c->process, err);
	if (result < 0)
		capture_end(c);
	return result;
}

void capture_memory_done(struct capture *c)
{
	/* capture_end() waits for it. */
	if (c->snapshot)
		kill(c->snapshot, SIGKILL);
}

int capture_kill(struct capture *c, bool gently, struct error *err)
{
	struct error unable;

	if (tcp_kill(&c->tcp, err) < 0)
		return -1;
	c->dying = (int)syscall(SYS_pidfd_open, c->process.pid, 0);
	/* On failure the frame, if any, is put back by capture_end(). */
	if (!gently || !c->tracee || tracee_begin_calls(c->tracee, 0, &c->process, &unable) < 0 ||
	    tracee_exit(c->tracee, &unable) < 0) {
		kill(c->process.pid, SIGKILL);
		if (c->tracee)
			tracee_bury(c->tracee);
	}
	return 0;
}

/* Whoever restarts it at once must not find its shared memory, locks and ports in use. */
static void wait_for_end(int pidfd)
{
	enum { LONG_MS = 10000 };  /* it may be stuck in a driver */
	struct pollfd end = { .fd = pidfd, .events = POLLIN };

	if (pidfd < 0)
		return;
	while (poll(&end, 1, LONG_MS) < 0 && errno == EINTR)
		;
	close(pidfd);
}

void capture_end(struct capture *c)
{
	if (!c->tcp.killing)
		tcp_release(&c->tcp);
	let_go(c, 0);
	wait_for_end(c->dying);
	c->dying = -1;
	tcp_forget(&c->tcp);
	snapshot_drop(c->snapshot);
	c->snapshot = 0;
	snapshot_caller_free(&c->caller);
	memory_close(&c->memory);
	process_free(&c->process);
}
