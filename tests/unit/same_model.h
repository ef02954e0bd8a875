/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether two models say the same as far as the state text can say it: what it has no line for
 * (registers, where bytes are, line numbers) is not looked at.
 */
#ifndef TESTS_UNIT_SAME_MODEL_H
#define TESTS_UNIT_SAME_MODEL_H

#include <string.h>

#include "process/process.h"
#include "tests/unit/random_file_details.h"

static inline bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static inline bool same_description(const struct description *a, const struct description *b)
{
	bool same = a->kind == b->kind && same_text(a->name, b->name) && a->offset == b->offset &&
		    a->flags == b->flags && a->flags_known == b->flags_known &&
		    a->deleted == b->deleted && a->pipe_id == b->pipe_id && a->count == b->count &&
		    a->semaphore == b->semaphore &&
		    a->hung_up == b->hung_up && a->queued_size == b->queued_size &&
		    (!a->queued_size || memcmp(a->queued, b->queued, a->queued_size) == 0) &&
		    same_file_details(a, b);

	return same;
}

/* The first descriptor that refers to the same description: the numbers of these do not matter. */
static inline size_t first_of(const struct process *p, size_t at)
{
	size_t i = 0;

	while (p->descriptors[i].description != p->descriptors[at].description)
		i++;
	return i;
}

static inline bool same_files(const struct process *a, const struct process *b)
{
	if (a->descriptor_count != b->descriptor_count)
		return false;
	for (size_t i = 0; i < a->descriptor_count; i++) {
		const struct descriptor *x = &a->descriptors[i], *y = &b->descriptors[i];

		if (x->fd != y->fd || x->close_on_exec != y->close_on_exec ||
		    first_of(a, i) != first_of(b, i) ||
		    !same_description(&a->descriptions[x->description],
				      &b->descriptions[y->description]))
			return false;
	}
	return same_nameless_files(a, b) && same_text(a->cwd, b->cwd) && same_text(a->root, b->root) && a->umask == b->umask;
}

static inline bool same_threads(const struct process *a, const struct process *b)
{
	if (a->thread_count != b->thread_count)
		return false;
	for (size_t i = 0; i < a->thread_count; i++) {
		const struct thread *x = &a->threads[i], *y = &b->threads[i];

		if (x->tid != y->tid || strcmp(x->name, y->name) != 0 ||
		    x->altstack.known != y->altstack.known || x->altstack.sp != y->altstack.sp ||
		    x->altstack.size != y->altstack.size || x->altstack.flags != y->altstack.flags)
			return false;
	}
	return true;
}

static inline bool same_memory(const struct process *a, const struct process *b)
{
	if (a->mapping_count != b->mapping_count || a->start_brk != b->start_brk ||
	    a->brk != b->brk || memcmp(&a->mm, &b->mm, sizeof a->mm) != 0)
		return false;
	for (size_t i = 0; i < a->mapping_count; i++) {
		const struct mapping *x = &a->mappings[i], *y = &b->mappings[i];

		if (x->start != y->start || x->end != y->end || x->prot != y->prot ||
		    x->prot_known != y->prot_known || x->shared != y->shared ||
		    x->grows_down != y->grows_down || x->label != y->label ||
		    !same_text(x->path, y->path) || x->file_offset != y->file_offset ||
		    x->deleted != y->deleted)
			return false;
	}
	return true;
}

static inline bool same_signals_and_limits(const struct process *a, const struct process *b)
{
	for (int i = 0; i < SIGNALS; i++) {
		const struct disposition *x = &a->dispositions[i], *y = &b->dispositions[i];

		if (x->kind != y->kind || x->handler != y->handler || x->flags != y->flags ||
		    x->mask != y->mask || x->restorer != y->restorer)
			return false;
	}
	for (int i = 0; i < LIMITS; i++) {
		const struct limit *x = &a->limits[i], *y = &b->limits[i];

		if (x->known != y->known ||
		    (x->known && (x->soft != y->soft || x->hard != y->hard)))
			return false;
	}
	return true;
}

static inline bool same_identity(const struct process *a, const struct process *b)
{
	return a->pid == b->pid && a->ppid == b->ppid && a->pgrp == b->pgrp && a->sid == b->sid &&
	       strcmp(a->comm, b->comm) == 0 && same_text(a->exe, b->exe);
}

static inline bool same_model(const struct process *a, const struct process *b)
{
	return a->have == b->have && same_identity(a, b) && same_threads(a, b) &&
	       same_memory(a, b) && same_files(a, b) && same_signals_and_limits(a, b);
}

#endif
