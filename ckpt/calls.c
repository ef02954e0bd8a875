/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* System calls in the name of a stopped process: see tracee.h for how they survive our death. */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "ckpt/tracee.h"
#include "process/procfs.h"
#include "process/sigframe.h"
#include "process/syscall_restart.h"
#include "util/cleanup.h"
#include "util/format.h"

enum { SYSCALL_STOP = SIGTRAP | 0x80 };  /* with PTRACE_O_TRACESYSGOOD */

/* ---- Remote calls ------------------------------------------------------------------------------------- */

/* The frame needs the thread's vector registers as ptrace shows them. */
static void *read_xsave(pid_t tid, size_t size, struct error *err)
{
	void *xsave = calloc(1, size);
	struct iovec iov = { xsave, size };

	if (!xsave) {
		error_set(err, ENOMEM, "not enough memory");
		return NULL;
	}
	if (ptrace(PTRACE_GETREGSET, tid, NT_X86_XSTATE, &iov) < 0 || iov.iov_len != size) {
		error_sys(err, errno, "reading the vector registers of thread %d", tid);
		free(xsave);
		return NULL;
	}
	return xsave;
}

/* What rt_sigreturn must put back for the thread to go on: an interrupted call is issued again. */
static struct user_regs_struct resumed(const struct tracee_thread *t)
{
	struct user_regs_struct regs = t->regs;
	struct syscall_regs s = {
		.pc = regs.rip, .result = regs.rax, .number = regs.orig_rax,
		.rdi = regs.rdi, .rsi = regs.rsi, .rdx = regs.rdx, .r10 = regs.r10,
	};

	syscall_resume(&s, NULL, 0);
	regs.rip = s.pc;
	regs.rax = s.result;
	regs.rdi = s.rdi;
	regs.rdx = s.rdx;
	return regs;
}

/*
 * A piece of the leader's stack that holds nothing: the lower end of [stack], far below the stack
 * pointer.  Where the leader runs on another stack (a coroutine's), nothing is known to be unused.
 */
static int choose_scratch(struct tracee *t, const struct process *p, size_t size, struct error *err)
{
	enum { MARGIN = 4096 };
	addr_t sp = t->threads[0].regs.rsp;
	const struct mapping *stack = process_mapping_at(p, sp);

	if (!stack || stack->label != LABEL_STACK || sp - stack->start < size + MARGIN)
		return error_set(err, ENOTSUP, "process %d: its first thread has no unused stack", t->pid);
	t->scratch.start = stack->start;
	t->scratch.size = size;
	return 0;
}

int tracee_begin_calls(struct tracee *t, const struct process *p, struct error *err)
{
	enum { DATA_SIZE = 8192, PAGE = 4096 };
	size_t xsave_size = xsave_host_size();
	size_t frame_size = sigframe_size(xsave_size);
	size_t size = (64 + frame_size + DATA_SIZE + PAGE - 1) / PAGE * PAGE;
	struct scratch *s = &t->scratch;
	struct user_regs_struct resume = resumed(&t->threads[0]), parked;

	if (choose_scratch(t, p, size, err) < 0)
		return -1;
	cleanup_free void *xsave = read_xsave(t->pid, xsave_size, err);
	cleanup_free uint8_t *image = calloc(1, size);
	s->saved = malloc(size);
	if (!xsave || !image || !s->saved)
		return xsave ? error_set(err, ENOMEM, "not enough memory") : -1;
	if (tracee_read(t->pid, s->start, s->saved, size, err) < 0)
		return -1;

	/* data, then the return address, then the frame at a multiple of 64 */
	s->data = s->start;
	s->data_size = DATA_SIZE;
	addr_t frame = s->start + DATA_SIZE + 64;
	s->call_sp = frame - 8;
	memcpy(image + (s->call_sp - s->start), &t->gadgets.restorer, sizeof t->gadgets.restorer);
	sigframe_build(image + (frame - s->start), frame, &resume, xsave, xsave_size,
		       t->threads[0].blocked);
	if (tracee_write(t->pid, s->start, image, size, err) < 0)
		return -1;

	/* From here on, being let go means rt_sigreturn; only then may the mask be another. */
	parked = t->threads[0].regs;
	parked.rip = t->gadgets.restorer;
	parked.rsp = frame;
	parked.orig_rax = (unsigned long long)-1;
	if (set_registers(t->pid, &parked, err) < 0)
		return -1;
	t->calling = true;
	return set_mask(t->pid, UINT64_MAX, err);
}

int tracee_call_in(pid_t tid, addr_t syscall_ret, addr_t sp, pid_t *child, long *result,
		   struct error *err, long nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
		   uint64_t f)
{
	unsigned long message;
	struct user_regs_struct regs;
	int status, stops = 0;

	if (tracee_registers(tid, &regs, err) < 0)
		return -1;
	regs.rip = syscall_ret;
	regs.rsp = sp;
	regs.rax = (unsigned long long)nr;
	regs.orig_rax = (unsigned long long)-1;
	regs.rdi = a;
	regs.rsi = b;
	regs.rdx = c;
	regs.r10 = d;
	regs.r8 = e;
	regs.r9 = f;
	if (set_registers(tid, &regs, err) < 0)
		return -1;
	/* One stop as the call begins, one as it ends; a stop signal or a new child may come between. */
	for (int signo = 0; stops < 2;) {
		if (ptrace(PTRACE_SYSCALL, tid, 0, signo) < 0)
			return error_sys(err, errno, "thread %d", tid);
		while (waitpid(tid, &status, __WALL) < 0)
			if (errno != EINTR)
				return error_sys(err, errno, "thread %d", tid);
		if (!WIFSTOPPED(status))
			return error_set(err, ESRCH, "thread %d has ended", tid);
		if (WSTOPSIG(status) == SYSCALL_STOP)
			stops++;
		else if (child && (status >> 16 == PTRACE_EVENT_CLONE || status >> 16 == PTRACE_EVENT_FORK) &&
			 ptrace(PTRACE_GETEVENTMSG, tid, 0, &message) == 0)
			*child = (pid_t)message;
		signo = status >> 16 || WSTOPSIG(status) == SYSCALL_STOP ? 0 : WSTOPSIG(status);
	}
	if (tracee_registers(tid, &regs, err) < 0)
		return -1;
	*result = (long)regs.rax;
	return 0;
}

int tracee_call(struct tracee *t, long *result, struct error *err, long nr, uint64_t a, uint64_t b,
		uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
	return tracee_call_in(t->pid, t->gadgets.syscall_ret, t->scratch.call_sp, NULL, result, err, nr, a, b,
			      c, d, e, f);
}

void tracee_end_calls(struct tracee *t)
{
	struct error err;

	if (t->calling && t->count > 0) {
		const struct tracee_thread *leader = &t->threads[0];

		/* In this order: let go in between, the thread takes both from the frame. */
		if (set_mask(leader->tid, leader->blocked, &err) == 0 &&
		    set_registers(leader->tid, &leader->regs, &err) == 0 &&
		    tracee_write(t->pid, t->scratch.start, t->scratch.saved, t->scratch.size, &err) == 0)
			t->calling = false;
	}
	t->calling = false;
}

/* ---- The pieces of code that they need --------------------------------------------------------------------- */

/* Looks for BYTES in the LEN bytes of code at START; 0 when they are not there. */
static addr_t search(const uint8_t *code, size_t len, addr_t start, const void *bytes, size_t size)
{
	const uint8_t *found = memmem(code, len, bytes, size);

	return found ? start + (addr_t)(found - code) : 0;
}

static void search_mapping(pid_t pid, const struct mapping *m, struct gadgets *g)
{
	/* syscall; ret */
	static const uint8_t syscall_ret[] = { 0x0f, 0x05, 0xc3 };
	/* mov $15, %rax; syscall, as libc's and Go's __restore_rt have it; and musl's mov $15, %eax */
	static const uint8_t restorer[] = { 0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05 };
	static const uint8_t restorer_short[] = { 0xb8, 0x0f, 0, 0, 0, 0x0f, 0x05 };
	enum { CODE_MAX = 64 << 20 };
	size_t len = m->end - m->start;
	cleanup_free uint8_t *code = len <= CODE_MAX ? malloc(len) : NULL;
	struct error err;

	if (!code || tracee_read(pid, m->start, code, len, &err) < 0)
		return;
	if (!g->syscall_ret)
		g->syscall_ret = search(code, len, m->start, syscall_ret, sizeof syscall_ret);
	if (!g->restorer)
		g->restorer = search(code, len, m->start, restorer, sizeof restorer);
	if (!g->restorer)
		g->restorer = search(code, len, m->start, restorer_short, sizeof restorer_short);
}

int tracee_find_gadgets(pid_t pid, struct gadgets *g, struct error *err)
{
	struct process p;

	memset(g, 0, sizeof *g);
	process_init(&p);
	if (procfs_read_mappings(&p, pid, err) < 0) {
		process_free(&p);
		return -1;
	}
	for (size_t i = 0; i < p.mapping_count && !(g->syscall_ret && g->restorer); i++)
		if (p.mappings[i].prot & PROT_EXEC && p.mappings[i].label != LABEL_VSYSCALL)
			search_mapping(pid, &p.mappings[i], g);
	process_free(&p);
	if (!g->syscall_ret || !g->restorer)
		return error_set(err, ENOTSUP, "process %d: its code has no way back from a system call", pid);
	return 0;
}
