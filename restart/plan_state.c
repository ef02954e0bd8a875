/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The rest of what the kernel keeps for the process: limits, signals, directory, mask, mm fields.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/prctl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "process/names.h"
#include "restart/restore.h"

/*
 * The limit of then, or else restart's own, which the launch may have changed for its time.
 * Without privilege none can be raised above our own hard one: it stops there.
 */
static void plan_limit(const struct restore *r, struct plan *plan, int resource)
{
	const struct limit *old = &r->process->limits[resource];
	struct rlimit now, new;

	if (prlimit(0, (enum __rlimit_resource)resource, NULL, &now) < 0)
		return;
	new = now;
	if (r->process->have & HAVE_LIMITS && old->known)
		new = (struct rlimit){ .rlim_cur = old->soft, .rlim_max = old->hard };
	if (new.rlim_max > now.rlim_max)
		new.rlim_max = now.rlim_max;
	if (new.rlim_cur > new.rlim_max)
		new.rlim_cur = new.rlim_max;
	plan_syscall(plan, 0, SYS_prlimit64, 0, resource, plan_data(plan, &new, sizeof new), 0);
	plan_note(plan, "%s", limit_name(resource));
}

/* Those that the launch lifts (launch_lend) for as long as the plan runs. */
static bool is_lifted(int resource)
{
	return resource == RLIMIT_NOFILE || resource == RLIMIT_CORE;
}

/* Most limits come first: that of the stack must hold when the stack is mapped. */
void plan_limits(const struct restore *r, struct plan *plan)
{
	if (!(r->process->have & HAVE_LIMITS))
		return;
	for (int i = 0; i < LIMITS; i++)
		if (!is_lifted(i))
			plan_limit(r, plan, i);
}

void plan_state(const struct restore *r, struct plan *plan)
{
	const struct process *p = r->process;

	for (int i = 0; i < LIMITS; i++)
		if (is_lifted(i))
			plan_limit(r, plan, i);
	plan_dispositions(r, plan);
	if (p->have & HAVE_CWD)
		plan_syscall(plan, 0, SYS_chdir, plan_string(plan, p->cwd));
	if (p->have & HAVE_UMASK)
		plan_syscall(plan, 0, SYS_umask, p->umask);
}

/*
 * PR_SET_MM_MAP (kernel/sys.c, prctl_set_mm_map) gives ps the old command line and brk the old
 * heap, without privilege as long as the executable stays the same.  Every field must be a
 * plausible address: what is not known gets a harmless one.
 */
int plan_mm(const struct restore *r, struct plan *plan, struct error *err)
{
	const struct process *p = r->process;
	const struct mm_fields *mm = &p->mm;
	addr_t harmless = p->mappings[p->mapping_count - 1].end - 1;
	addr_t nowhere = p->mappings[0].start;  /* a break that cannot grow: malloc uses mmap */
	struct prctl_mm_map map = {
		.start_code = mm->start_code ? mm->start_code : harmless - 1,
		.end_code = mm->start_code ? mm->end_code : harmless,
		.start_data = mm->start_data ? mm->start_data : harmless,
		.end_data = mm->start_data ? mm->end_data : harmless,
		.start_brk = p->start_brk ? p->start_brk : nowhere,
		.brk = p->start_brk ? p->brk : nowhere,
		.start_stack = mm->start_stack ? mm->start_stack : harmless,
		.arg_start = mm->arg_start ? mm->arg_start : harmless,
		.arg_end = mm->arg_start ? mm->arg_end : harmless,
		.env_start = mm->env_start ? mm->env_start : harmless,
		.env_end = mm->env_start ? mm->env_end : harmless,
		.exe_fd = (uint32_t)-1,
	};

	if (p->auxv_size) {
		map.auxv = (__u64 *)plan_data(plan, p->auxv, p->auxv_size);
		map.auxv_size = (uint32_t)p->auxv_size;
	}
	plan_syscall(plan, 0, SYS_prctl, PR_SET_MM, PR_SET_MM_MAP,
		     plan_data(plan, &map, sizeof map), sizeof map);
	plan_note(plan, "PR_SET_MM_MAP: brk, command line, environment, auxv");
	if (plan->failed)
		return error_set(err, ENOMEM, "not enough memory for the plan");
	return 0;
}
