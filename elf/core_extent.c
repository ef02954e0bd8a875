/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "elf/core_extent.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "elf/notes.h"
#include "util/cleanup.h"
#include "util/io.h"

/* What may follow the last segment besides the table of checksums: gdb has names of sections. */
enum { SLACK = 1 << 20 };

/* As core_headers.c has it. */
enum { SEGMENTS_MAX = 1 << 21 };

static uint64_t sum(uint64_t a, uint64_t b)
{
	uint64_t c;

	return __builtin_add_overflow(a, b, &c) || c > INT64_MAX ? INT64_MAX : c;
}

static void more_needed(struct core_extent *e, uint64_t most)
{
	*e = (struct core_extent){ .most = sum(most, SLACK) };
}

static void is_no_core(struct core_extent *e)
{
	*e = (struct core_extent){ .no_core = true };
}

/* The number of segments; 0 when it cannot be told. */
static uint64_t segment_count(const Elf64_Ehdr *h, int fd)
{
	Elf64_Shdr first;

	if (h->e_phnum != PN_XNUM)
		return h->e_phnum;
	return pread_full(fd, &first, sizeof first, h->e_shoff) == sizeof first ? first.sh_info : 0;
}

static uint64_t end_of_segments(const Elf64_Phdr *h, uint64_t count)
{
	uint64_t most = 0, end;

	for (uint64_t i = 0; i < count; i++) {
		end = sum(h[i].p_offset, h[i].p_filesz);
		if ((h[i].p_type == PT_LOAD || h[i].p_type == PT_NOTE) && end > most)
			most = end;
	}
	return most;
}

void core_extent(struct core_extent *e, int fd, uint64_t have)
{
	uint64_t count, sections, table;
	Elf64_Ehdr h;

	if (have < sizeof h)
		return more_needed(e, 0);
	if (pread_full(fd, &h, sizeof h, 0) != sizeof h ||
	    memcmp(h.e_ident, ELFMAG, SELFMAG) != 0 || h.e_ident[EI_CLASS] != ELFCLASS64 ||
	    h.e_type != ET_CORE || h.e_phentsize != sizeof(Elf64_Phdr) || h.e_phoff > INT64_MAX / 2)
		return is_no_core(e);
	/* With many segments their number stands in section 0: in the kernel's cores at the end. */
	sections = sum(h.e_shoff, (uint64_t)h.e_shnum * h.e_shentsize);
	if (h.e_phnum == PN_XNUM && have < sum(h.e_shoff, sizeof(Elf64_Shdr)))
		return more_needed(e, sum(h.e_shoff, sizeof(Elf64_Shdr)));
	count = segment_count(&h, fd);
	if (!count || count > SEGMENTS_MAX)
		return is_no_core(e);
	table = h.e_phoff + count * sizeof(Elf64_Phdr);
	if (have < table)
		return more_needed(e, table);

	cleanup_free Elf64_Phdr *phdrs = malloc(count * sizeof *phdrs);

	if (!phdrs || pread_full(fd, phdrs, count * sizeof *phdrs, h.e_phoff) !=
		      (ssize_t)(count * sizeof *phdrs))
		return is_no_core(e);
	uint64_t most = end_of_segments(phdrs, count);

	most = sum(most > sections ? most : sections, SLACK);
	*e = (struct core_extent){
		.certain = true, .most = sum(most, count * sizeof(struct checksum_entry)),
	};
}
