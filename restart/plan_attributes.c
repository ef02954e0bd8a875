/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The attributes of the process and of its threads: those that differ from what restart itself has.
 */
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <fcntl.h>
#include <linux/prctl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "process/names.h"
#include "process/procfs.h"
#include "restart/future_locks.h"
#include "restart/own.h"
#include "restart/restore.h"
#include "util/format.h"

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#endif

enum { SYS_ADMIN = 21, SYS_NICE = 23, SYS_RESOURCE = 24 };  /* CAP_* */
enum { IOPRIO_SHIFT = 13, IOPRIO_REALTIME = 1, IOPRIO_WHO_PROCESS = 1 };
enum { SCHED_FLAG_RESET_ON_FORK = 1, FIFO = 1, RR = 2, DEADLINE = 6 };

/*
 * Whether thread I (NULL: the process) had another value than restart has and the new process will
 * inherit.
 */
static bool differs(const struct restore *r, const struct thread *t, enum attribute which,
		    int64_t *value)
{
	const struct process *own = own_process();
	int64_t ours;

	return process_attribute(r->process, t, which, value) &&
	       !(process_attribute(own, own->threads, which, &ours) && ours == *value);
}

/* ---- What takes a privilege ------------------------------------------------------------------ */

static bool within_limit(int resource, uint64_t wanted)
{
	struct rlimit limit;

	return prlimit(0, (enum __rlimit_resource)resource, NULL, &limit) == 0 &&
	       wanted <= limit.rlim_cur;
}

static bool may_nice(int64_t nice)
{
	int64_t own = 0;

	process_attribute(own_process(), own_process()->threads, ATTRIBUTE_NICE, &own);
	return nice >= own || own_has_capability(SYS_NICE) ||
	       within_limit(RLIMIT_NICE, (uint64_t)(20 - nice));
}

static bool may_schedule(const struct scheduling *s)
{
	if (own_has_capability(SYS_NICE))
		return true;
	return s->policy != DEADLINE &&
	       ((s->policy != FIFO && s->policy != RR) || within_limit(RLIMIT_RTPRIO, s->priority));
}

static bool may_ioprio(int64_t ioprio)
{
	return ioprio >> IOPRIO_SHIFT != IOPRIO_REALTIME || own_has_capability(SYS_NICE) ||
	       own_has_capability(SYS_ADMIN);
}

static bool may_oom(int64_t adj)
{
	int64_t own = 0;

	process_attribute(own_process(), NULL, ATTRIBUTE_OOM_SCORE_ADJ, &own);
	return adj >= own || own_has_capability(SYS_RESOURCE);
}

/* ---- Cpus ------------------------------------------------------------------------------------ */

/*
 * Those of thread T that this machine has.  False when it may stay where restart is.  A machine
 * with other cpus may have none of them: then *ANY is false.
 */
static bool cpus_wanted(const struct restore *r, const struct thread *t, struct cpus *c, bool *any)
{
	const struct process *own = own_process();
	const struct attributes *a = process_cpus(r->process, t);
	const struct attributes *ours = process_cpus(own, own->threads);

	if (!a || (ours && attributes_same_cpus(a, ours)))
		return false;
	procfs_online_cpus(c);
	*any = false;
	for (size_t i = 0; i < c->words; i++) {
		if (a->cpu_words)
			c->bits[i] &= i < a->cpu_words ? a->cpus[i] : 0;
		*any |= c->bits[i] != 0;
	}
	return true;
}

/* The kernel knows best which cpus a control group leaves us: so it is asked. */
static bool may_run_on(const struct cpus *c)
{
	struct cpus ours;
	long size = syscall(SYS_sched_getaffinity, 0, sizeof ours.bits, ours.bits);

	if (size < 0 || syscall(SYS_sched_setaffinity, 0, sizeof c->bits, c->bits) < 0)
		return false;
	return syscall(SYS_sched_setaffinity, 0, size, ours.bits) == 0;
}

bool restores_cpus(const struct restore *r, const struct thread *t)
{
	struct cpus c;
	bool any;

	return cpus_wanted(r, t, &c, &any) && any && may_run_on(&c);
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

	if (differs(r, NULL, ATTRIBUTE_PERSONALITY, &value))
		plan_syscall(plan, 0, SYS_personality, value);
	if (differs(r, NULL, ATTRIBUTE_THP_DISABLE, &value))
		plan_syscall(plan, 0, SYS_prctl, PR_SET_THP_DISABLE, value);
	if (differs(r, NULL, ATTRIBUTE_OOM_SCORE_ADJ, &value) && may_oom(value)) {
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

/* struct sched_attr of include/uapi/linux/sched/types.h */
struct sched_attr_ {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

static void plan_scheduling(const struct restore *r, struct plan *plan, const struct thread *t)
{
	const struct process *own = own_process();
	const struct scheduling *s = process_scheduling(r->process, t);
	const struct scheduling *ours = process_scheduling(own, own->threads);
	int64_t nice = 0;
	bool nice_known = process_attribute(r->process, t, ATTRIBUTE_NICE, &nice) && may_nice(nice);

	if (!nice_known)
		process_attribute(own, own->threads, ATTRIBUTE_NICE, &nice);
	if (s && may_schedule(s) && !(ours && scheduling_same(s, ours))) {
		const struct sched_attr_ attr = {
			.size = sizeof attr,
			.policy = s->policy,
			.priority = s->priority,
			.flags = s->reset_on_fork ? SCHED_FLAG_RESET_ON_FORK : 0,
			.nice = (int32_t)nice,
			.runtime = s->runtime,
			.deadline = s->deadline,
			.period = s->period,
		};

		plan_syscall(plan, 0, SYS_sched_setattr, 0, plan_data(plan, &attr, sizeof attr), 0);
		plan_note(plan, "%s", policy_name(s->policy) ? policy_name(s->policy) : "");
	}
	if (nice_known && differs(r, t, ATTRIBUTE_NICE, &nice))
		plan_syscall(plan, 0, SYS_setpriority, PRIO_PROCESS, 0, nice);
}

static void plan_cpus(const struct restore *r, struct plan *plan, const struct thread *t)
{
	struct cpus c;
	bool any;

	if (restores_cpus(r, t) && cpus_wanted(r, t, &c, &any))
		plan_syscall(plan, 0, SYS_sched_setaffinity, 0, sizeof c.bits,
			     plan_data(plan, c.bits, sizeof c.bits));
}

static void plan_prctl(const struct restore *r, struct plan *plan, const struct thread *t,
		       enum attribute which, int option, const char *note)
{
	int64_t value;

	if (!differs(r, t, which, &value))
		return;
	plan_syscall(plan, 0, SYS_prctl, option, value);
	plan_note(plan, "%s", note);
}

static void plan_speculation(const struct restore *r, struct plan *plan, const struct thread *t,
			     enum attribute which, int feature)
{
	int64_t value;

	/* The machine may have no such control, or have it decided. */
	if (differs(r, t, which, &value))
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
	plan_cpus(r, plan, t);
	if (differs(r, t, ATTRIBUTE_IOPRIO, &value) && may_ioprio(value))
		plan_syscall(plan, 0, SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, value);
	plan_prctl(r, plan, t, ATTRIBUTE_TIMERSLACK, PR_SET_TIMERSLACK, "timer slack");
	plan_prctl(r, plan, t, ATTRIBUTE_TSC, PR_SET_TSC, "TSC");
	if (differs(r, t, ATTRIBUTE_CPUID, &value))
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
	bool nice, schedule, ioprio, cpus, pdeathsig, seccomp;
};

static void check_thread(const struct restore *r, const struct thread *t, struct refused *said,
			 struct findings *f)
{
	const struct scheduling *s = process_scheduling(r->process, t);
	struct cpus c;
	int64_t value;
	bool any;

	if (process_attribute(r->process, t, ATTRIBUTE_NICE, &value) && !may_nice(value) &&
	    !said->nice) {
		findings_add(f, LOSS, "the nice value %ld takes CAP_SYS_NICE or a higher limit "
			     "(ulimit -e): restart's own stays", (long)value);
		said->nice = true;
	}
	if (s && !may_schedule(s) && !said->schedule) {
		findings_add(f, LOSS, "%s takes CAP_SYS_NICE or a higher limit (ulimit -r): "
			     "restart's own policy stays", policy_name(s->policy));
		said->schedule = true;
	}
	if (process_attribute(r->process, t, ATTRIBUTE_IOPRIO, &value) && !may_ioprio(value) &&
	    !said->ioprio) {
		findings_add(f, LOSS, "the real-time priority of input and output takes "
			     "CAP_SYS_NICE: restart's own stays");
		said->ioprio = true;
	}
	if (cpus_wanted(r, t, &c, &any) && (!any || !may_run_on(&c)) && !said->cpus) {
		findings_add(f, LOSS,
			     "none of the cpus that thread %d was bound to is here: it runs on any",
			     t->tid);
		said->cpus = true;
	}
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

	for (size_t i = 0; i < r->process->thread_count; i++)
		check_thread(r, &r->process->threads[i], &said, f);
	if (process_attribute(r->process, NULL, ATTRIBUTE_OOM_SCORE_ADJ, &value) && !may_oom(value))
		findings_add(f, LOSS,
			     "the oom_score_adj %ld takes CAP_SYS_RESOURCE: restart's own stays",
			     (long)value);
	check_future_locks(r, f);
	check_credentials(r, f);
}
