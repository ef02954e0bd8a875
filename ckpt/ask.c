/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "ckpt/ask.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>

#include "process/remembered.h"

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

int ask_process(struct process *p, struct tracee *t, struct error *err)
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

/* Alternate stacks are asked for only where a handler wants one. */
bool ask_wants_threads(const struct process *p)
{
	for (int i = 1; i < SIGNALS && p->thread_count > 1; i++)
		if (p->dispositions[i].kind == DISPOSITION_HANDLER && p->dispositions[i].flags & SA_ONSTACK)
			return true;
	return false;
}

int ask_threads(struct process *p, struct tracee *t, struct error *err)
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
