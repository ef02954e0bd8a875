/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The attributes of the process and of its threads: those that differ from what restart itself has.
 */
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <fcntl.h>
#include <linux/prctl.h>
#include <string.h>
#include <sys/syscall.h>

#include "restart/future_locks.h"
#include "restart/own.h"
#include "restart/restore.h"
#include "restart/scheduling.h"
#include "util/format.h"

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#endif

enum { SYS_RESOURCE = 24 };  /* CAP_SYS_RESOURCE */

static bool may_oom(int64_t adj)
{
	int64_t own = 0;

	process_attribute(own_process(), NULL, ATTRIBUTE_OOM_SCORE_ADJ, &own);
	return adj >= own || own_has_capability(SYS_RESOURCE);
}

/* ---- Of the process -------------------------------------------------------------------------- */

/* A file of /proc/self.  Where it cannot be written that was said before. */
static void plan_number(struct plan *plan, const char *path, const char *number)
{
	plan_syscall(plan, OP_KEEP | OP_MAY_FAIL, SYS_open, plan_string(plan, path),
		     O_WRONLY | O_CLOEXEC, 0);
	plan_syscall(plan, OP_ARG0_IS_RESULT | OP_MAY_FAIL, SYS_write, 0, plan_string(plan, number),
		     strlen(number));
	plan_note(plan, "%s", number);
	plan_syscall(plan, OP_ARG0_IS_RESULT | OP_MAY_FAIL, SYS_close, 0);
}

/* Before the files, which may leave no descriptor, and before there are threads, which inherit. */
void plan_attributes(const struct restore *r, struct plan *plan)
{
	enum { PRIVATE_FILE_MAPPINGS = 1 << 2 };  /* next core needs them: launch_lend() */
	char number[32];
	int64_t value;

	if (own_differs(r->process, NULL, ATTRIBUTE_PERSONALITY, &value))
		plan_syscall(plan, 0, SYS_personality, value);
	if (own_differs(r->process, NULL, ATTRIBUTE_THP_DISABLE, &value))
		plan_syscall(plan, 0, SYS_prctl, PR_SET_THP_DISABLE, value);
	if (own_differs(r->process, NULL, ATTRIBUTE_OOM_SCORE_ADJ, &value) && may_oom(value)) {
		format(number, sizeof number, "%ld", (long)value);
		plan_number(plan, "/proc/self/oom_score_adj", number);
	}
	if (process_attribute(r->process, NULL, ATTRIBUTE_COREDUMP_FILTER, &value)) {
		format(number, sizeof number, "%#lx",
		       (unsigned long)value | (r->lazy ? PRIVATE_FILE_MAPPINGS : 0));
		plan_number(plan, "/proc/self/coredump_filter", number);
	}
}

/* ---- Of a thread ----------------------------------------------------------------------------- */

static void plan_prctl(const struct restore *r, struct plan *plan, const struct thread *t,
		       enum attribute which, int option, const char *note)
{
	int64_t value;

	if (!own_differs(r->process, t, which, &value))
		return;
	plan_syscall(plan, 0, SYS_prctl, option, value);
	plan_note(plan, "%s", note);
}

static void plan_speculation(const struct restore *r, struct plan *plan, const struct thread *t,
			     enum attribute which, int feature)
{
	int64_t value;

	/* The machine may have no such control, or have it decided. */
	if (own_differs(r->process, t, which, &value))
		plan_syscall(plan, OP_MAY_FAIL, SYS_prctl, PR_SET_SPECULATION_CTRL, feature, value);
}

/* A signal at the end of a parent that ends right away, as restart does without -w, would kill. */
static bool keeps_parent(const struct restore *r)
{
	return r->options->wait || r->options->pid == PID_NAMESPACE;
}

void plan_thread_attributes(const struct restore *r, struct plan *plan, size_t i)
{
	const struct thread *t = &r->process->threads[i];
	int64_t value;

	plan_scheduling(r, plan, t);
	plan_prctl(r, plan, t, ATTRIBUTE_TIMERSLACK, PR_SET_TIMERSLACK, "timer slack");
	plan_prctl(r, plan, t, ATTRIBUTE_TSC, PR_SET_TSC, "TSC");
	if (own_differs(r->process, t, ATTRIBUTE_CPUID, &value))
		plan_syscall(plan, OP_MAY_FAIL, SYS_arch_prctl, ARCH_SET_CPUID, value);
	plan_speculation(r, plan, t, ATTRIBUTE_STORE_BYPASS, PR_SPEC_STORE_BYPASS);
	plan_speculation(r, plan, t, ATTRIBUTE_INDIRECT_BRANCH, PR_SPEC_INDIRECT_BRANCH);
	plan_credentials(r, plan);
	if (process_attribute(r->process, t, ATTRIBUTE_NO_NEW_PRIVS, &value) && value)
		plan_syscall(plan, 0, SYS_prctl, PR_SET_NO_NEW_PRIVS, 1);
	if (keeps_parent(r) && process_attribute(r->process, t, ATTRIBUTE_PDEATHSIG, &value) &&
	    value)
		plan_syscall(plan, 0, SYS_prctl, PR_SET_PDEATHSIG, value);
	if (i > 0)
		return;
	if (process_attribute(r->process, NULL, ATTRIBUTE_SUBREAPER, &value) && value)
		plan_syscall(plan, 0, SYS_prctl, PR_SET_CHILD_SUBREAPER, 1);
	/* Behind a change of user, which clears it. */
	if (process_attribute(r->process, NULL, ATTRIBUTE_DUMPABLE, &value))
		plan_syscall(plan, 0, SYS_prctl, PR_SET_DUMPABLE, value == 1);
	if (process_attribute(r->process, NULL, ATTRIBUTE_MDWE, &value) && value)
		plan_syscall(plan, 0, SYS_prctl, PR_SET_MDWE, value);
	plan_future_locks(r, plan);
}

/* ---- What is known beforehand ---------------------------------------------------------------- */

/* What of one thread cannot come back; the same of another one is not said again. */
struct refused {
	bool pdeathsig, seccomp;
};

static void check_thread(const struct restore *r, const struct thread *t, struct refused *said,
			 struct findings *f)
{
	int64_t value;

	/* Restart's own filters are inherited, and may be others. */
	if (process_attribute(r->process, t, ATTRIBUTE_SECCOMP, &value) && value &&
	    !said->seccomp) {
		findings_add_loss(f, "the system calls of thread %d were %s (seccomp), and would "
				  "not be", t->tid,
				  value == 1 ? "all but four forbidden" : "filtered");
		said->seccomp = true;
	}
	if (process_attribute(r->process, t, ATTRIBUTE_PDEATHSIG, &value) && value &&
	    !keeps_parent(r) && !said->pdeathsig) {
		findings_add(f, LOSS, "a signal that was to come at the parent's end would come at "
			     "once, as restart ends, and is left out (use -w)");
		said->pdeathsig = true;
	}
}

void check_attributes(const struct restore *r, struct findings *f)
{
	struct refused said = { false };
	int64_t value;

	check_scheduling(r, f);
	for (size_t i = 0; i < r->process->thread_count; i++)
		check_thread(r, &r->process->threads[i], &said, f);
	if (process_attribute(r->process, NULL, ATTRIBUTE_OOM_SCORE_ADJ, &value) && !may_oom(value))
		findings_add(f, LOSS,
			     "the oom_score_adj %ld takes CAP_SYS_RESOURCE: restart's own stays",
			     (long)value);
	check_future_locks(r, f);
	check_credentials(r, f);
}
