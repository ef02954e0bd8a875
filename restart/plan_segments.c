/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "process/arch.h"
#include "restart/shared.h"
#include "restart/traits.h"
#include "util/format.h"

/* What becomes of a segment. */
enum fate {
	FATE_NEW,     /* made again with its key; its id as well where that may be chosen */
	FATE_REUSED,  /* it is still there and nobody uses it */
	FATE_COPIED,  /* it is in use, or another has its key */
};

static const struct segment *segment_of(const struct restore *r, const struct mapping *m)
{
	const struct process *p = r->process;

	for (size_t i = 0; mapping_is_segment(m) && i < p->segment_count; i++)
		if (p->segments[i].id == m->file.inode)
			return &p->segments[i];
	return NULL;
}

bool is_segment(const struct restore *r, const struct mapping *m)
{
	return segment_of(r, m);
}

static enum fate fate_of(const struct segment *s)
{
	struct shmid_ds state;
	bool there = shmctl((int)s->id, IPC_STAT, &state) == 0;

	if (s->removed)
		return FATE_NEW;
	if (there && (uint32_t)state.shm_perm.__key == s->key && state.shm_segsz == s->size &&
	    state.shm_perm.uid == geteuid() && !(state.shm_perm.mode & SHM_DEST))
		return state.shm_nattch ? FATE_COPIED : FATE_REUSED;
	return s->key && shmget((key_t)s->key, 0, 0) >= 0 ? FATE_COPIED : FATE_NEW;
}

/* An id can be chosen by who may write here. */
static const char next_id[] = "/proc/sys/kernel/shm_next_id";

void check_segments(const struct restore *r, struct findings *f)
{
	const struct process *p = r->process;

	for (size_t i = 0; i < p->segment_count; i++) {
		const struct segment *s = &p->segments[i];
		enum fate fate = fate_of(s);

		if (fate == FATE_COPIED)
			findings_add_loss(f, "shared memory segment %u (key %#x) is in use: the "
					  "process would have a copy that it shares with nobody",
					  s->id, s->key);
		else if (fate == FATE_NEW && !s->removed && access(next_id, W_OK) < 0)
			findings_add(f, LOSS, "shared memory segment %u (key %#x) gets a new id",
				     s->id, s->key);
	}
}

/* ---- The plan -------------------------------------------------------------------------------- */

/* The segment is in the result register, or its id known. */
struct handle {
	uint64_t id;
	unsigned flags;  /* OP_ARG0_IS_RESULT */
};

static struct handle plan_get(const struct restore *r, struct plan *plan, const struct segment *s,
			      const struct mapping *m)
{
	enum fate fate = fate_of(s);
	unsigned huge = trait_map_flags(r, m) & MAP_HUGETLB ? trait_map_flags(r, m) : 0;
	char id[16];

	if (fate == FATE_REUSED)
		return (struct handle){ s->id, 0 };
	if (fate == FATE_NEW && !s->removed && access(next_id, W_OK) == 0) {
		size_t len = format(id, sizeof id, "%u", s->id);

		plan_syscall(plan, OP_KEEP, SYS_open, plan_string(plan, next_id),
			     O_WRONLY | O_CLOEXEC);
		plan_syscall(plan, OP_ARG0_IS_RESULT | OP_MAY_FAIL, SYS_write, 0,
			     plan_string(plan, id), len);
		plan_syscall(plan, OP_ARG0_IS_RESULT, SYS_close, 0);
	}
	/* SHM_HUGETLB and the size of the pages have the values of mmap's flags shifted alike. */
	plan_syscall(plan, OP_KEEP, SYS_shmget, fate == FATE_NEW ? s->key : IPC_PRIVATE, s->size,
		     IPC_CREAT | IPC_EXCL | 0600 | (huge ? SHM_HUGETLB | (huge & ~0x3ffffffu) : 0));
	plan_note(plan, "shared memory segment, was %u", s->id);
	return (struct handle){ 0, OP_ARG0_IS_RESULT };
}

static addr_t base_of(const struct mapping *m)
{
	return m->start - m->file_offset;
}

static void plan_contents(const struct restore *r, struct plan *plan, const struct segment *s,
			  struct handle h, addr_t base)
{
	plan_syscall(plan, OP_EXPECT | h.flags, SYS_shmat, h.id, base, 0)->expect = base;
	for (size_t i = 0; i < r->view_count; i++)
		if (segment_of(r, r->views[i]) == s && r->views[i]->bytes == BYTES_SAVED)
			plan_read(r, plan, r->views[i], base + r->views[i]->file_offset);
	plan_syscall(plan, 0, SYS_shmdt, base);
}

static void plan_unmap(struct plan *plan, addr_t start, addr_t end)
{
	if (start < end)
		plan_syscall(plan, 0, SYS_munmap, start, end - start);
}

/* One attachment, of which the program may have protected or unmapped parts: VIEWS from AT on. */
static size_t plan_attach(const struct restore *r, struct plan *plan, const struct segment *s,
			  struct handle h, size_t at)
{
	addr_t base = base_of(r->views[at]), done = base, page = r->process->arch->page_size;
	bool readonly = true;
	size_t end = at;

	for (; end < r->view_count && segment_of(r, r->views[end]) == s &&
	       base_of(r->views[end]) == base;
	     end++)
		readonly = readonly && trait_of(r, r->views[end])->flags & TRAIT_READONLY;
	uint32_t prot = readonly ? PROT_READ : PROT_READ | PROT_WRITE;

	plan_syscall(plan, OP_EXPECT | h.flags, SYS_shmat, h.id, base,
		     readonly ? SHM_RDONLY : 0)->expect = base;
	for (size_t i = at; i < end; i++) {
		const struct mapping *m = r->views[i];

		plan_unmap(plan, done, m->start);
		done = m->end;
		if (m->prot != prot)
			plan_syscall(plan, 0, SYS_mprotect, m->start, m->end - m->start, m->prot);
	}
	plan_unmap(plan, done, base + ((s->size + page - 1) & ~(page - 1)));
	return end;
}

static void plan_segment(const struct restore *r, struct plan *plan, const struct segment *s)
{
	size_t at = 0;
	struct shmid_ds state = { .shm_perm = { .uid = geteuid(), .gid = getegid() } };

	while (at < r->view_count && segment_of(r, r->views[at]) != s)
		at++;
	if (at == r->view_count)
		return;
	struct handle h = plan_get(r, plan, s, r->views[at]);

	plan_contents(r, plan, s, h, base_of(r->views[at]));
	while (at < r->view_count && segment_of(r, r->views[at]) == s)
		at = plan_attach(r, plan, s, h, at);
	state.shm_perm.mode = (unsigned short)s->mode;
	if (h.flags && s->mode != 0600)
		plan_syscall(plan, h.flags, SYS_shmctl, h.id, IPC_SET,
			     plan_data(plan, &state, sizeof state));
	if (s->removed)
		plan_syscall(plan, h.flags, SYS_shmctl, h.id, IPC_RMID, 0);
}

void plan_segments(const struct restore *r, struct plan *plan)
{
	for (size_t i = 0; i < r->process->segment_count; i++)
		plan_segment(r, plan, &r->process->segments[i]);
}
