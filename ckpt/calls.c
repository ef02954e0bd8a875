/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* System calls in the name of a stopped process: see tracee.h for how they survive our death. */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "ckpt/tracee.h"
#include "process/sigframe.h"
#include "process/syscall_restart.h"
#include "util/bytes.h"
#include "util/cleanup.h"
#include "util/format.h"
#include "util/io.h"

enum { SYSCALL_STOP = SIGTRAP | 0x80 };  /* with PTRACE_O_TRACESYSGOOD */

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
	uint8_t code[SYSCALL_CODE_SIZE];
	struct error ignored;
	bool known = (int64_t)regs.orig_rax >= 0 &&
		     traced_read(t->tid, regs.rip - sizeof code, code, sizeof code, &ignored) == 0;

	syscall_resume(&s, code, known ? sizeof code : 0);
	regs.rip = s.pc;
	regs.rax = s.result;
	regs.rdi = s.rdi;
	regs.rdx = s.rdx;
	return regs;
}

/*
 * The kernel aborts a restartable sequence when its thread returns to it after a pause.  The calls
 * lead the thread elsewhere in between, and the kernel forgets the sequence: so it is aborted here.
 */
static void abort_rseq(struct tracee_thread *t)
{
	struct { uint64_t area; uint32_t size, signature, flags, pad; } rseq;
	struct { uint32_t version, flags; uint64_t start, length, abort; } section;
	enum { RSEQ_CS = 8, GET_RSEQ = 0x420f /* PTRACE_GET_RSEQ_CONFIGURATION */ };
	struct error ignored;
	uint64_t at;

	if (ptrace((enum __ptrace_request)GET_RSEQ, t->tid, sizeof rseq, &rseq) != sizeof rseq ||
	    !rseq.area || traced_read(t->tid, rseq.area + RSEQ_CS, &at, sizeof at, &ignored) < 0 ||
	    !at || traced_read(t->tid, at, &section, sizeof section, &ignored) < 0)
		return;
	if (t->regs.rip - section.start < section.length)
		t->regs.rip = section.abort;
}

static const struct mapping *find_stack(const struct process *p)
{
	for (size_t i = 0; i < p->mapping_count; i++)
		if (p->mappings[i].label == LABEL_STACK)
			return &p->mappings[i];
	return NULL;
}

static int use_scratch(struct tracee *t, addr_t start, size_t size, struct error *err)
{
	struct scratch *s = &t->scratch;

	free(s->saved);
	s->start = start;
	s->size = size;
	s->saved = malloc(size);
	if (!s->saved)
		return error_set(err, ENOMEM, "not enough memory");
	return traced_read(t->pid, s->start, s->saved, size, err);
}

/*
 * What the process offers; else a piece of the leader's stack that holds nothing: the lower end of
 * [stack], far below the stack pointer.  Where the leader runs on another stack (a coroutine's,
 * that of signals), it must be zero: never used.
 */
static int choose_scratch(struct tracee *t, const struct process *p, size_t size, struct error *err)
{
	enum { MARGIN = 4096 };
	addr_t sp = t->threads[0].regs.rsp;
	const struct mapping *stack = find_stack(p);
	struct scratch *s = &t->scratch;

	if (t->spare.end - t->spare.start >= size)
		return use_scratch(t, t->spare.start, size, err);
	if (!stack || stack->end - stack->start < size + MARGIN)
		return error_set(err, ENOTSUP, "its first thread has no stack");
	bool elsewhere = sp < stack->start || sp >= stack->end;

	if (!elsewhere && sp - stack->start < size + MARGIN)
		return error_set(err, ENOTSUP, "its first thread has no unused stack");
	if (use_scratch(t, stack->start, size, err) < 0)
		return -1;
	if (elsewhere && !all_zero(s->saved, size))
		return error_set(err, ENOTSUP, "its first thread is not on its own stack");
	return 0;
}

/*
 * A call may be the death of a thread that filters
 * its calls, and is that of one with a shadow stack.
 */
static int check_calls_allowed(struct tracee *t, pid_t tid, struct error *err)
{
	struct arena arena = { 0 };
	char name[64];
	int result = -1;

	format(name, sizeof name, "/proc/%d/status", tid);
	const char *status = read_file(&arena, name, 65536, NULL, err);
	const char *seccomp = status ? strstr(status, "\nSeccomp:") : NULL;
	const char *features = status ? strstr(status, "\nx86_Thread_features:") : NULL;
	const char *ids = status ? strstr(status, "\nNSpid:") : NULL;
	const char *shadow = features ? strstr(features, "shstk") : NULL;

	/* The last one is its id for itself. */
	while (ids && (ids = strpbrk(ids + 1, "\t\n")) && *ids == '\t')
		t->is_init = atoi(ids + 1) == 1;
	if (seccomp && atoi(seccomp + strlen("\nSeccomp:")))
		error_set(err, ENOTSUP, "its system calls are filtered (seccomp)");
	else if (shadow && shadow < strchrnul(features + 1, '\n'))
		error_set(err, ENOTSUP, "it has a shadow stack");
	else if (status)
		result = 0;
	arena_free(&arena);
	return result;
}

int tracee_begin_calls(struct tracee *t, size_t thread, const struct process *p, struct error *err)
{
	enum { DATA_SIZE = 8192, PAGE = 4096 };
	struct tracee_thread *caller = &t->threads[thread];
	size_t xsave_size = xsave_host_size();
	size_t frame_size = sigframe_size(xsave_size);
	size_t size = (64 + frame_size + DATA_SIZE + PAGE - 1) / PAGE * PAGE;
	struct scratch *s = &t->scratch;

	if (tracee_have_gadgets(t, err) < 0 || check_calls_allowed(t, caller->tid, err) < 0 ||
	    choose_scratch(t, p, size, err) < 0)
		return -1;
	abort_rseq(caller);

	struct user_regs_struct resume = resumed(caller), parked;
	cleanup_free void *xsave = read_xsave(caller->tid, xsave_size, err);
	cleanup_free uint8_t *image = calloc(1, size);

	if (!xsave || !image)
		return xsave ? error_set(err, ENOMEM, "not enough memory") : -1;

	/* data, then the return address, then the frame at a multiple of 64 */
	s->data = s->start;
	s->data_size = DATA_SIZE;
	addr_t frame = s->start + DATA_SIZE + 64;
	s->call_sp = frame - 8;
	memcpy(image + (s->call_sp - s->start), &t->gadgets.restorer, sizeof t->gadgets.restorer);
	sigframe_build(image + (frame - s->start), frame, &resume, xsave, xsave_size,
		       caller->blocked);
	t->caller = caller;
	if (traced_write(t->pid, s->start, image, size, err) < 0)
		return -1;

	/* From here on, being let go means rt_sigreturn; only then may the mask be another. */
	parked = caller->regs;
	parked.rip = t->gadgets.restorer;
	parked.rsp = frame;
	parked.orig_rax = (unsigned long long)-1;
	if (traced_set_registers(caller->tid, &parked, err) < 0)
		return -1;
	return tracee_set_mask(caller->tid, UINT64_MAX, err);
}

int tracee_call_in(pid_t tid, addr_t syscall_ret, addr_t sp, pid_t *child, long *result,
		   struct error *err, long nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
		   uint64_t e, uint64_t f)
{
	unsigned long message;
	struct user_regs_struct regs;
	int status, stops = 0;

	if (traced_registers(tid, &regs, err) < 0)
		return -1;
	traced_prepare_call(&regs, syscall_ret, nr, a, b, c, d, e, f);
	regs.rsp = sp;
	if (traced_set_registers(tid, &regs, err) < 0)
		return -1;
	/*
	 * One stop as the call begins, one as it ends; a
	 * stop signal or a new child may come between.
	 */
	for (int signo = 0; stops < 2;) {
		if (ptrace(PTRACE_SYSCALL, tid, 0, signo) < 0)
			return error_sys(err, errno, "thread %d", tid);
		while (waitpid(tid, &status, __WALL) < 0)
			if (errno != EINTR || tracee_has_ended(tid))
				return error_set(err, ESRCH, "thread %d has been killed", tid);
		if (!WIFSTOPPED(status))
			return error_set(err, ESRCH, "thread %d has ended", tid);
		if (WSTOPSIG(status) == SYSCALL_STOP)
			stops++;
		else if (child &&
			 (status >> 16 == PTRACE_EVENT_CLONE ||
			  status >> 16 == PTRACE_EVENT_FORK) &&
			 ptrace(PTRACE_GETEVENTMSG, tid, 0, &message) == 0)
			*child = (pid_t)message;
		signo = status >> 16 || WSTOPSIG(status) == SYSCALL_STOP ? 0 : WSTOPSIG(status);
	}
	return traced_result(tid, result, err);
}

int tracee_call(struct tracee *t, long *result, struct error *err, long nr, uint64_t a, uint64_t b,
		uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
	return tracee_call_in(t->caller->tid, t->gadgets.syscall_ret, t->scratch.call_sp, NULL,
			      result, err, nr, a, b, c, d, e, f);
}

int tracee_exit(struct tracee *t, struct error *err)
{
	struct user_regs_struct regs;

	if (traced_registers(t->caller->tid, &regs, err) < 0)
		return -1;
	traced_prepare_call(&regs, t->gadgets.syscall_ret, SYS_exit_group, 0, 0, 0, 0, 0, 0);
	regs.rsp = t->scratch.call_sp;
	if (traced_set_registers(t->caller->tid, &regs, err) < 0)
		return -1;
	if (ptrace(PTRACE_DETACH, t->caller->tid, 0, 0) < 0)
		return error_sys(err, errno, "thread %d", t->caller->tid);
	tracee_bury(t);
	return 0;
}

void tracee_end_calls(struct tracee *t)
{
	const struct tracee_thread *caller = t->caller;
	struct error ended;

	/*
	 * In this order: let go in between, the thread takes both from the frame.  What fails here,
	 * fails because the process has been killed.
	 */
	if (caller && tracee_set_mask(caller->tid, caller->blocked, &ended) == 0 &&
	    traced_set_registers(caller->tid, &caller->regs, &ended) == 0)
		(void)!traced_write(t->pid, t->scratch.start, t->scratch.saved, t->scratch.size,
				    &ended);
	t->caller = NULL;
}
