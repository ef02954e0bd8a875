/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "restart/owners.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "elf/core_locks.h"
#include "process/locks.h"
#include "util/cleanup.h"

/* ---- Finding --------------------------------------------------------------------------------- */

/* The model has its ids elsewhere than glibc's threads do: nothing can be said of their locks. */
static bool is_glibc(const struct restore *r)
{
	return r->libc.tid_known && !r->libc.shared_tid;
}

static void scan_mapping(const struct restore *r, struct locks *l, const struct mapping *m,
			 char *buffer, size_t room)
{
	struct error err;

	for (addr_t at = m->start; at < m->end; at += room) {
		size_t size = m->end - at < room ? m->end - at : room;

		if (process_read(r->process, at, buffer, size, &err) == 0)
			locks_scan(l, at, buffer, size, &r->process->memory);
	}
}

/* Takes as long as reading the core once more. */
static int scan_memory(struct restore *r, struct error *err)
{
	enum { ROOM = 1 << 20 };
	const struct process *p = r->process;
	cleanup_free char *buffer = malloc(ROOM);
	struct locks locks;

	if (!buffer)
		return error_set(err, ENOMEM, "not enough memory");
	if (locks_open(&locks, p, err) < 0)
		return -1;
	for (size_t i = 0; i < p->mapping_count; i++)
		if (p->mappings[i].bytes == BYTES_SAVED && p->mappings[i].prot & PROT_WRITE)
			scan_mapping(r, &locks, &p->mappings[i], buffer, ROOM);
	r->owners.known = !locks.overflow;
	r->owners.words = locks.words;
	r->owners.count = locks.count;
	r->owners.arena = locks.arena;  /* they live there */
	return 0;
}

int owners_find(struct restore *r, struct error *err)
{
	if (r->owners.known || !is_glibc(r))
		return 0;
	r->owners.known = core_locks(r->core, &r->owners.arena, &r->owners.words, &r->owners.count);
	if (r->owners.known || r->options->lazy)
		return 0;
	arena_free(&r->owners.arena);
	return scan_memory(r, err);
}

/* ---- The plan -------------------------------------------------------------------------------- */

static void store(struct plan *plan, addr_t at, uint32_t bits, const char *what)
{
	struct plan_op *op = plan_add(plan, OP_STORE, 0);

	op->args[0] = at;
	op->args[1] = bits;
	plan_note(plan, "%s", what);
}

void plan_owners(const struct restore *r, struct plan *plan, size_t i)
{
	const struct thread *t = &r->process->threads[i];

	for (size_t k = 0; k < r->owners.count; k++) {
		addr_t at = r->owners.words[k];
		const struct mapping *m = process_mapping_at(r->process, at);
		uint32_t word;
		struct error err;

		/* The core may say anything. */
		if (m && m->prot & PROT_WRITE && at % sizeof word == 0 &&
		    process_read(r->process, at, &word, sizeof word, &err) == 0 &&
		    (word & LOCK_ID_MASK) == (uint32_t)t->tid)
			store(plan, at, word & ~LOCK_ID_MASK, "a lock that it holds");
	}
}
