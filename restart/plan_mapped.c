/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Shared mappings of files without a name: memfds, and files whose last name was removed.  The file
 * is made once and lent (nameless.c).  Where it was mapped for reading only, it is opened for that:
 * its seals allow no mapping that could be made writable.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "restart/shared.h"
#include "restart/traits.h"

bool is_mapped_nameless(const struct restore *r, const struct mapping *m)
{
	return m->shared && m->deleted && m->file.inode && nameless_number(r, m->file) >= 0;
}

void plan_mapped_nameless(const struct restore *r, struct plan *plan, const struct mapping *m)
{
	bool readonly = trait_of(r, m)->flags & TRAIT_READONLY;
	unsigned flags =
		(trait_map_flags(r, m) & (MAP_SHARED | MAP_NORESERVE)) | MAP_FIXED_NOREPLACE;
	int fd = nameless_number(r, m->file);
	char name[40];

	if (readonly) {
		snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
		plan_syscall(plan, OP_KEEP, SYS_open, plan_string(plan, name),
			     O_RDONLY | O_CLOEXEC);
	}
	plan_syscall(plan, OP_EXPECT | (readonly ? OP_ARG0_IS_RESULT << 4 : 0), SYS_mmap, m->start,
		     m->end - m->start, m->prot, flags, fd, m->file_offset)->expect = m->start;
	plan_note(plan, "%s", m->path);
	plan_page_advice(plan, trait_of(r, m), m->start, m->end);
	if (readonly)
		plan_syscall(plan, OP_ARG0_IS_RESULT, SYS_close, 0);
}
