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

/* Whether the table that NOTE tells of lies in the file PATH of SIZE bytes. */
MUST_CHECK int core_sums_whole(const char *path, uint64_t size, const struct note_checksums *note,
			       struct error *err);

#endif
