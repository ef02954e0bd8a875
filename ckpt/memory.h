/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The memory of a captured process: where the bytes of each mapping are, and reading them.
 */
#ifndef CKPT_MEMORY_H
#define CKPT_MEMORY_H

#include "ckpt/early.h"
#include "ckpt/pages.h"
#include "ckpt/touched.h"
#include "elf/core_write.h"
#include "process/process.h"

struct ranges {
	size_t count, capacity;
	struct { addr_t start, end; } *list;
};

struct memory_source {
	bool whole;          /* save what files hold, too */
	struct pages pages;  /* of the snapshot, or of the process itself */
	struct early early;       /* what the snapshot does not have */
	struct touched touched;   /* what there is of shared memory, where it is known */
	struct ranges unshared;   /* what a fork does not copy */
	struct ranges entire;     /* all of it is saved, though the page tables call it a file's */
};

/* Frees all of it; m->pages is opened by the caller. */
void memory_close(struct memory_source *m);

/* Looks in the traits of P for memory that it does not want in a fork. */
MUST_CHECK int memory_find_unshared(struct memory_source *m, const struct process *p,
				    struct error *err);

/*
 * Copies now what a snapshot would not have: anonymous shared memory, memory of deleted files, and
 * what memory_find_unshared() has found.  Not needed
 * of a process that stands still until it is saved.
 */
MUST_CHECK int memory_copy_early(struct memory_source *m, const struct process *p, pid_t pid,
				 struct error *err);

/*
 * Decides for every mapping of P where its bytes are, by the page tables: private pages are SAVED,
 * pages that are a file's stay the FILE's.  Mappings of which some pages are saved are split.
 */
MUST_CHECK int memory_classify(struct memory_source *m, struct process *p, struct error *err);

/* For core_write(). */
struct core_source memory_core_source(struct memory_source *m);

#endif
