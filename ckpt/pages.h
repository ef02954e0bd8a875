/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The pages of a process that stands still: which are its own, and what is in them.
 */
#ifndef CKPT_PAGES_H
#define CKPT_PAGES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "process/process.h"

enum { PAGES_WINDOW = 4096 };

struct pages {
	int mem;      /* /proc/PID/mem */
	int pagemap;
	pid_t pid;
	struct process *sizes;  /* the traits of PID; NULL: the kernel tells of holes */
	/* The piece of the page tables that was read last: what stands from window_start on. */
	addr_t window_start;
	size_t window_count;
	uint64_t window[PAGES_WINDOW];
};

/* Opens the memory of PID.  Release with pages_close(), which may follow a failure as well. */
MUST_CHECK int pages_open(struct pages *p, pid_t pid, struct error *err);
void pages_close(struct pages *p);

/*
 * The next run of private pages in [FROM, END), whole
 * pages: 1 and the run, 0 when there is none, -1.
 */
MUST_CHECK int pages_next_private(struct pages *p, addr_t from, addr_t end, addr_t *start,
				  addr_t *stop, struct error *err);

/*
 * Reads LEN bytes at ADDR, of pages that are there,
 * whether the process itself may read them or not.
 */
MUST_CHECK int pages_read(const struct pages *p, addr_t addr, void *to, size_t len,
			  struct error *err);

#endif
