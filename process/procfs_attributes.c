/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How threads are scheduled, credentials, and the settings that /proc shows. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/prctl.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "process/procfs.h"
#include "process/procfs_private.h"
#include "util/cleanup.h"
#include "util/format.h"
#include "util/io.h"

/* ---- Scheduling: system calls, which take any thread's id ------------------------------------ */

enum {
	IOPRIO_WHO_PROCESS = 1, IOPRIO_SHIFT = 13, IOPRIO_CLASS_IDLE_ = 3,
	SCHED_FLAG_RESET_ON_FORK = 1, SCHED_POLICY_DEADLINE = 6,
};

/*
 * The first version of struct sched_attr
 * (include/uapi/linux/sched/types.h); libc may have it or not.
 */
struct kernel_sched_attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

static void take_scheduling(struct attributes *a, const struct kernel_sched_attr *s)
{
	a->scheduling = (struct scheduling){
		.known = true, .policy = s->policy, .priority = s->priority,
		.reset_on_fork = s->flags & SCHED_FLAG_RESET_ON_FORK,
	};
	/* For others the kernel tells the time slice in the field of the runtime. */
	if (s->policy == SCHED_POLICY_DEADLINE) {
		a->scheduling.runtime = s->runtime;
		a->scheduling.deadline = s->deadline;
		a->scheduling.period = s->period;
	}
}

/* "0-3,8\n" */
void procfs_online_cpus(struct cpus *all)
{
	char text[4096];
	cleanup_fd int fd = open("/sys/devices/system/cpu/online", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read_full(fd, text, sizeof text - 1);

	/* Without /sys the kernel will say. */
	*all = (struct cpus){ .words = n > 0 ? 0 : CPU_WORDS };
	memset(all->bits, n > 0 ? 0 : 0xff, sizeof all->bits);
	if (n <= 0)
		return;
	text[n] = '\0';
	for (const char *t = text; *t >= '0' && *t <= '9'; t += *t == ',') {
		uint64_t first = parse_number(&t, 10), last = first;

		if (*t == '-') {
			t++;
			last = parse_number(&t, 10);
		}
		for (uint64_t cpu = first; cpu <= last && cpu < CPU_WORDS * 64; cpu++) {
			all->bits[cpu / 64] |= (uint64_t)1 << (cpu % 64);
			all->words = cpu / 64 + 1;
		}
	}
}

static bool holds_all(const struct cpus *c, const struct cpus *all)
{
	for (size_t i = 0; i < all->words; i++)
		if (all->bits[i] & ~(i < c->words ? c->bits[i] : 0))
			return false;
	return all->words > 0;
}

/*
 * A thread that may run on all cpus here may do so on a machine
 * with more of them, too: that is kept, and not their numbers.
 */
static int take_cpus(struct process *p, struct thread *t, const struct cpus *all, struct error *err)
{
	const struct attributes *first = &p->threads[0].attributes;
	struct attributes *a = &t->attributes;
	struct cpus own = { .words = 0 };
	long size = syscall(SYS_sched_getaffinity, t->tid, sizeof own.bits, own.bits);

	if (size <= 0)
		return 0;
	own.words = (size_t)size / sizeof own.bits[0];
	if (holds_all(&own, all)) {
		a->cpus = attributes_all_cpus;
		return 0;
	}
	while (own.words > 1 && !own.bits[own.words - 1])
		own.words--;
	a->cpu_words = own.words;
	a->cpus = own.bits;
	if (t != p->threads && attributes_same_cpus(a, first)) {
		a->cpus = first->cpus;
		return 0;
	}
	uint64_t *bits = arena_alloc(&p->arena, own.words * sizeof *bits);

	if (!bits)
		return no_memory(err);
	memcpy(bits, own.bits, own.words * sizeof *bits);
	a->cpus = bits;
	return 0;
}

/* A thread that has just ended has nothing to tell. */
int procfs_read_scheduling(struct process *p, struct error *err)
{
	struct cpus all;

	procfs_online_cpus(&all);
	for (size_t i = 0; i < p->thread_count; i++) {
		struct thread *t = &p->threads[i];
		struct kernel_sched_attr s = { .size = sizeof s };
		long ioprio;

		if (syscall(SYS_sched_getattr, t->tid, &s, sizeof s, 0) == 0) {
			take_scheduling(&t->attributes, &s);
			attribute_set(&t->attributes, ATTRIBUTE_NICE, s.nice);
		}
		ioprio = syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, t->tid);
		if (ioprio >= 0 && ioprio >> IOPRIO_SHIFT <= IOPRIO_CLASS_IDLE_)
			attribute_set(&t->attributes, ATTRIBUTE_IOPRIO, ioprio);
		if (take_cpus(p, t, &all, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- The file status ------------------------------------------------------------------------- */

/*
 * What PR_SET_SPECULATION_CTRL must be told for it to be as fs/proc/array.c, task_seccomp(), shows.
 */
static const struct { const char *key, *text; enum attribute which; int value; } speculation[] = {
	{ "Speculation_Store_Bypass:", "thread force mitigated", ATTRIBUTE_STORE_BYPASS,
	  PR_SPEC_FORCE_DISABLE },
	{ "Speculation_Store_Bypass:", "thread mitigated", ATTRIBUTE_STORE_BYPASS,
	  PR_SPEC_DISABLE },
	{ "Speculation_Store_Bypass:", "thread vulnerable", ATTRIBUTE_STORE_BYPASS,
	  PR_SPEC_ENABLE },
	{ "SpeculationIndirectBranch:", "conditional force disabled", ATTRIBUTE_INDIRECT_BRANCH,
	  PR_SPEC_FORCE_DISABLE },
	{ "SpeculationIndirectBranch:", "conditional disabled", ATTRIBUTE_INDIRECT_BRANCH,
	  PR_SPEC_DISABLE },
	{ "SpeculationIndirectBranch:", "conditional enabled", ATTRIBUTE_INDIRECT_BRANCH,
	  PR_SPEC_ENABLE },
};

static void take_thread_status(struct thread *t, const char *text)
{
	const char *value = find_line(text, "NoNewPrivs:");

	if (value)
		attribute_set(&t->attributes, ATTRIBUTE_NO_NEW_PRIVS,
			      (int64_t)parse_number(&value, 10));
	value = find_line(text, "Seccomp:");
	if (value)
		attribute_set(&t->attributes, ATTRIBUTE_SECCOMP, (int64_t)parse_number(&value, 10));
	for (size_t i = 0; i < sizeof speculation / sizeof speculation[0]; i++) {
		value = find_line(text, speculation[i].key);
		while (value && (*value == '\t' || *value == ' '))
			value++;
		if (value && after(value, speculation[i].text))
			attribute_set(&t->attributes, speculation[i].which, speculation[i].value);
	}
}

static bool take_ids(const char *text, const char *key, uint32_t ids[CREDENTIAL_IDS])
{
	const char *value = find_line(text, key);

	for (int i = 0; value && i < CREDENTIAL_IDS; i++)
		ids[i] = (uint32_t)parse_number(&value, 10);
	return value != NULL;
}

static int take_groups(struct process *p, const char *text, struct error *err)
{
	const char *value = find_line(text, "Groups:");
	struct credentials *c = &p->credentials;
	size_t capacity = 0;
	uint32_t *groups = NULL;

	c->group_count = 0;
	while (value) {
		value += strspn(value, " \t");
		if (*value < '0' || *value > '9')
			break;
		groups = arena_grow(&p->arena, groups, c->group_count, &capacity, sizeof *groups);
		if (!groups)
			return no_memory(err);
		groups[c->group_count++] = (uint32_t)parse_number(&value, 10);
	}
	c->groups = groups;
	return 0;
}

static int take_credentials(struct process *p, const char *text, struct error *err)
{
	static const char *const keys[CAPABILITY_SETS] = {
		[CAPS_INHERITABLE] = "CapInh:", [CAPS_PERMITTED] = "CapPrm:",
		[CAPS_EFFECTIVE] = "CapEff:",	[CAPS_BOUNDING] = "CapBnd:",
		[CAPS_AMBIENT] = "CapAmb:",
	};
	struct credentials *c = &p->credentials;

	c->known = take_ids(text, "Uid:", c->uids) && take_ids(text, "Gid:", c->gids);
	c->caps_known = true;
	for (int i = 0; i < CAPABILITY_SETS; i++) {
		const char *value = find_line(text, keys[i]);

		if (value)
			c->caps[i] = parse_number(&value, 16);
		else
			c->caps_known = false;
	}
	return take_groups(p, text, err);
}

static int take_status(struct process *p, const char *text, struct error *err)
{
	const char *value = find_line(text, "THP_enabled:");

	if (value)
		attribute_set(&p->attributes, ATTRIBUTE_THP_DISABLE, !parse_number(&value, 10));
	return take_credentials(p, text, err);
}

/* ---- Small files ----------------------------------------------------------------------------- */

/* Files with one number.  Some kernels lack them, and some show them to few. */
static const struct { const char *name; enum attribute which; unsigned base; } numbers[] = {
	{ "personality", ATTRIBUTE_PERSONALITY, 16 },
	{ "oom_score_adj", ATTRIBUTE_OOM_SCORE_ADJ, 10 },
	{ "coredump_filter", ATTRIBUTE_COREDUMP_FILTER, 16 },
};

static void read_numbers(struct process *p, pid_t pid)
{
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		char text[64];
		const char *value = text;
		struct error err;

		if (proc_read(pid, numbers[i].name, text, sizeof text, &err) <= 0)
			continue;
		bool negative = *value == '-';
		value += negative;
		int64_t n = (int64_t)parse_number(&value, numbers[i].base);
		attribute_set(&p->attributes, numbers[i].which, negative ? -n : n);
	}
}

/* ---- Children -------------------------------------------------------------------------------- */

/* Helpers of ours are no children that a program waits for: they end without a signal. */
static bool is_waited_for(pid_t child)
{
	enum { EXIT_SIGNAL = 38 };  /* the number of the field, proc(5) */
	char text[1024];
	const char *at;
	struct error err;

	if (child == getpid() || proc_read(child, "stat", text, sizeof text, &err) < 0 ||
	    !(at = strrchr(text, ')')))
		return false;
	for (int field = 2; *at && field < EXIT_SIGNAL; at++)
		field += *at == ' ';
	return *at >= '1' && *at <= '9';
}

/* A kernel without CONFIG_PROC_CHILDREN tells nothing. */
static void read_children(struct process *p, pid_t pid)
{
	char what[40], text[8192];
	struct error err;

	p->children = 0;
	for (size_t i = 0; i < p->thread_count; i++) {
		format(what, sizeof what, "task/%d/children", p->threads[i].tid);
		if (proc_read(pid, what, text, sizeof text, &err) < 0)
			continue;
		for (const char *at = text; *at >= '0' && *at <= '9'; at += *at == ' ')
			p->children += is_waited_for((pid_t)parse_number(&at, 10));
	}
}

int procfs_read_attributes(struct process *p, pid_t pid, struct error *err)
{
	for (size_t i = 0; i < p->thread_count; i++) {
		struct thread *t = &p->threads[i];
		char what[40], text[16384];

		format(what, sizeof what, "task/%d/status", t->tid);
		if (proc_read(pid, what, text, sizeof text, err) < 0) {
			if (!proc_vanished(err))
				return -1;
			continue;
		}
		take_thread_status(t, text);
		if (i == 0 && take_status(p, text, err) < 0)
			return -1;
	}
	read_numbers(p, pid);
	read_children(p, pid);
	return 0;
}
