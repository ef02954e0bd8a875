/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* System V segments in the plan: contents and attachments.  segments.c has made them. */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "process/arch.h"
#include "restart/segments.h"
#include "restart/shared.h"
#include "restart/traits.h"

static addr_t base_of(const struct mapping *m)
{
	return m->start - m->file_offset;
}

static void plan_attach_at(struct plan *plan, const struct segment_case *c, addr_t base,
			   unsigned flags)
{
	static const char *const was[] = {
		[SEGMENT_NEW] = "shared memory segment, made again, was",
		[SEGMENT_REUSED] = "shared memory segment",
		[SEGMENT_COPIED] = "a copy of shared memory segment",
	};

	plan_syscall(plan, OP_EXPECT, SYS_shmat, c->id, base, flags)->expect = base;
	plan_note(plan, "%s %u", was[c->fate], c->segment->id);
}

/* VIEWS from FIRST to END are all of the segment. */
static void plan_contents(const struct restore *r, struct plan *plan, const struct segment_case *c,
			  size_t first, size_t end)
{
	addr_t base = base_of(r->views[first]);

	plan_attach_at(plan, c, base, 0);
	for (size_t i = first; i < end; i++)
		if (r->views[i]->bytes == BYTES_SAVED)
			plan_read(r, plan, r->views[i], base + r->views[i]->file_offset);
	plan_syscall(plan, 0, SYS_shmdt, base);
}

static void plan_unmap(struct plan *plan, addr_t start, addr_t end)
{
	if (start < end)
		plan_syscall(plan, 0, SYS_munmap, start, end - start);
}

/* One attachment, of which the program may have protected or unmapped parts: VIEWS from AT on. */
static size_t plan_attach(const struct restore *r, struct plan *plan, const struct segment_case *c,
			  size_t at, size_t end_of_all)
{
	addr_t base = base_of(r->views[at]), done = base, page = r->process->arch->page_size;
	bool readonly = true;
	size_t end = at;

	for (; end < end_of_all && base_of(r->views[end]) == base; end++)
		readonly = readonly && trait_of(r, r->views[end])->flags & TRAIT_READONLY;
	uint32_t prot = readonly ? PROT_READ : PROT_READ | PROT_WRITE;

	plan_attach_at(plan, c, base, readonly ? SHM_RDONLY : 0);
	for (size_t i = at; i < end; i++) {
		const struct mapping *m = r->views[i];

		plan_unmap(plan, done, m->start);
		done = m->end;
		if (m->prot != prot)
			plan_syscall(plan, 0, SYS_mprotect, m->start, m->end - m->start, m->prot);
	}
	plan_unmap(plan, done, base + ((c->segment->size + page - 1) & ~(page - 1)));
	return end;
}

static void plan_segment(const struct restore *r, struct plan *plan, const struct segment_case *c,
			 size_t first, size_t end)
{
	struct shmid_ds state = { .shm_perm = { .uid = geteuid(), .gid = getegid() } };

	plan_contents(r, plan, c, first, end);
	for (size_t at = first; at < end;)
		at = plan_attach(r, plan, c, at, end);
	state.shm_perm.mode = (unsigned short)c->segment->mode;
	if (c->fate != SEGMENT_REUSED && c->segment->mode != 0600)
		plan_syscall(plan, 0, SYS_shmctl, c->id, IPC_SET,
			     plan_data(plan, &state, sizeof state));
	if (c->segment->removed)
		plan_syscall(plan, 0, SYS_shmctl, c->id, IPC_RMID, 0);
}

void plan_segments(const struct restore *r, struct plan *plan)
{
	for (size_t first = 0, end; first < r->view_count; first = end) {
		const struct segment_case *c = segment_of(r, r->views[first]);

		end = first + 1;
		while (end < r->view_count && c && segment_of(r, r->views[end]) == c)
			end++;
		if (c)
			plan_segment(r, plan, c, first, end);
	}
}
