/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "restart/scheduling.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "process/names.h"
#include "process/procfs.h"
#include "restart/own.h"

enum { SYS_ADMIN = 21, SYS_NICE = 23 };  /* CAP_* */
enum { IOPRIO_SHIFT = 13, IOPRIO_REALTIME = 1, IOPRIO_WHO_PROCESS = 1 };
enum { SCHED_FLAG_RESET_ON_FORK = 1, FIFO = 1, RR = 2, DEADLINE = 6 };

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

/* ---- The plan -------------------------------------------------------------------------------- */

/* struct sched_attr of include/uapi/linux/sched/types.h */
struct sched_attr_ {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

static void plan_policy(const struct restore *r, struct plan *plan, const struct thread *t)
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
	if (nice_known && own_differs(r->process, t, ATTRIBUTE_NICE, &nice))
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

void plan_scheduling(const struct restore *r, struct plan *plan, const struct thread *t)
{
	int64_t value;

	plan_policy(r, plan, t);
	plan_cpus(r, plan, t);
	if (own_differs(r->process, t, ATTRIBUTE_IOPRIO, &value) && may_ioprio(value))
		plan_syscall(plan, 0, SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, value);
}

/* ---- What is known beforehand ---------------------------------------------------------------- */

/* What of one thread cannot come back; the same of another one is not said again. */
struct refused {
	bool nice, schedule, ioprio, cpus;
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
}

void check_scheduling(const struct restore *r, struct findings *f)
{
	struct refused said = { false };

	for (size_t i = 0; i < r->process->thread_count; i++)
		check_thread(r, &r->process->threads[i], &said, f);
}
