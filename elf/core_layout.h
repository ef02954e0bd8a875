/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where everything goes in a core that is going to be written: the headers, made before the first
 * byte of memory is read.
 */
#ifndef ELF_CORE_LAYOUT_H
#define ELF_CORE_LAYOUT_H

#include <elf.h>

#include "elf/notes.h"

struct core_layout {
	Elf64_Ehdr ehdr;
	Elf64_Phdr *phdrs;        /* PT_NOTE, then a PT_LOAD for each mapping that is written */
	size_t phdr_count;
	Elf64_Shdr first_section; /* ehdr.e_shnum 1: holds the number of segments (PN_XNUM) */
	uint64_t head_size;       /* all before the first segment; whole pages */
	uint64_t saved;           /* bytes of memory that stand in the file, with holes */
};

/*
 * Lays out the core of notes->p, and sets notes->checksums.  The notes must have been prepared.
 * Release with core_layout_free(), after a failure as well.
 */
MUST_CHECK int core_layout(struct core_layout *l, struct note_source *notes, struct error *err);
void core_layout_free(struct core_layout *l);

#endif
