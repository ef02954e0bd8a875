/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "elf/core_mappings.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "elf/elf_file.h"
#include "process/arch.h"

struct assembly {
	struct process *p;
	const struct core_segment *segments;
	size_t segment_count;
	const struct core_notes *notes;
	const char *elf_path;  /* the file that elf describes; NULL: none yet */
	bool elf_valid;
	struct elf_file elf;
};

/* ---- The protection of a range that a gdb core leaves out ------------------------------- */

static const struct elf_file *elf_of(struct assembly *a, const char *path)
{
	struct error ignored;

	/* The ranges of one file stand together: remembering the last file is enough. */
	if (!a->elf_path || strcmp(a->elf_path, path) != 0) {
		a->elf_path = path;
		a->elf_valid = elf_file_read(&a->elf, &a->p->arena, path, &ignored) == 0;
	}
	return a->elf_valid ? &a->elf : NULL;
}

static uint64_t page_down(const struct assembly *a, uint64_t n)
{
	return n & ~(a->p->arch->page_size - 1);
}

static uint64_t page_up(const struct assembly *a, uint64_t n)
{
	return page_down(a, n + a->p->arch->page_size - 1);
}

static bool segment_covers(const struct assembly *a, const struct elf_file_segment *s,
			   uint64_t offset)
{
	return s->filesz && page_down(a, s->offset) <= offset &&
	       offset < page_up(a, s->offset + s->filesz);
}

/*
 * Where the linker's address 0 of a file is mapped: the lowest range of that file, not further
 * below than its segments reach, that maps the beginning of its first segment tells.
 */
static addr_t load_bias(const struct assembly *a, const struct elf_file *elf, size_t range)
{
	const struct file_range *files = a->notes->files;
	const struct elf_file_segment *first = &elf->segments[0];
	const struct elf_file_segment *last = &elf->segments[elf->segment_count - 1];
	addr_t lowest = files[range].start;

	if (!elf->position_independent)
		return 0;
	for (size_t i = range; i-- > 0 && strcmp(files[i].path, files[range].path) == 0;) {
		if (files[range].start - files[i].start > last->vaddr - first->vaddr)
			break;
		if (files[i].offset == page_down(a, first->offset))
			lowest = files[i].start;
	}
	return lowest - page_down(a, first->vaddr);
}

/*
 * The protection of the ELF segment that the page at ADDR of file range RANGE belongs to.  Two
 * segments may share a page of the file; then the address decides.
 */
static uint32_t lost_prot(struct assembly *a, size_t range, addr_t addr)
{
	const struct file_range *f = &a->notes->files[range];
	const struct elf_file *elf = f->deleted ? NULL : elf_of(a, f->path);
	uint64_t offset = f->offset + (addr - f->start);
	/* A read-only data file crashed programs that had mapped it for writing; so both. */
	uint32_t prot = PROT_READ | PROT_WRITE;
	bool found = false;

	if (!elf || !elf->segment_count)
		return prot;
	addr_t bias = load_bias(a, elf, range);

	for (size_t i = 0; i < elf->segment_count; i++) {
		const struct elf_file_segment *s = &elf->segments[i];

		if (!segment_covers(a, s, offset))
			continue;
		bool here = bias + page_down(a, s->vaddr) <= addr &&
			    addr < bias + page_up(a, s->vaddr + s->filesz);
		if (here || !found)
			prot = s->prot;
		if (here)
			break;
		found = true;
	}
	return prot;
}

/* ---- Pieces ----------------------------------------------------------------------------- */

static void from_file(struct mapping *m, const struct file_range *f)
{
	m->path = f->path;
	m->file_offset = f->offset + (m->start - f->start);
	m->deleted = f->deleted;
	/* These two exist only as shared mappings; of the others a core does not tell. */
	m->shared = f->deleted && (strcmp(f->path, "/dev/zero") == 0 ||
				   strncmp(f->path, "/SYSV", 5) == 0);
}

/* Of what is not in the core. */
static enum bytes bytes_of(const struct mapping *m)
{
	if (!m->path)
		return BYTES_ZERO;
	if (m->deleted)
		return BYTES_MISSING;
	return strcmp(m->path, "/dev/zero") == 0 ? BYTES_ZERO : BYTES_FILE;
}

/* Adds [start, end), which lies in the segment S and in the file range F or in one of them. */
static int add_piece(struct assembly *a, addr_t start, addr_t end, const struct core_segment *s,
		     const struct file_range *f, struct error *err)
{
	struct mapping *m = process_add_mapping(a->p);

	if (!m)
		return error_sys(err, ENOMEM, "%s", a->p->source);
	m->start = start;
	m->end = end;
	m->prot_known = s;
	m->prot = s ? s->prot : lost_prot(a, (size_t)(f - a->notes->files), start);
	if (f)
		from_file(m, f);
	if (s && start - s->start < s->filesz) {
		m->bytes = BYTES_SAVED;
		m->core_offset = s->offset + (start - s->start);
	} else {
		m->bytes = bytes_of(m);
	}
	return 0;
}

static addr_t lower(addr_t x, addr_t y)
{
	return x < y ? x : y;
}

/* Goes up the address space once, through segments and file ranges together. */
static int add_pieces(struct assembly *a, struct error *err)
{
	const struct core_segment *s = a->segments, *last_s = s + a->segment_count;
	const struct file_range *f = a->notes->files, *last_f = f ? f + a->notes->file_count : f;
	addr_t at = 0;

	for (;;) {
		while (s < last_s && s->end <= at)
			s++;
		while (f < last_f && f->end <= at)
			f++;
		bool in_s = s < last_s && s->start <= at;
		bool in_f = f < last_f && f->start <= at;
		addr_t next = UINT64_MAX;

		if (in_s)
			next = at - s->start < s->filesz ? s->start + s->filesz : s->end;
		else if (s < last_s)
			next = s->start;
		if (in_f)
			next = lower(next, f->end);
		else if (f < last_f)
			next = lower(next, f->start);
		if (next == UINT64_MAX)
			return 0;
		if ((in_s || in_f) &&
		    add_piece(a, at, next, in_s ? s : NULL, in_f ? f : NULL, err) < 0)
			return -1;
		at = next;
	}
}

static int by_start(const void *a, const void *b)
{
	const struct core_segment *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

int core_mappings(struct process *p, struct core_segment *segments, size_t n,
		  const struct core_notes *notes, struct error *err)
{
	struct assembly a = {
		.p = p, .segments = segments, .segment_count = n, .notes = notes,
	};

	if (n)
		qsort(segments, n, sizeof *segments, by_start);
	for (size_t i = 1; i < n; i++)
		if (segments[i].start < segments[i - 1].end)
			return error_set(err, EINVAL, "%s: damaged: its segments at %#lx and %#lx "
					 "overlap; dump the process again", p->source,
					 segments[i - 1].start, segments[i].start);
	return add_pieces(&a, err);
}

/* ---- Labels ----------------------------------------------------------------------------- */

static struct mapping *mapping_at(struct process *p, addr_t addr)
{
	const struct mapping *m = addr ? process_mapping_at(p, addr) : NULL;

	return m ? &p->mappings[m - p->mappings] : NULL;
}

static void label_stack(struct process *p)
{
	struct mapping *m = mapping_at(p, process_auxv(p, AT_RANDOM, 0));

	if (!m)
		m = mapping_at(p, process_auxv(p, AT_EXECFN, 0));
	if (m && !m->path) {
		m->label = LABEL_STACK;
		m->grows_down = true;
	}
}

/*
 * The kernel maps vvar (and vvar_vclock) right below the vDSO, and dumps them as zeros: their pages
 * are not memory that it could read.
 */
static void label_vdso(struct process *p)
{
	enum { VVAR_PAGES_MAX = 16 };
	struct mapping *vdso = mapping_at(p, process_auxv(p, AT_SYSINFO_EHDR, 0));

	if (!vdso || vdso->path)
		return;
	vdso->label = LABEL_VDSO;
	for (struct mapping *m = vdso; m-- > p->mappings;) {
		if (m->end != m[1].start || m->path || m->prot != PROT_READ ||
		    vdso->start - m->start > VVAR_PAGES_MAX * p->arch->page_size)
			return;
		m->label = LABEL_VVAR;
	}
}

void core_labels(struct process *p)
{
	label_stack(p);
	label_vdso(p);
}
