/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "elf/core_layout.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "process/arch.h"

static uint64_t page_up(const struct process *p, uint64_t n)
{
	return (n + p->arch->page_size - 1) & ~(p->arch->page_size - 1);
}

/* ---- The ELF header --------------------------------------------------------------------- */

static void lay_header(struct core_layout *l, const struct process *p)
{
	l->ehdr = (Elf64_Ehdr){
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, p->arch->elf_class, ELFDATA2LSB,
			     EV_CURRENT, ELFOSABI_NONE },
		.e_type = ET_CORE,
		.e_machine = p->arch->machine,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof l->ehdr,
		.e_ehsize = sizeof l->ehdr,
		.e_phentsize = sizeof *l->phdrs,
		.e_phnum = l->phdr_count < PN_XNUM ? (Elf64_Half)l->phdr_count : PN_XNUM,
	};
	if (l->ehdr.e_phnum < PN_XNUM)
		return;
	/* As the kernel's fill_extnum_info(), but here the section header follows the table. */
	l->ehdr.e_shoff = l->ehdr.e_phoff + l->phdr_count * sizeof *l->phdrs;
	l->ehdr.e_shentsize = sizeof l->first_section;
	l->ehdr.e_shnum = 1;
	l->first_section = (Elf64_Shdr){
		.sh_type = SHT_NULL,
		.sh_size = l->ehdr.e_shnum,
		.sh_info = (Elf64_Word)l->phdr_count,
	};
}

/* ---- Notes ------------------------------------------------------------------------------ */

static int add_size(void *context, const struct note *n, struct error *err)
{
	uint64_t *sum = context;

	*sum += note_stored_size(n);
	if (n->size > CORE_NOTES_MAX || *sum > CORE_NOTES_MAX)
		return error_set(err, E2BIG, "the notes of the core would be larger than %u MiB",
				 CORE_NOTES_MAX >> 20);
	return 0;
}

static int lay_notes(struct core_layout *l, struct note_source *notes, struct error *err)
{
	uint64_t size = 0, at = l->ehdr.e_phoff + l->phdr_count * sizeof *l->phdrs +
				l->ehdr.e_shnum * sizeof l->first_section;

	if (notes_make(notes, add_size, &size, err) < 0)
		return error_prefix(err, "%s", notes->p->source);
	l->phdrs[0] = (Elf64_Phdr){
		.p_type = PT_NOTE, .p_offset = at, .p_filesz = size, .p_align = 4,
	};
	l->head_size = page_up(notes->p, at + size);
	return 0;
}

/* ---- Segments --------------------------------------------------------------------------- */

static bool is_written(const struct process *p, const struct mapping *m)
{
	return m->end <= p->arch->address_limit;
}

static uint32_t flags_of(const struct mapping *m)
{
	return (m->prot & PROT_READ ? PF_R : 0u) | (m->prot & PROT_WRITE ? PF_W : 0u) |
	       (m->prot & PROT_EXEC ? PF_X : 0u);
}

static int check_mapping(const struct process *p, const struct mapping *m, addr_t low,
			 struct error *err)
{
	if (m->start < low || m->end <= m->start || (m->start | m->end) % p->arch->page_size)
		return error_set(err, EINVAL, "%s: its mapping at %#lx cannot be true", p->source,
				 m->start);
	return 0;
}

static int lay_segments(struct core_layout *l, struct note_source *notes, struct error *err)
{
	const struct process *p = notes->p;
	uint64_t offset = l->head_size;
	addr_t low = 0;
	Elf64_Phdr *h = l->phdrs + 1;

	for (size_t i = 0; i < p->mapping_count; i++) {
		const struct mapping *m = &p->mappings[i];

		if (check_mapping(p, m, low, err) < 0)
			return -1;
		low = m->end;
		if (!is_written(p, m))
			continue;
		*h++ = (Elf64_Phdr){
			.p_type = PT_LOAD,
			.p_flags = flags_of(m),
			.p_offset = offset,
			.p_vaddr = m->start,
			.p_filesz = m->bytes == BYTES_SAVED ? m->end - m->start : 0,
			.p_memsz = m->end - m->start,
			.p_align = p->arch->page_size,
		};
		offset += h[-1].p_filesz;
		notes->checksums.count += h[-1].p_filesz != 0;
	}
	l->saved = offset - l->head_size;
	notes->checksums.offset = offset;
	return 0;
}

/* ---- The whole -------------------------------------------------------------------------- */

int core_layout(struct core_layout *l, struct note_source *notes, struct error *err)
{
	const struct process *p = notes->p;

	*l = (struct core_layout){ .phdr_count = 1 };
	for (size_t i = 0; i < p->mapping_count; i++)
		l->phdr_count += is_written(p, &p->mappings[i]);
	l->phdrs = calloc(l->phdr_count, sizeof *l->phdrs);
	if (!l->phdrs)
		return error_sys(err, ENOMEM, "%s", p->source);
	/* The head is one of the ranges. */
	notes->checksums = (struct note_checksums){ CHECKSUMS_VERSION, CHECKSUMS_XXH3, 0, 1 };
	lay_header(l, p);
	if (lay_notes(l, notes, err) < 0)
		return -1;
	return lay_segments(l, notes, err);
}

void core_layout_free(struct core_layout *l)
{
	free(l->phdrs);
	l->phdrs = NULL;
}
