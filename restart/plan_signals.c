/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What signals do, and those that wait. */
#define _GNU_SOURCE
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

#include "process/names.h"
#include "restart/restore.h"

static void plan_disposition(const struct restore *r, struct plan *plan, int signo)
{
	const struct disposition *d = &r->process->dispositions[signo];
	bool lost = d->kind == DISPOSITION_CAUGHT;  /* no handler, so no use for the rest */
	/* The kernel's struct sigaction, which is not libc's. */
	struct { uint64_t handler, flags, restorer, mask; } action = {
		.handler = d->kind == DISPOSITION_HANDLER ? d->handler
			 : (uint64_t)(d->kind == DISPOSITION_IGNORE ? SIG_IGN : SIG_DFL),
		.flags = lost ? 0 : d->flags,
		.restorer = lost ? 0 : d->restorer,
		.mask = lost ? 0 : d->mask,
	};
	char name[32];

	signal_name_write(name, sizeof name, signo);
	plan_syscall(plan, 0, SYS_rt_sigaction, signo, plan_data(plan, &action, sizeof action), 0,
		     8);
	plan_note(plan, "%s", name);
}

void plan_dispositions(const struct restore *r, struct plan *plan)
{
	if (!(r->process->have & HAVE_DISPOSITIONS))
		return;
	for (int i = 1; i < SIGNALS; i++)
		if (i != SIGKILL && i != SIGSTOP)
			plan_disposition(r, plan, i);
}

/* ---- Signals that wait ----------------------------------------------------------------------- */

/* The bootstrap of a traced process cannot block it: it would be taken for a trap. */
static bool can_wait(const struct pending_signal *pending)
{
	return pending->signo != SIGTRAP;
}

/* The kernel lets a process send itself whatever siginfo it likes (do_rt_sigqueueinfo()). */
static addr_t plan_info(struct plan *plan, const struct pending_signal *pending)
{
	struct { int32_t signo, error, code, pad; uint32_t pid, uid; uint64_t words[14]; } info = {
		.signo = pending->signo, .error = pending->error, .code = pending->code,
		.pid = pending->pid, .uid = pending->uid,
	};

	_Static_assert(sizeof info >= sizeof(siginfo_t), "the kernel reads a whole siginfo_t");
	memcpy(info.words, pending->words, sizeof pending->words);
	return plan_data(plan, &info, sizeof info);
}

void plan_pending(const struct restore *r, struct plan *plan, pid_t tid)
{
	const struct process *p = r->process;
	char name[32];

	for (size_t i = 0; i < p->pending_signal_count; i++) {
		const struct pending_signal *pending = &p->pending_signals[i];

		if (pending->tid != tid || !can_wait(pending))
			continue;
		addr_t info = plan_info(plan, pending);
		if (tid) {
			plan_syscall(plan, OP_KEEP, SYS_gettid, 0);
			plan_syscall(plan, OP_ARG0_IS_PID | OP_ARG0_IS_RESULT << 1,
				     SYS_rt_tgsigqueueinfo, 0, 0, pending->signo, info);
		} else {
			plan_syscall(plan, OP_ARG0_IS_PID, SYS_rt_sigqueueinfo, 0, pending->signo,
				     info);
		}
		signal_name_write(name, sizeof name, pending->signo);
		plan_note(plan, "%s waits", name);
	}
}

void check_signals(const struct restore *r, struct findings *f)
{
	const struct process *p = r->process;
	size_t unknown = 0, traps = 0;

	for (size_t i = 0; i < p->pending_signal_count; i++) {
		unknown += !p->pending_signals[i].info_known;
		traps += !can_wait(&p->pending_signals[i]);
	}
	if (unknown)
		findings_add(f, LOSS, "what came with %zu waiting signals could not be seen: they "
			     "wait as if sent by kill(), once each (ckpt -p sees it)", unknown);
	if (traps)
		findings_add(f, LOSS, "a SIGTRAP that waited is lost");
}
