/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "ckpt/capture.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "ckpt/snapshot.h"
#include "ckpt/tracee.h"
#include "process/arch.h"
#include "process/procfs.h"
#include "process/remembered.h"
#include "util/cleanup.h"
#include "util/format.h"
#include "util/io.h"

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- Registers ---------------------------------------------------------------------------------------- */

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
				       p->arch->regsets[k].type == NT_X86_XSTATE ? REGSET_ROOM : 1024,
				       err) < 0)
				return -1;
	}
	return 0;
}

/* ---- What only the process itself can ask the kernel ------------------------------------------------------ */

static int read_handler(struct process *p, struct tracee *t, int signo, struct error *err)
{
	struct kernel_sigaction action;
	long result;

	if (tracee_call(t, &result, err, SYS_rt_sigaction, (uint64_t)signo, 0, t->scratch.data, 8, 0, 0) < 0)
		return -1;
	if (result < 0)
		return error_sys(err, (int)-result, "the disposition of signal %d", signo);
	if (tracee_read(t->pid, t->scratch.data, &action, sizeof action, err) < 0)
		return -1;
	p->dispositions[signo] = (struct disposition){
		.kind = DISPOSITION_HANDLER, .handler = action.handler, .flags = action.flags,
		.mask = action.mask, .restorer = action.restorer,
	};
	return 0;
}

static int read_altstack(struct thread *thread, struct tracee *t, struct error *err)
{
	stack_t stack;
	long result;

	if (tracee_call(t, &result, err, SYS_sigaltstack, 0, t->scratch.data, 0, 0, 0, 0) < 0)
		return -1;
	if (result < 0 || tracee_read(t->pid, t->scratch.data, &stack, sizeof stack, err) < 0)
		return error_sys(err, result < 0 ? (int)-result : EFAULT, "the alternate signal stack");
	thread->altstack = (struct altstack){
		.known = true, .sp = (addr_t)stack.ss_sp, .size = stack.ss_size,
		.flags = (uint32_t)stack.ss_flags & ~(uint32_t)SS_ONSTACK,
	};
	return 0;
}

static bool uses_altstacks(const struct process *p)
{
	for (int i = 1; i < SIGNALS; i++)
		if (p->dispositions[i].kind == DISPOSITION_HANDLER && p->dispositions[i].flags & SA_ONSTACK)
			return true;
	return false;
}

/* The other threads, one by one; only where a handler wants it, as it costs time. */
static int ask_threads(struct process *p, struct tracee *t, struct error *err)
{
	int result = 0;

	for (size_t i = 1; i < t->count && result == 0; i++) {
		struct thread *thread = process_thread(p, t->threads[i].tid);
		struct error unable;

		if (thread && tracee_begin_calls(t, i, p, &unable) == 0)
			result = read_altstack(thread, t, err);
		tracee_end_calls(t);
	}
	return result;
}

static int ask(struct process *p, struct tracee *t, struct error *err)
{
	long result;

	for (int i = 1; i < SIGNALS; i++)
		if (p->dispositions[i].kind == DISPOSITION_CAUGHT && read_handler(p, t, i, err) < 0)
			return -1;
	if (read_altstack(&p->threads[0], t, err) < 0 || tracee_call(t, &result, err, SYS_brk, 0, 0, 0, 0, 0, 0) < 0)
		return -1;
	if (result > 0 && (addr_t)result >= p->start_brk) {
		p->brk = (addr_t)result;
		p->have |= HAVE_BRK;
	}
	return 0;
}

/* ---- The driver ------------------------------------------------------------------------------------------------ */

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
	/* The bytes that the calls used are put back in the original; the snapshot gets them too. */
	return tracee_write(snapshot, t->scratch.start, t->scratch.saved, t->scratch.size, err);
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
	result = ask(p, t, err);
	if (result == 0 && t->count > 1 && uses_altstacks(p)) {
		tracee_end_calls(t);
		result = ask_threads(p, t, err);
		if (result == 0)
			result = tracee_begin_calls(t, 0, p, err);
	}
	if (result == 0 && !o->stop && !o->keep_stopped)
		result = take_snapshot(c, err);
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
	c->stall = now() - since;
}

static int look(struct capture *c, pid_t pid, const struct capture_options *o, struct error *err)
{
	struct process *p = &c->process;

	p->arch = arch_host();
	p->origin = ORIGIN_LIVE;
	clock_gettime(CLOCK_REALTIME, &p->when);
	if (procfs_read(p, pid, err) < 0 || read_threads(p, c->tracee, err) < 0 ||
	    memory_copy_early(&c->memory, p, pid, err) < 0 || call_and_snapshot(c, o, err) < 0)
		return -1;
	return memory_open(&c->memory, c->snapshot ? c->snapshot : pid, err);
}

int capture_begin(struct capture *c, pid_t pid, const struct capture_options *o, struct error *err)
{
	struct gadgets gadgets;

	memset(c, 0, sizeof *c);
	process_init(&c->process);
	c->memory.mem = c->memory.pagemap = -1;
	if (tracee_check(pid, err) < 0)
		return -1;
	if (tracee_find_gadgets(pid, &gadgets, err) < 0 || memory_find_unshared(&c->memory, pid, err) < 0) {
		capture_end(c);
		return -1;
	}
	c->tracee = calloc(1, sizeof *c->tracee);
	if (!c->tracee)
		return error_set(err, ENOMEM, "not enough memory");
	double since = now();
	if (tracee_stop(c->tracee, pid, err) < 0) {
		tracee_free(c->tracee);
		free(c->tracee);
		c->tracee = NULL;
		return -1;
	}
	c->tracee->gadgets = gadgets;
	int result = look(c, pid, o, err);
	tracee_rest();
	if (result < 0 || c->snapshot)
		let_go(c, since);
	if (result == 0)
		result = memory_classify(&c->memory, &c->process, err);
	if (result < 0)
		capture_end(c);
	return result;
}

void capture_end(struct capture *c)
{
	let_go(c, 0);
	snapshot_drop(c->snapshot);
	c->snapshot = 0;
	memory_close(&c->memory);
	process_free(&c->process);
}
