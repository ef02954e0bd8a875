/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A process that was restored in place still has the pages of its bootstrap, of no use to anybody.
 * They end here, or every checkpoint of a checkpoint would have some more.
 */
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/user.h>

#include "restart/registers.h"
#include "restart/restore.h"
#include "util/cleanup.h"

extern const char bootstrap_blob[], bootstrap_blob_end[];

static bool is_bootstrap(const struct process *p, const struct mapping *m)
{
	size_t size = (size_t)(bootstrap_blob_end - bootstrap_blob);
	cleanup_free char *code = malloc(size);
	struct error err;

	return code && m->bytes == BYTES_SAVED && m->prot == (PROT_READ | PROT_EXEC) &&
	       m->end - m->start == AREA_PLAN - AREA_CODE &&
	       process_read(p, m->start, code, size, &err) == 0 &&
	       memcmp(code, bootstrap_blob, size) == 0;
}

/* Dumped before it had left the bootstrap: then the pages are needed. */
static bool has_thread_in(const struct restore *r, addr_t start, addr_t end)
{
	for (size_t i = 0; i < r->process->thread_count; i++) {
		struct user_regs_struct regs;
		struct error err;

		if (registers_general(r, &r->process->threads[i], &regs, &err) < 0 ||
		    (regs.rip >= start && regs.rip < end))
			return true;
	}
	return false;
}

/* Code, plan and stacks.  The program may have mapped something between them since. */
static void drop_area(struct process *p, addr_t area)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->mapping_count; i++) {
		addr_t start = p->mappings[i].start;

		if (start != area + AREA_CODE && start != area + AREA_PLAN &&
		    start != area + AREA_STACKS)
			p->mappings[kept++] = p->mappings[i];
	}
	p->mapping_count = kept;
}

void leftover_drop(struct restore *r)
{
	struct process *p = r->process;

	for (size_t i = 0; i < p->mapping_count; i++) {
		const struct mapping *m = &p->mappings[i];

		if (!is_bootstrap(p, m) || has_thread_in(r, m->start, m->end))
			continue;
		drop_area(p, m->start - AREA_CODE);
		i--;
	}
}
