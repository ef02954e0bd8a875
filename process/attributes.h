/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the kernel keeps of a process besides memory, files, signals and timers: how its threads are
 * scheduled, and the settings of prctl(2).
 *
 * A thread's own values stand in its struct attributes, and what its
 * threads have alike in that of the process, which is also where the
 * process's own settings are.  attributes_share() sorts them so.
 */
#ifndef PROCESS_ATTRIBUTES_H
#define PROCESS_ATTRIBUTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum attribute {
	/* Of the process. */
	ATTRIBUTE_PERSONALITY,      /* personality(2) */
	ATTRIBUTE_OOM_SCORE_ADJ,
	ATTRIBUTE_COREDUMP_FILTER,
	ATTRIBUTE_DUMPABLE,         /* prctl: PR_SET_DUMPABLE */
	ATTRIBUTE_SUBREAPER,        /* PR_SET_CHILD_SUBREAPER */
	ATTRIBUTE_THP_DISABLE,      /* PR_SET_THP_DISABLE */
	ATTRIBUTE_MDWE,             /* PR_SET_MDWE */
	ATTRIBUTE_TERMINAL,         /* whether a terminal controls it */
	ATTRIBUTE_FUTURE_LOCKS,     /* mlockall(MCL_FUTURE): enum future_locks */
	ATTRIBUTE_PKEYS,            /* bit N: protection key N is allocated */
	/* Of each thread. */
	ATTRIBUTE_NICE,
	ATTRIBUTE_IOPRIO,           /* as ioprio_get(2) has it */
	ATTRIBUTE_TIMERSLACK,       /* nanoseconds */
	ATTRIBUTE_PDEATHSIG,        /* the signal at its parent's end, or 0 */
	ATTRIBUTE_NO_NEW_PRIVS,
	ATTRIBUTE_SECCOMP,          /* 0: none, 1: strict, 2: filters, which nobody can see */
	ATTRIBUTE_SECUREBITS,       /* PR_SET_SECUREBITS, with PR_SET_KEEPCAPS among them */
	ATTRIBUTE_TSC,              /* PR_SET_TSC */
	ATTRIBUTE_CPUID,            /* ARCH_SET_CPUID: 0 when the instruction faults */
	ATTRIBUTE_STORE_BYPASS,     /* PR_SET_SPECULATION_CTRL: PR_SPEC_ENABLE, ... */
	ATTRIBUTE_INDIRECT_BRANCH,
	ATTRIBUTES,

	ATTRIBUTES_OF_THREADS = ATTRIBUTE_NICE,
};

/* What becomes of memory that is mapped later. */
enum future_locks { LOCKS_NONE, LOCKS_NEW, LOCKS_NEW_ON_FAULT /* MCL_ONFAULT, too */ };

enum { PKEYS_ALL = 0xfffe };  /* x86 has 16; all memory has key 0, which is always allocated */

/* As sched_getattr(2) tells it. */
struct scheduling {
	bool known;
	uint32_t policy;    /* SCHED_* */
	uint32_t priority;  /* SCHED_FIFO, SCHED_RR */
	bool reset_on_fork;
	uint64_t runtime, deadline, period;  /* SCHED_DEADLINE, in nanoseconds */
};

struct attributes {
	uint32_t known;              /* bit N for enum attribute */
	int64_t values[ATTRIBUTES];
	struct scheduling scheduling;
	const uint64_t *cpus;        /* bit N: may run on cpu N; NULL when not known */
	size_t cpu_words;            /* of cpus; 0 where all cpus of the machine are meant */
};

enum { CPU_WORDS = 128 };  /* NR_CPUS is 8192 at most */

/* A set of cpus. */
struct cpus {
	uint64_t bits[CPU_WORDS];
	size_t words;
};

/* The kinds of process credentials, in the order of the lines of /proc/PID/status. */
enum { CREDENTIAL_IDS = 4 /* real, effective, saved, of the file system */ };

enum capability_set { CAPS_INHERITABLE, CAPS_PERMITTED, CAPS_EFFECTIVE, CAPS_BOUNDING, CAPS_AMBIENT,
		      CAPABILITY_SETS };

struct credentials {
	bool known, caps_known;
	uint32_t uids[CREDENTIAL_IDS], gids[CREDENTIAL_IDS];
	const uint32_t *groups;
	size_t group_count;
	uint64_t caps[CAPABILITY_SETS];
};

struct process;
struct thread;

/* What cpus points to where all are meant. */
extern const uint64_t attributes_all_cpus[1];

void attribute_set(struct attributes *a, enum attribute which, int64_t value);

/* Of A itself. */
bool attribute_known(const struct attributes *a, enum attribute which);

/* Of a thread (NULL: of the process), wherever it stands.  False when it is not known. */
bool process_attribute(const struct process *p, const struct thread *t, enum attribute which,
		       int64_t *value);
const struct scheduling *process_scheduling(const struct process *p, const struct thread *t);

/* The attributes that have the cpus of thread T, or NULL. */
const struct attributes *process_cpus(const struct process *p, const struct thread *t);

/* Whether A and B name the same cpus, known or not. */
bool attributes_same_cpus(const struct attributes *a, const struct attributes *b);
bool scheduling_same(const struct scheduling *a, const struct scheduling *b);

/* What all threads of P have alike, as far as they know, becomes the process's. */
void attributes_share(struct process *p);

/* Takes over what TEXT says of the process and its threads: for process_merge(). */
void attributes_merge(struct attributes *a, const struct attributes *text);

#endif
