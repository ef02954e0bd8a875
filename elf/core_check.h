/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The checksums of a core that is being read: what core_read.h offers is implemented on these.
 */
#ifndef ELF_CORE_CHECK_H
#define ELF_CORE_CHECK_H

#include "elf/core_mappings.h"
#include "elf/core_read.h"

struct core_sums {
	const struct process *p;
	int fd;
	uint64_t base, size;      /* of the core in the file */
	struct note_checksums note;
	const struct core_segment *segments;  /* as the core has them, whatever becomes of P */
	size_t segment_count;
};

const struct core_sums *core_sums(const struct core *c);

/* The bytes of the table that NOTE tells of, with its hash. */
uint64_t core_sums_size(const struct note_checksums *note);

/* Whether the table and what stands behind it lie in the core. */
MUST_CHECK int core_sums_whole(const struct core_sums *sums, struct error *err);

#endif
