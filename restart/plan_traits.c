/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include <linux/prctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "restart/traits.h"

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#define PR_SET_VMA_ANON_NAME 0
#endif

enum { HUGE_SHIFT = 26 };  /* MAP_HUGE_SHIFT */

const struct trait *trait_of(const struct restore *r, const struct mapping *m)
{
	static const struct trait ordinary;
	/* Where traits are not known, nothing is promised for memory that may never be used. */
	static const struct trait unknown = { .flags = TRAIT_NORESERVE };
	const struct trait *t = process_trait_at(r->process, m->start);

	return t ? t : r->process->have & HAVE_TRAITS ? &ordinary : &unknown;
}

unsigned trait_map_flags(const struct restore *r, const struct mapping *m)
{
	const struct trait *t = trait_of(r, m);
	unsigned flags = m->shared ? MAP_SHARED : MAP_PRIVATE;

	if (t->flags & TRAIT_DROPPABLE && trait_droppable_here())
		flags = MAP_DROPPABLE;
	if (t->flags & TRAIT_NORESERVE)
		flags |= MAP_NORESERVE;
	if (t->page_size && trait_huge_pages_suffice(r, t->page_size))
		flags |= MAP_HUGETLB | (unsigned)__builtin_ctzl(t->page_size) << HUGE_SHIFT;
	return flags;
}

bool trait_same_mapping(const struct trait *a, const struct trait *b)
{
	const uint32_t told = TRAIT_DROPPABLE | TRAIT_NORESERVE | TRAIT_HUGEPAGE | TRAIT_NOHUGEPAGE;

	return (a->flags & told) == (b->flags & told) && a->page_size == b->page_size &&
	       trait_needs_anonymous(a) == trait_needs_anonymous(b);
}

bool trait_needs_anonymous(const struct trait *t)
{
	return t->name || t->page_size ||
	       t->flags & (TRAIT_WIPEONFORK | TRAIT_MERGEABLE | TRAIT_DROPPABLE);
}

static void plan_advice(struct plan *plan, addr_t start, addr_t end, int advice, const char *name,
			unsigned flags)
{
	plan_syscall(plan, flags, SYS_madvise, start, end - start, advice);
	plan_note(plan, "%s", name);
}

void plan_page_advice(struct plan *plan, const struct trait *t, addr_t start, addr_t end)
{
	/* A kernel without transparent huge pages refuses both. */
	if (t->flags & TRAIT_HUGEPAGE)
		plan_advice(plan, start, end, MADV_HUGEPAGE, "MADV_HUGEPAGE", OP_MAY_FAIL);
	if (t->flags & TRAIT_NOHUGEPAGE)
		plan_advice(plan, start, end, MADV_NOHUGEPAGE, "MADV_NOHUGEPAGE", OP_MAY_FAIL);
}

static const struct {
	uint32_t flag;
	int advice;
	const char *name;
	unsigned op_flags;  /* hints that the kernel may have been built without */
} advices[] = {
	{ TRAIT_DONTFORK, MADV_DONTFORK, "MADV_DONTFORK", 0 },
	{ TRAIT_DONTDUMP, MADV_DONTDUMP, "MADV_DONTDUMP", 0 },
	{ TRAIT_WIPEONFORK, MADV_WIPEONFORK, "MADV_WIPEONFORK", 0 },
	{ TRAIT_SEQUENTIAL, MADV_SEQUENTIAL, "MADV_SEQUENTIAL", 0 },
	{ TRAIT_RANDOM, MADV_RANDOM, "MADV_RANDOM", 0 },
	{ TRAIT_MERGEABLE, MADV_MERGEABLE, "MADV_MERGEABLE", OP_MAY_FAIL },
};

static void plan_advices(struct plan *plan, const struct trait *t)
{
	for (size_t i = 0; i < sizeof advices / sizeof advices[0]; i++)
		if (t->flags & advices[i].flag)
			plan_advice(plan, t->start, t->end, advices[i].advice, advices[i].name,
				    advices[i].op_flags);
	if (t->name) {
		plan_syscall(plan, OP_MAY_FAIL, SYS_prctl, PR_SET_VMA, PR_SET_VMA_ANON_NAME,
			     t->start, t->end - t->start, plan_string(plan, t->name));
		plan_note(plan, "PR_SET_VMA_ANON_NAME %s", t->name);
	}
}

/*
 * The kernel hands out the lowest key: so all are taken up to the highest that was allocated or
 * protects memory, and those that were free are given back.  Where that is not known they stay:
 * one of them would be handed out as another one of the program's.
 */
static void plan_pkeys(const struct restore *r, struct plan *plan)
{
	const struct process *p = r->process;
	uint32_t used = 0;
	int64_t allocated;
	bool known = process_attribute(p, NULL, ATTRIBUTE_PKEYS, &allocated);

	for (size_t i = 0; i < p->trait_count; i++)
		used |= 1u << p->traits[i].pkey;
	used = (used | (known ? (uint32_t)allocated : 0)) & PKEYS_ALL;
	if (!used || !trait_pkeys_here())
		return;
	for (uint32_t key = 1; used >> key; key++)
		plan_syscall(plan, OP_EXPECT, SYS_pkey_alloc, 0, 0)->expect = key;
	for (size_t i = 0; i < p->mapping_count; i++) {
		const struct mapping *m = &p->mappings[i];
		const struct trait *t = trait_of(r, m);

		if (t->pkey)
			plan_syscall(plan, 0, SYS_pkey_mprotect, m->start, m->end - m->start,
				     m->prot, t->pkey);
	}
	for (uint32_t key = 1; known && used >> key; key++)
		if (!((uint32_t)allocated >> key & 1))
			plan_syscall(plan, 0, SYS_pkey_free, key);
}

static void plan_guards(const struct restore *r, struct plan *plan)
{
	bool here = r->process->guard_count && trait_guards_here();

	for (size_t i = 0; i < r->process->guard_count; i++) {
		const struct guard *g = &r->process->guards[i];

		if (!trait_is_mapped(r, g->start, g->end))
			continue;
		if (here)
			plan_advice(plan, g->start, g->end, MADV_GUARD_INSTALL,
				    "MADV_GUARD_INSTALL", 0);
		else
			plan_syscall(plan, 0, SYS_mprotect, g->start, g->end - g->start, PROT_NONE);
	}
}

static bool is_usable(const struct restore *r, const struct trait *t)
{
	return !trait_is_kernels(r, t) && trait_is_mapped(r, t->start, t->end);
}

static void plan_lock(struct plan *plan, const struct trait *t)
{
	/* Failing where a limit or a guard forbids it, which check_locks() has told. */
	plan_syscall(plan, OP_MAY_FAIL, SYS_mlock2, t->start, t->end - t->start,
		     t->flags & TRAIT_ONFAULT ? MLOCK_ONFAULT : 0);
}

void plan_traits(const struct restore *r, struct plan *plan)
{
	const struct process *p = r->process;

	for (size_t i = 0; i < p->trait_count; i++)
		if (is_usable(r, &p->traits[i]))
			plan_advices(plan, &p->traits[i]);
	plan_pkeys(r, plan);
	plan_guards(r, plan);
	for (size_t i = 0; i < p->trait_count; i++)
		if (p->traits[i].flags & TRAIT_LOCKED && is_usable(r, &p->traits[i]))
			plan_lock(plan, &p->traits[i]);
	/* A seal forbids all of the above. */
	for (size_t i = 0; i < p->trait_count; i++)
		if (p->traits[i].flags & TRAIT_SEALED && is_usable(r, &p->traits[i]) &&
		    trait_seals_here())
			plan_syscall(plan, 0, SYS_mseal, p->traits[i].start,
				     p->traits[i].end - p->traits[i].start, 0);
}
