/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Copies of memory that a snapshot does not share with its original, made while that stands still.
 *
 * The first of them are kept in memory; what is more goes to a file without a name, beside the
 * checkpoint, so that a process with much shared memory does not double it.
 */
#ifndef CKPT_EARLY_H
#define CKPT_EARLY_H

#include "ckpt/pages.h"
#include "ckpt/touched.h"
#include "elf/core_sink.h"
#include "process/process.h"

enum { EARLY_IN_MEMORY = 32 << 20 };

struct early_copy {
	addr_t start, end;
	char *bytes;      /* or NULL: in the file, at offset */
	uint64_t offset;
};

struct early {
	int directory;    /* where the file is to be; -1: in memory, but not ours (a memfd) */
	int file;         /* or -1 */
	uint64_t file_size;
	struct core_sink sink;
	size_t in_memory;
	size_t count, capacity;
	struct early_copy *copies;
};

void early_init(struct early *e, int directory);
void early_free(struct early *e);

/*
 * Copies [START, END) of the process whose /proc/PID/mem is MEM.
 * What cannot be read (pages behind the end of their file) is zero.
 */
MUST_CHECK int early_add(struct early *e, int mem, addr_t start, addr_t end, struct error *err);

/*
 * The same of the private pages alone that P finds there.  The others are zero and not looked at:
 * reading would make page tables for them, and there may be many GiB (V8 reserves some).
 */
MUST_CHECK int early_add_private(struct early *e, struct pages *p, addr_t start, addr_t end,
				 struct error *err);

/* The same of the pages alone that are there in R, shared memory. */
MUST_CHECK int early_add_touched(struct early *e, int mem, const struct touched_range *r,
				 struct error *err);

/* To be called behind the last large copy, before early_read(). */
MUST_CHECK int early_finish(struct early *e, struct error *err);

/* The copy that has ADDR, or NULL. */
const struct early_copy *early_at(const struct early *e, addr_t addr);

/*
 * Whether C, which has FROM, has anything but zeros in [FROM, END), and where the first of it is.
 */
bool early_next(const struct early *e, const struct early_copy *c, addr_t from, addr_t end,
		addr_t *start, addr_t *stop);

/* Reads LEN bytes at ADDR, which C has. */
MUST_CHECK int early_read(const struct early *e, const struct early_copy *c, addr_t addr, void *to,
			  size_t len, struct error *err);

/* As early_add() reads, for whoever needs no copy. */
void early_read_process(int mem, addr_t start, void *to, size_t len);

#endif
