/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The threads: the leader makes the others, each then tells the kernel what it must know of it.
 */
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <elf.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <unistd.h>

#include "process/arch.h"
#include "restart/owners.h"
#include "restart/registers.h"
#include "restart/restore.h"

enum {
	RSEQ_SIGNATURE = 0x53053053,  /* what glibc registers on x86 */
	RSEQ_CPU_IDS_SIZE = 8,        /* cpu_id_start, cpu_id */
	ROBUST_HEAD_SIZE = 24,
};

static void plan_clone(const struct restore *r, struct plan *plan, size_t i)
{
	const struct thread *t = &r->process->threads[i];
	uint64_t tid = (uint64_t)(uint32_t)t->tid;
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
			 CLONE_SYSVSEM,
		.stack = r->area + AREA_STACKS + i * STACK_SIZE,
		.stack_size = STACK_SIZE,
	};

	/* The tracer has it from its first instruction; an event for its maker is one stop more. */
	if (r->finish == FINISH_TRACED)
		args.flags |= CLONE_PTRACE;
	if (r->keep_ids) {
		args.set_tid = plan_data(plan, &tid, sizeof(pid_t));
		args.set_tid_size = 1;
	}
	if (plan->thread_words) {
		args.flags |= CLONE_PARENT_SETTID;
		args.parent_tid = plan->thread_words + i * sizeof(pid_t);
	}
	addr_t at = plan_data(plan, &args, sizeof args);
	struct plan_op *op = plan_add(plan, OP_THREAD, r->keep_ids ? OP_EXPECT : 0);
	op->args[0] = at;
	op->args[1] = sizeof args;
	op->expect = tid;
	plan_note(plan, "thread %d", t->tid);
}

/*
 * Whether T registered its rseq area: the kernel keeps the current cpu there.  A new thread is
 * about to, and libc takes it for fatal when that fails because we did; its area may be zero, which
 * is a cpu too.  Without an area, libc asks the kernel for the cpu.
 */
static bool has_rseq(const struct restore *r, size_t i, addr_t area)
{
	enum new_thread new = i > 0 ? registers_new_thread(&r->process->threads[i]) : THREAD_OLD;
	int32_t known[2];
	struct error err;

	if (process_read(r->process, area, known, sizeof known, &err) < 0 || known[1] < 0)
		return false;
	return new == THREAD_OLD || (new == THREAD_PERHAPS_NEW && known[1] > 0);
}

/* rseq is registered again with no cpu known, and the kernel fills in the current one. */
static void plan_rseq(const struct restore *r, struct plan *plan, size_t i, addr_t tls)
{
	const int32_t cpu_ids[2] = { 0, -1 };
	addr_t area = tls + (addr_t)r->libc.rseq;

	_Static_assert(sizeof cpu_ids == RSEQ_CPU_IDS_SIZE, "struct rseq begins with two cpu ids");
	addr_t from = plan_data(plan, cpu_ids, sizeof cpu_ids);
	struct plan_op *op = plan_add(plan, OP_COPY, 0);
	op->args[0] = area;
	op->args[1] = from;
	op->args[2] = sizeof cpu_ids;
	if (!has_rseq(r, i, area))
		return;
	/* A kernel without rseq is one that libc can live with. */
	plan_syscall(plan, OP_MAY_FAIL, SYS_rseq, area, r->libc.rseq_size, 0, RSEQ_SIGNATURE);
}

static void plan_altstack(struct plan *plan, const struct altstack *s)
{
	stack_t stack = {
		.ss_sp = (void *)s->sp,
		.ss_size = s->size,
		.ss_flags = (int)(s->flags & ~(uint32_t)SS_ONSTACK),
	};

	plan_syscall(plan, 0, SYS_sigaltstack, plan_data(plan, &stack, sizeof stack), 0);
}

/* The counterpart of ids_raise_ambient(). */
static void plan_drop_capabilities(struct plan *plan)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	plan_syscall(plan, 0, SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL);
	addr_t at = plan_data(plan, &header, sizeof header);
	plan_syscall(plan, 0, SYS_capset, at, plan_data(plan, none, sizeof none));
}

/* Without a tracer the leader stops the process, before it lets any thread enter the program. */
static void plan_stop(struct plan *plan)
{
	plan_syscall(plan, OP_KEEP, SYS_getpid, 0);
	plan_syscall(plan, OP_ARG0_IS_RESULT, SYS_kill, 0, SIGSTOP);
	plan_note(plan, "stopped until SIGCONT");
}

static int plan_thread(const struct restore *r, struct plan *plan, size_t i, struct error *err)
{
	const struct process *p = r->process;
	const struct thread *t = &p->threads[i];
	const struct libc_layout *libc = &r->libc;
	struct user_regs_struct regs;

	if (registers_general(r, t, &regs, err) < 0)
		return -1;
	plan_syscall(plan, 0, SYS_arch_prctl, ARCH_SET_FS, regs.fs_base);
	plan_note(plan, "thread %d", t->tid);
	if (regs.gs_base)
		plan_syscall(plan, 0, SYS_arch_prctl, ARCH_SET_GS, regs.gs_base);
	if (libc->shared_tid)
		plan_syscall(plan, 0, SYS_set_tid_address, libc->shared_tid);
	else if (libc->tid_known)
		plan_syscall(plan, 0, SYS_set_tid_address, regs.fs_base + (addr_t)libc->tid);
	/*
	 * With new ids libc's records are changed only
	 * if the locks are known that name the old ones.
	 */
	if (!r->keep_ids && r->owners.known) {
		plan_last(plan)->flags |= OP_KEEP;  /* set_tid_address returns the id */
		plan_add(plan, OP_STORE, 0)->args[0] = regs.fs_base + (addr_t)libc->tid;
		plan_note(plan, "where libc has its id");
		plan_owners(r, plan, i);
	}
	if (libc->robust_known)
		plan_syscall(plan, 0, SYS_set_robust_list, regs.fs_base + (addr_t)libc->robust,
			     ROBUST_HEAD_SIZE);
	if (libc->rseq_known)
		plan_rseq(r, plan, i, regs.fs_base);
	if (t->altstack.known)
		plan_altstack(plan, &t->altstack);
	if ((r->keep_ids || r->options->tcp_established) && geteuid() != 0)
		plan_drop_capabilities(plan);
	const char *name = t->name[0] ? t->name : i == 0 ? p->comm : "";
	if (name[0])
		plan_syscall(plan, 0, SYS_prctl, PR_SET_NAME, plan_string(plan, name));
	plan_thread_attributes(r, plan, i);
	if (i == 0)
		plan_pending(r, plan, 0);
	plan_pending(r, plan, t->tid);
	plan_thread_timers(r, plan, i);
	if (r->finish == FINISH_TRACED) {
		plan_add(plan, OP_END, 0)->args[0] = i;
		return 0;
	}
	if (i == 0 && !r->options->nostop)
		plan_stop(plan);
	addr_t frame = registers_frame(r, plan, t, err);
	struct plan_op *op = plan_add(plan, OP_ENTER, 0);
	op->args[0] = frame;
	op->args[1] = p->thread_count;
	return frame ? 0 : -1;
}

int plan_threads(const struct restore *r, struct plan *plan, struct error *err)
{
	plan_timers_begin(r, plan);
	size_t first_clone = plan_next(plan);

	for (size_t i = 1; i < r->process->thread_count; i++)
		plan_clone(r, plan, i);
	plan_syscall(plan, 0, SYS_close_range, r->fd_base, lent_end(r) - 1);
	plan_note(plan, "what restart lent");
	for (size_t i = 0; i < r->process->thread_count; i++) {
		if (i > 0)
			plan_at(plan, first_clone + i - 1)->args[2] = plan_next(plan);
		if (plan_thread(r, plan, i, err) < 0)
			return error_prefix(err, "thread %d", r->process->threads[i].tid);
	}
	return 0;
}
