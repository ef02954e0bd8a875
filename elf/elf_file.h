/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What restart needs to know of a program or a shared library.
 */
#ifndef ELF_ELF_FILE_H
#define ELF_ELF_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "process/process.h"

enum { BUILD_ID_MAX = 64 };

struct build_id {
	size_t size;  /* 0: it has none */
	uint8_t bytes[BUILD_ID_MAX];
};

struct elf_file_segment {
	uint64_t offset, vaddr, filesz, memsz;
	uint32_t prot;  /* PROT_* */
};

struct elf_file {
	uint16_t machine;
	uint8_t elf_class;
	bool position_independent;  /* ET_DYN */
	uint64_t entry;
	uint64_t phoff;
	uint16_t phnum;
	bool has_interpreter;
	struct build_id build_id;
	size_t segment_count;       /* PT_LOAD */
	struct elf_file_segment *segments;  /* in the arena */
};

/* Fills F from the program or library PATH.  Returns -1 with the error when it is not one. */
MUST_CHECK int elf_file_read(struct elf_file *f, struct arena *a, const char *path,
			     struct error *err);

/*
 * Looks NAME up in the symbol tables (.symtab, then .dynsym) of the ELF file PATH.  *VALUE is the
 * address as linked, *SIZE its size; returns 0, or -1 with the error (code ENOENT: no such symbol).
 */
MUST_CHECK int elf_file_symbol(const char *path, const char *name, uint64_t *value,
			       uint64_t *size, struct error *err);

/*
 * The build-ID of the ELF file that is mapped at BASE (its file offset 0) in the process P, read
 * from the memory of P that was SAVED (never from the file on disk).  size 0 when it was not saved
 * or has none.
 */
void elf_mapped_build_id(const struct process *p, addr_t base, struct build_id *id);

#endif
