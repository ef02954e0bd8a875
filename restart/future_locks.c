/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "restart/future_locks.h"

#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "restart/caps.h"
#include "restart/traits.h"

static bool was_privileged(const struct process *p)
{
	return p->credentials.caps_known &&
	       p->credentials.caps[CAPS_EFFECTIVE] >> CAP_IPC_LOCK & 1;
}

/* Whether the program gets as much memory as it would have got: mlock_future_ok() in mm/mmap.c. */
static bool may_lock(const struct restore *r)
{
	const struct process *p = r->process;
	const struct limit *old = &p->limits[RLIMIT_MEMLOCK];
	uint64_t limit = trait_lock_limit(p), then = limit;

	if (p->have & HAVE_LIMITS && old->known)
		then = old->soft;
	if (was_privileged(p)) {
		if (caps_have(CAP_IPC_LOCK))
			return true;
		then = UINT64_MAX;
	}
	return limit && limit >= then;
}

static bool wants_locks(const struct restore *r, int64_t *locks)
{
	return process_attribute(r->process, NULL, ATTRIBUTE_FUTURE_LOCKS, locks) &&
	       *locks != LOCKS_NONE;
}

void check_future_locks(const struct restore *r, struct findings *f)
{
	int64_t locks;

	if (wants_locks(r, &locks) && !may_lock(r))
		findings_add(f, LOSS, "memory that is mapped later was to be locked, and is not: "
			     "the limit of locked memory is %llu KiB (raise it: ulimit -l)",
			     (unsigned long long)trait_lock_limit(r->process) >> 10);
}

void plan_future_locks(const struct restore *r, struct plan *plan)
{
	int64_t locks;

	if (!wants_locks(r, &locks) || !may_lock(r))
		return;
	plan_syscall(plan, 0, SYS_mlockall,
		     MCL_FUTURE | (locks == LOCKS_NEW_ON_FAULT ? MCL_ONFAULT : 0));
	plan_note(plan, "memory that is mapped later");
}
