/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "ckpt/traits.h"

#include <errno.h>

#include "process/procfs.h"

int traits_read(struct process *p, pid_t pid, struct error *err)
{
	if (procfs_read_traits(p, pid, err) < 0)
		return -1;
	for (size_t i = 0; i < p->trait_count; i++) {
		const struct trait *t = &p->traits[i];

		if (t->flags & TRAIT_USERFAULT)
			return error_set(err, ENOTSUP, "process %d handles page faults at %lx-%lx "
					 "itself (userfaultfd), which would block a checkpoint; "
					 "take it when that is over", pid, (unsigned long)t->start,
					 (unsigned long)t->end);
	}
	return 0;
}

static const struct trait *trait_like(const struct process *p, const struct mapping *m)
{
	const struct trait *t = process_trait_at(p, m->start);

	return t && t->start == m->start && t->end == m->end ? t : NULL;
}

static bool all_known(const struct process *p)
{
	for (size_t i = 0; i < p->mapping_count; i++)
		if (!trait_like(p, &p->mappings[i]))
			return false;
	return true;
}

static int settle(struct process *p, const struct process *then, const struct process *now,
		  struct error *err)
{
	for (size_t i = 0; i < p->mapping_count; i++) {
		const struct mapping *m = &p->mappings[i];
		const struct trait *found = trait_like(then, m);

		if (!found)
			found = trait_like(now, m);
		struct trait *t = found ? process_add_trait(p) : NULL;
		if (found && !t)
			return error_set(err, ENOMEM, "not enough memory");
		if (t)
			*t = *found;
		if (t && t->name && !(t->name = arena_strdup(&p->arena, t->name)))
			return error_set(err, ENOMEM, "not enough memory");
	}
	return 0;
}

static int settle_changed(struct process *p, pid_t from, struct error *err)
{
	struct process then = *p, now;
	int result;

	process_init(&now);
	p->traits = NULL;
	p->trait_count = p->trait_capacity = 0;
	result = procfs_read_traits(&now, from, err);
	if (result == 0)
		result = settle(p, &then, &now, err);
	process_free(&now);
	return result;
}

int traits_settle(struct process *p, pid_t from, struct error *err)
{
	if (procfs_read_guards(p, from, err) < 0 ||
	    (!all_known(p) && settle_changed(p, from, err) < 0))
		return -1;
	procfs_apply_traits(p);
	return 0;
}
