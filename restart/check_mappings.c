/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether the kernel allows a process here as many mappings as it had there: vm.max_map_count. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "restart/memory_source.h"
#include "restart/traits.h"

/*
 * What is there besides: the bootstrap and its stacks (three mappings), while the vdso is moved to
 * its old place, which takes four that are not in use (mm/mremap.c, which fears to split several).
 */
enum { MAPPINGS_BESIDES = 7 };

static bool is_same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* Whether B and A before it are one mapping of the kernel's; where in doubt, they are. */
static bool is_continued(const struct restore *r, const struct mapping *a, const struct mapping *b)
{
	const struct trait *x = trait_of(r, a), *y = trait_of(r, b);

	return a->end == b->start && a->prot == b->prot && a->shared == b->shared &&
	       a->label == b->label && is_same_text(a->path, b->path) &&
	       a->file.inode == b->file.inode &&
	       (!a->path || b->file_offset == a->file_offset + (a->end - a->start)) &&
	       x->flags == y->flags &&
	       x->pkey == y->pkey && x->page_size == y->page_size &&
	       is_same_text(x->name, y->name);
}

size_t mappings_needed(const struct restore *r)
{
	const struct process *p = r->process;
	const struct mapping *last = NULL;
	size_t count = 0;

	for (size_t i = 0; i < p->mapping_count; i++) {
		const struct mapping *m = &p->mappings[i];

		if (m->label == LABEL_VSYSCALL)  /* which is none of the process's own */
			continue;
		count += !last || !is_continued(r, last, m);
		last = m;
	}
	return count;
}

void check_mappings_allowed(const struct restore *r, struct findings *f, size_t limit)
{
	size_t count = mappings_needed(r), needed = count + MAPPINGS_BESIDES;

	if (needed > limit)
		findings_add(f, OBSTACLE, "the process has %zu mappings, and with those of a "
			     "restart this machine allows %zu (sysctl -w vm.max_map_count=%zu)",
			     count, limit, needed);
}

void check_mappings(const struct restore *r, struct findings *f)
{
	FILE *file = fopen("/proc/sys/vm/max_map_count", "re");
	size_t limit;

	if (!file)
		return;
	if (fscanf(file, "%zu", &limit) == 1)
		check_mappings_allowed(r, f, limit);
	fclose(file);
}
