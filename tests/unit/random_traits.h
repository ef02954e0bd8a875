/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Traits and guards of memory: made up, and compared. */
#ifndef TESTS_UNIT_RANDOM_TRAITS_H
#define TESTS_UNIT_RANDOM_TRAITS_H

#include <string.h>

#include "process/process.h"
#include "tests/unit/random_numbers.h"

static inline void random_trait(struct process *q, struct trait *t)
{
	static const char *const names[] = {
		"stack: 1", "none", "a : b", "#", " ", "\\", "[anon]"
	};

	t->flags = (uint32_t)below(TRAIT_DEVICE * 2);
	t->pkey = (uint32_t)below(TRAIT_PKEY_MAX + 1);
	t->page_size = below(2) ? 0 : (uint64_t)8192 << below(18);
	t->name = below(2) ? NULL : arena_strdup(&q->arena, names[below(7)]);
	if (!t->flags && !t->pkey && !t->page_size && !t->name)
		t->flags = TRAIT_LOCKED;
}

static inline void random_traits(struct process *q)
{
	addr_t at = (addr_t)1 << 40;  /* away from mappings: the vdso's traits are not written */

	if (!below(4))
		return;
	q->have |= HAVE_TRAITS;
	for (size_t n = below(20); n; n--) {
		struct trait *t = process_add_trait(q);

		t->start = at + below(3) * 4096;
		t->end = at = t->start + (1 + below(1u << 20)) * 4096;
		random_trait(q, t);
	}
	for (size_t n = below(4); n; n--)
		*process_add_segment(q) = (struct segment){
			.id = (uint32_t)(n * 1000 + below(1000)), .key = (uint32_t)number(),
			.size = 1 + below((addr_t)1 << 46), .mode = (uint32_t)below(01000),
			.removed = below(2),
		};
	for (size_t i = 0; i < q->mapping_count; i++)
		if (q->mappings[i].deleted && below(2))
			q->mappings[i].file =
				(struct file_id){ below((uint64_t)1 << 32), 1 + number() / 2 };
	at = 0;
	for (size_t n = below(10); n; n--) {
		struct guard *g = process_add_guard(q);

		g->start = at + below(3) * 4096;
		g->end = at = g->start + (1 + below(1u << 20)) * 4096;
	}
}

static inline bool same_traits(const struct process *a, const struct process *b)
{
	if (a->trait_count != b->trait_count || a->guard_count != b->guard_count ||
	    a->segment_count != b->segment_count)
		return false;
	for (size_t i = 0; i < a->mapping_count; i++)
		if (a->mappings[i].file.device != b->mappings[i].file.device ||
		    a->mappings[i].file.inode != b->mappings[i].file.inode)
			return false;
	for (size_t i = 0; i < a->segment_count; i++) {
		const struct segment *x = &a->segments[i], *y = &b->segments[i];

		if (x->id != y->id || x->key != y->key || x->size != y->size ||
		    x->mode != y->mode || x->removed != y->removed)
			return false;
	}
	for (size_t i = 0; i < a->trait_count; i++) {
		const struct trait *x = &a->traits[i], *y = &b->traits[i];

		if (x->start != y->start || x->end != y->end || x->flags != y->flags ||
		    x->pkey != y->pkey || x->page_size != y->page_size || !x->name != !y->name ||
		    (x->name && strcmp(x->name, y->name) != 0))
			return false;
	}
	for (size_t i = 0; i < a->guard_count; i++)
		if (a->guards[i].start != b->guards[i].start ||
		    a->guards[i].end != b->guards[i].end)
			return false;
	return true;
}

#endif
