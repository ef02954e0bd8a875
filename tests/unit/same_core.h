/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether two models say the same as far as a core can say it, their memory included.
 */
#ifndef TESTS_UNIT_SAME_CORE_H
#define TESTS_UNIT_SAME_CORE_H

#include <stdlib.h>
#include <string.h>

#include "process/process.h"

static inline bool same_bytes(const void *a, size_t a_size, const void *b, size_t b_size)
{
	return a_size == b_size && !a == !b && (a_size == 0 || !a || memcmp(a, b, a_size) == 0);
}

static inline bool same_string(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static inline const char *different_thread(const struct thread *a, const struct thread *b)
{
	if (a->tid != b->tid || a->signal != b->signal || a->blocked != b->blocked)
		return "id, signal or mask of a thread";
	if (!same_bytes(a->siginfo, 128, b->siginfo, 128))
		return "siginfo of a thread";
	if (a->regset_count != b->regset_count)
		return "number of register sets";
	for (size_t i = 0; i < a->regset_count; i++) {
		const struct regset *x = &a->regsets[i], *y = thread_regset(b, x->type);

		if (!y || !same_bytes(x->data, x->size, y->data, y->size))
			return "registers";
	}
	return NULL;
}

static inline const char *different_mapping(const struct mapping *a, const struct mapping *b)
{
	if (a->start != b->start || a->end != b->end)
		return "range of a mapping";
	if (a->prot != b->prot || a->shared != b->shared || a->grows_down != b->grows_down ||
	    a->label != b->label)
		return "kind of a mapping";
	if (a->bytes != b->bytes)
		return "place of the bytes of a mapping";
	if (!same_string(a->path, b->path) || a->deleted != b->deleted ||
	    (a->path && a->file_offset != b->file_offset))
		return "file of a mapping";
	return NULL;
}

static inline const char *different_memory(const struct process *a, const struct process *b,
					   const struct mapping *m)
{
	enum { PIECE = 1 << 20 };
	char *x = malloc(2 * PIECE), *y = x + PIECE;
	const char *what = NULL;
	struct error err;

	for (addr_t at = m->start; !what && at < m->end; at += PIECE) {
		size_t n = m->end - at < PIECE ? m->end - at : PIECE;

		if (process_read(a, at, x, n, &err) < 0 || process_read(b, at, y, n, &err) < 0)
			what = "memory that cannot be read";
		else if (memcmp(x, y, n) != 0)
			what = "memory";
	}
	free(x);
	return what;
}

static inline const char *different_memories(const struct process *a, const struct process *b)
{
	const char *what = NULL;

	if (a->mapping_count != b->mapping_count)
		return "number of mappings";
	for (size_t i = 0; !what && i < a->mapping_count; i++)
		what = different_mapping(&a->mappings[i], &b->mappings[i]);
	for (size_t i = 0; !what && i < a->mapping_count; i++)
		if (a->mappings[i].bytes == BYTES_SAVED)
			what = different_memory(a, b, &a->mappings[i]);
	return what;
}

/* Says what is different first, or NULL. */
static inline const char *different_core(const struct process *a, const struct process *b)
{
	const char *what = NULL;

	if (a->arch != b->arch || a->pid != b->pid || a->ppid != b->ppid || a->pgrp != b->pgrp ||
	    a->sid != b->sid || a->uid != b->uid || a->gid != b->gid)
		return "identity";
	if (strcmp(a->comm, b->comm) != 0 || !same_string(a->command_line, b->command_line))
		return "name";
	if (!same_bytes(a->auxv, a->auxv_size, b->auxv, b->auxv_size))
		return "auxiliary vector";
	if (!same_bytes(a->xsave_layout, a->xsave_layout_size, b->xsave_layout,
			b->xsave_layout_size))
		return "XSAVE layout";
	if (a->thread_count != b->thread_count)
		return "number of threads";
	for (size_t i = 0; !what && i < a->thread_count; i++)
		what = different_thread(&a->threads[i], &b->threads[i]);
	return what ? what : different_memories(a, b);
}

#endif
