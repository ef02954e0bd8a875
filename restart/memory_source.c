/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "restart/memory_source.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "process/arch.h"
#include "restart/shared.h"
#include "restart/traits.h"

bool anonymous_or_gone(const struct mapping *m)
{
	return !m->path || m->deleted;
}

static bool page_aligned(const struct restore *r, uint64_t n)
{
	return n % r->process->arch->page_size == 0;
}

/* Whether the core leaves anything of M's file to that file, or has nothing but M of it. */
static bool needs_file(const struct process *p, const struct mapping *m)
{
	const struct mapping *next = m + 1, *end = p->mappings + p->mapping_count;
	const char *path = m->path;

	if (next == end || !next->path || strcmp(next->path, path) != 0)
		return access(path, R_OK) == 0;
	for (; next < end && next->path && strcmp(next->path, path) == 0; next++)
		if (next->bytes == BYTES_FILE)
			return true;
	return false;
}

bool is_saved_header(const struct restore *r, const struct mapping *m)
{
	return !r->whole && m->bytes == BYTES_SAVED && !anonymous_or_gone(m) && !m->shared &&
	       !(m->prot & PROT_WRITE) && m->file_offset == 0 &&
	       m->end - m->start == r->process->arch->page_size && needs_file(r->process, m);
}

enum source source_of(const struct restore *r, size_t index)
{
	const struct mapping *m = &r->process->mappings[index];

	if (m->label == LABEL_VVAR || m->label == LABEL_VSYSCALL)
		return SOURCE_NONE;
	if (m->label == LABEL_VDSO)
		return SOURCE_NONE;
	if (is_view(r, m) || is_segment(r, m))
		return SOURCE_SHARED;
	if (is_mapped_nameless(r, m))
		return SOURCE_NAMELESS;
	switch (m->bytes) {
	case BYTES_FILE:
		return SOURCE_FILE;
	case BYTES_ZERO:
	case BYTES_MISSING:
		return SOURCE_ANONYMOUS;
	case BYTES_SAVED:
		if (m->shared)
			return anonymous_or_gone(m) || access(m->path, F_OK) < 0 ? SOURCE_COPY :
			       SOURCE_FILE;
		if (is_saved_header(r, m))
			return SOURCE_FILE;
		/* A stack that grows must be anonymous in any case. */
		if (!r->lazy || !page_aligned(r, m->core_offset) || m->grows_down ||
		    trait_needs_anonymous(trait_of(r, m)) || m->label == LABEL_STACK ||
		    (m->prot & PROT_EXEC && r->core_noexec))
			return SOURCE_COPY;
		return SOURCE_CORE;
	}
	return SOURCE_NONE;
}
