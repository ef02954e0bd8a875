/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From the segments of a core file and the ranges of its note NT_FILE to the mappings of the model.
 *
 *                        |<------ one PT_LOAD of a kernel core ------>|
 *     kernel core        | p_filesz bytes: SAVED |  the rest: FILE    |
 *     gdb core           | a PT_LOAD: SAVED |  NT_FILE alone: FILE    |
 *
 * What neither the core nor a file holds is ZERO.  In a kernel core that is above all private
 * anonymous memory that was mapped but never written (no anon_vma in the kernel's vma_dump_size()):
 * parts of the bss of a library, reserved heaps.  Memory that the program itself kept out of cores
 * (MADV_DONTDUMP) and droppable memory look exactly the same.
 *
 * Bytes of a file without a name (deleted, memfd, secret memory) that were not dumped are MISSING.
 */
#ifndef ELF_CORE_MAPPINGS_H
#define ELF_CORE_MAPPINGS_H

#include "elf/notes.h"

/* A PT_LOAD.  Page aligned but for the offset. */
struct core_segment {
	addr_t start, end;
	uint64_t offset, filesz;
	uint32_t prot;  /* PROT_* */
};

/* Fills p->mappings from the N segments, which it sorts. */
MUST_CHECK int core_mappings(struct process *p, struct core_segment *segments, size_t n,
			     const struct core_notes *notes, struct error *err);

/* Puts labels on the stack, the vDSO and vvar, which the auxiliary vector points to. */
void core_labels(struct process *p);

#endif
