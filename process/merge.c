/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Adding what the state text says to what the core file says. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "process/process.h"

/* ---- Memory ---------------------------------------------------------------------------------- */

/*
 * The text's path wins: that is how a mapped file is relocated.  A path may give bytes that the
 * core could not tell the place of; a file that the text knows to be deleted cannot.  What the core
 * holds itself stays where it is.
 */
static void refine_file(struct mapping *part, const struct mapping *text)
{
	bool has_file = text->path[0] == '/' && !text->deleted;

	part->path = text->path;
	part->file_offset = text->file_offset + (part->start - text->start);
	part->deleted = text->deleted;
	part->file = text->file;
	if (part->bytes == BYTES_MISSING && has_file)
		part->bytes = BYTES_FILE;
	else if (part->bytes == BYTES_FILE && !has_file)
		part->bytes = BYTES_MISSING;
}

static void refine(struct mapping *part, const struct mapping *text)
{
	part->prot = text->prot;
	part->prot_known = true;
	part->shared = text->shared;
	part->grows_down = text->grows_down;
	part->line = text->line;
	if (text->label != LABEL_NONE || text->path)
		part->label = text->label;
	if (text->path)
		refine_file(part, text);
}

/*
 * Where the text's mapping T, or NULL, begins in the core's mapping M, of which all below AT is
 * done; M's end when it does not.  A stack may have grown between the text and the core: the growth
 * is the stack's too.
 */
static addr_t begin_in(const struct mapping *t, const struct mapping *m, addr_t at)
{
	if (!t || t->start >= m->end)
		return m->end;
	if (t->start < at || (t->grows_down && !t->path))
		return at;
	return t->start;
}

/* Cuts M where mappings of the text begin and end.  NEXT is the first that ends behind M's start */
static int cut(struct process *p, const struct mapping *m, const struct process *text, size_t next)
{
	for (addr_t at = m->start; at < m->end; next++) {
		const struct mapping *t = next < text->mapping_count ? &text->mappings[next] : NULL;
		addr_t start = begin_in(t, m, at);
		addr_t end = t && t->end < m->end ? t->end : m->end;
		struct mapping *part;

		if (start > at && !process_add_part(p, m, at, start))
			return -1;
		if (start == m->end)
			break;
		part = process_add_part(p, m, start, end);
		if (!part)
			return -1;
		refine(part, t);
		at = end;
	}
	return 0;
}

static int by_start(const void *a, const void *b)
{
	const struct mapping *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

static int add_untouched_part(struct process *p, const struct mapping *text, addr_t start,
			      addr_t end)
{
	struct mapping *part = process_add_part(p, text, start, end);

	if (!part)
		return -1;
	part->bytes = BYTES_ZERO;
	return 0;
}

/*
 * gdb leaves out private anonymous memory that was never written where /proc has a name for it, as
 * for the heap, and the core alone does not tell that it was there: what the text has and the core
 * lacks is added, as zeros.
 */
static int add_untouched(struct process *p, const struct process *text)
{
	size_t count = p->mapping_count, next = 0;

	for (size_t i = 0; i < text->mapping_count; i++) {
		const struct mapping *t = &text->mappings[i];
		addr_t at = t->start;

		if (t->path || t->shared || t->label == LABEL_VDSO || t->label == LABEL_VVAR ||
		    t->label == LABEL_VSYSCALL)
			continue;
		while (next < count && p->mappings[next].end <= at)
			next++;
		for (size_t k = next; k < count && p->mappings[k].start < t->end; k++) {
			addr_t start = p->mappings[k].start, end = p->mappings[k].end;

			if (start > at && add_untouched_part(p, t, at, start) < 0)
				return -1;
			at = end;
		}
		if (at < t->end && add_untouched_part(p, t, at, t->end) < 0)
			return -1;
	}
	qsort(p->mappings, p->mapping_count, sizeof *p->mappings, by_start);
	return 0;
}

/* Both arrays are sorted, so one walk through both does. */
static int merge_mappings(struct process *p, const struct process *text)
{
	size_t core_count, next = 0;
	const struct mapping *core = process_take_mappings(p, &core_count);

	for (size_t i = 0; i < core_count; i++) {
		while (next < text->mapping_count && text->mappings[next].end <= core[i].start)
			next++;
		if (cut(p, &core[i], text, next) != 0)
			return -1;
	}
	return p->origin == ORIGIN_GDB ? add_untouched(p, text) : 0;
}

/* What the text leaves at 0 it does not know. */
static void merge_mm(struct mm_fields *mm, const struct mm_fields *text)
{
	addr_t fields[sizeof *mm / sizeof(addr_t)], others[sizeof *mm / sizeof(addr_t)];

	memcpy(fields, mm, sizeof *mm);
	memcpy(others, text, sizeof *text);
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
		if (others[i])
			fields[i] = others[i];
	memcpy(mm, fields, sizeof *mm);
}

static int merge_memory(struct process *p, const struct process *text)
{
	if (text->have & HAVE_BRK) {
		p->start_brk = text->start_brk;
		p->brk = text->brk;
	}
	if (text->have & HAVE_MM)
		merge_mm(&p->mm, &text->mm);
	p->segments = text->segments;
	p->segment_count = p->segment_capacity = text->segment_count;
	if (text->have & HAVE_TRAITS) {
		p->traits = text->traits;
		p->trait_count = p->trait_capacity = text->trait_count;
		p->guards = text->guards;
		p->guard_count = p->guard_capacity = text->guard_count;
	}
	return text->have & HAVE_MAPPING_FLAGS ? merge_mappings(p, text) : 0;
}

/* ---- Threads --------------------------------------------------------------------------------- */

static int by_tid(const void *a, const void *b)
{
	const struct thread *const *x = a, *const *y = b;

	return ((*x)->tid > (*y)->tid) - ((*x)->tid < (*y)->tid);
}

static const struct thread **sorted_threads(struct process *p, const struct process *text)
{
	const struct thread **sorted = arena_alloc(&p->arena,
						   text->thread_count * sizeof *sorted);

	if (!sorted)
		return NULL;
	for (size_t i = 0; i < text->thread_count; i++)
		sorted[i] = &text->threads[i];
	qsort(sorted, text->thread_count, sizeof *sorted, by_tid);
	return sorted;
}

/* Threads that only the text knows ended before the core was dumped. */
static int merge_threads(struct process *p, const struct process *text)
{
	const struct thread **sorted = sorted_threads(p, text);

	if (!sorted)
		return -1;
	for (size_t i = 0; i < p->thread_count; i++) {
		struct thread *t = &p->threads[i];
		const struct thread *const *found = bsearch(&t, sorted, text->thread_count,
							    sizeof *sorted, by_tid);

		if (!found)
			continue;
		if ((*found)->name[0])
			memcpy(t->name, (*found)->name, sizeof t->name);
		if ((*found)->altstack.known)
			t->altstack = (*found)->altstack;
		attributes_merge(&t->attributes, &(*found)->attributes);
		/*
		 * gdb's cores lack the masks; other cores know them better than a text made before.
		 */
		if ((*found)->blocked_known && p->origin == ORIGIN_GDB)
			t->blocked = (*found)->blocked;
	}
	return 0;
}

/* ---- Files, signals, the rest ---------------------------------------------------------------- */

/* Copies, so that who changes P's files (restart --map) leaves the text alone. */
static int merge_descriptors(struct process *p, const struct process *text)
{
	struct descriptor *fds = arena_alloc(&p->arena, text->descriptor_count * sizeof *fds);
	struct description *files = arena_alloc(&p->arena,
						text->description_count * sizeof *files);

	if (!fds || !files)
		return -1;
	if (text->descriptor_count)
		memcpy(fds, text->descriptors, text->descriptor_count * sizeof *fds);
	if (text->description_count)
		memcpy(files, text->descriptions, text->description_count * sizeof *files);
	p->descriptors = fds;
	p->descriptor_count = p->descriptor_capacity = text->descriptor_count;
	p->descriptions = files;
	p->description_count = p->description_capacity = text->description_count;
	return 0;
}

/* That a signal is caught, by whatever handler, says less than a handler that is known. */
static void merge_dispositions(struct process *p, const struct process *text)
{
	for (int signo = 1; signo < SIGNALS; signo++)
		if (text->dispositions[signo].kind != DISPOSITION_CAUGHT ||
		    p->dispositions[signo].kind != DISPOSITION_HANDLER)
			p->dispositions[signo] = text->dispositions[signo];
}

static void merge_places(struct process *p, const struct process *text)
{
	if (text->nameless_count) {
		p->nameless = text->nameless;
		p->nameless_count = p->nameless_capacity = text->nameless_count;
	}
	if (text->have & HAVE_CWD)
		p->cwd = text->cwd;
	if (text->have & HAVE_ROOT)
		p->root = text->root;
	if (text->have & HAVE_UMASK)
		p->umask = text->umask;
	if (text->children)
		p->children = text->children;
	for (int i = 0; i < LIMITS; i++)
		if (text->limits[i].known)
			p->limits[i] = text->limits[i];
}

/* The lists are TEXT's own, which nobody changes. */
static void merge_timers(struct process *p, const struct process *text)
{
	for (int i = 0; i < INTERVAL_TIMERS; i++)
		if (text->interval_timers[i].known)
			p->interval_timers[i] = text->interval_timers[i];
	if (text->have & HAVE_TIMERS) {
		p->posix_timers = text->posix_timers;
		p->posix_timer_count = p->posix_timer_capacity = text->posix_timer_count;
	}
	if (text->have & HAVE_PENDING) {
		p->pending_signals = text->pending_signals;
		p->pending_signal_count = p->pending_signal_capacity = text->pending_signal_count;
	}
	if (text->clocks.known)
		p->clocks = text->clocks;
}

static void merge_credentials(struct credentials *c, const struct credentials *text)
{
	if (text->known) {
		memcpy(c->uids, text->uids, sizeof c->uids);
		memcpy(c->gids, text->gids, sizeof c->gids);
		c->groups = text->groups;
		c->group_count = text->group_count;
		c->known = true;
	}
	if (text->caps_known) {
		memcpy(c->caps, text->caps, sizeof c->caps);
		c->caps_known = true;
	}
}

/* Who the process was the core knows best; what it led may be wished otherwise. */
static void merge_identity(struct process *p, const struct process *text)
{
	if (!p->pid) {
		p->pid = text->pid;
		p->ppid = text->ppid;
	}
	if (text->pid) {
		p->pgrp = text->pgrp;
		p->sid = text->sid;
	}
	if (!p->comm[0])
		memcpy(p->comm, text->comm, sizeof p->comm);
	if (!p->exe)
		p->exe = text->exe;
}

int process_merge(struct process *p, const struct process *text, struct error *err)
{
	merge_identity(p, text);
	merge_places(p, text);
	merge_timers(p, text);
	merge_credentials(&p->credentials, &text->credentials);
	attributes_merge(&p->attributes, &text->attributes);
	if (text->have & HAVE_DISPOSITIONS)
		merge_dispositions(p, text);
	if ((text->have & HAVE_DESCRIPTORS && merge_descriptors(p, text) != 0) ||
	    merge_threads(p, text) != 0 || merge_memory(p, text) != 0)
		return error_sys(err, ENOMEM, "cannot add %s to the core file", text->source);
	p->have |= text->have;
	return 0;
}
