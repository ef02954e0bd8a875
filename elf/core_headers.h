/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The headers of a core file: whether it is one, of which architecture, whether it is whole, and
 * where its notes and segments are.
 *
 * They are read with plain pread() and not with libelf, which silently cuts a program header table
 * that reaches beyond the file, and reads section header tables of any size for the number of
 * segments (PN_XNUM).
 */
#ifndef ELF_CORE_HEADERS_H
#define ELF_CORE_HEADERS_H

#include "elf/core_mappings.h"

struct core_range {
	uint64_t offset, size;
};

struct core_headers {
	struct core_segment *segments;  /* PT_LOAD below the architecture's address limit */
	size_t segment_count;
	struct core_range *notes;       /* PT_NOTE */
	size_t note_count;
	bool offsets_aligned;           /* of all segments: they can be mapped */
};

/*
 * Reads the headers of the core that is FILE in the file FD into the arena of P, and sets p->arch.
 * All that they say is checked: the ranges lie in the core, segments are page aligned and do not
 * wrap.  The offsets in H are those in the file FD.
 * Refuses what is not a core, is of another architecture, is truncated or damaged.
 */
MUST_CHECK int core_headers_read(struct core_headers *h, struct process *p, int fd,
				 struct core_range file, struct error *err);

#endif
