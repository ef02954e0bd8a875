/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The program holds addresses inside the vdso it was started with (libc caches them), so code must
 * stand there again.  When this kernel's vdso is the same, it is moved to the old place together
 * with its data pages.  Otherwise the old code is put back, and each of its entry points is
 * overwritten with a jump to the function of the same name in the new vdso, which stays elsewhere:
 * the old code over data pages that no kernel fills would fall back to slow system calls or, where
 * the data pages are absent, crash.
 */
#define _GNU_SOURCE
#include "restart/vdso.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "process/arch.h"
#include "process/procfs.h"
#include "util/cleanup.h"

enum { VDSO_MAX = 64 * 1024 };

/* Our own vdso is that of every process on this kernel. */
static const uint8_t *host_vdso(void)
{
	return (const uint8_t *)getauxval(AT_SYSINFO_EHDR);
}

static void find_own(struct vdso_place *place, const struct process *self)
{
	memset(place, 0, sizeof *place);
	for (size_t i = 0; i < self->mapping_count; i++) {
		const struct mapping *m = &self->mappings[i];

		if ((m->label != LABEL_VVAR && m->label != LABEL_VDSO) ||
		    place->count == VDSO_PARTS)
			continue;
		place->parts[place->count].start = m->start;
		place->parts[place->count].end = m->end;
		place->count++;
	}
}

int vdso_here(struct vdso_place *place, addr_t vdso, struct error *err)
{
	struct process self;

	process_init(&self);
	if (procfs_read_mappings(&self, 0, err) < 0) {
		process_free(&self);
		return -1;
	}
	find_own(place, &self);
	process_free(&self);
	if (!place->count || place->parts[place->count - 1].start != (addr_t)host_vdso())
		return error_set(err, ENOTSUP, "this kernel gives processes no vdso");
	addr_t distance = vdso - (addr_t)host_vdso();
	for (size_t i = 0; i < place->count; i++) {
		place->parts[i].start += distance;
		place->parts[i].end += distance;
	}
	return 0;
}

/* ---- The vdso of the core -------------------------------------------------------------------- */

static const struct mapping *old_vdso(const struct process *p)
{
	addr_t start = process_auxv(p, AT_SYSINFO_EHDR, 0);
	const struct mapping *m = start ? process_mapping_at(p, start) : NULL;

	return m && m->start == start && m->bytes == BYTES_SAVED && m->end - m->start <= VDSO_MAX
		       ? m
		       : NULL;
}

static bool same_code(const struct process *p, const struct mapping *m, size_t size)
{
	cleanup_free uint8_t *old = malloc(size);
	struct error err;

	return old && host_vdso() && process_read(p, m->start, old, size, &err) == 0 &&
	       memcmp(old, host_vdso(), size) == 0;
}

/* The same kernel gave the old process the same layout. */
void vdso_here_by_core(struct restore *r)
{
	const struct process *p = r->process;
	const struct mapping *vdso = old_vdso(p), *first = vdso;
	struct vdso_place *v = &r->vdso;
	addr_t distance;

	v->count = 0;
	if (!vdso || !same_code(p, vdso, vdso->end - vdso->start))
		return;
	distance = (addr_t)host_vdso() - vdso->start;
	while (first > p->mappings && first[-1].label == LABEL_VVAR &&
	       first[-1].end == first->start && vdso - first < VDSO_PARTS - 1)
		first--;
	for (; first <= vdso; first++, v->count++) {
		v->parts[v->count].start = first->start + distance;
		v->parts[v->count].end = first->end + distance;
	}
}

/* ---- A vdso image in memory: its dynamic symbols --------------------------------------------- */

struct image {
	const uint8_t *bytes;
	size_t size;
	const Elf64_Sym *symbols;
	size_t symbol_count;
	const char *strings;
	size_t strings_size;
};

static const void *at(const struct image *v, uint64_t offset, uint64_t len)
{
	return offset <= v->size && len <= v->size - offset ? v->bytes + offset : NULL;
}

/* Finds the dynamic symbols through the section headers, which every vdso has had. */
static bool image_open(struct image *v, const uint8_t *bytes, size_t size)
{
	*v = (struct image){ .bytes = bytes, .size = size };
	const Elf64_Ehdr *ehdr = at(v, 0, sizeof *ehdr);

	if (!ehdr || memcmp(ehdr->e_ident, ELFMAG, SELFMAG) != 0)
		return false;
	for (unsigned i = 0; i < ehdr->e_shnum; i++) {
		const Elf64_Shdr *shdr = at(v, ehdr->e_shoff + i * sizeof *shdr, sizeof *shdr);

		if (!shdr)
			return false;
		if (shdr->sh_type != SHT_DYNSYM)
			continue;
		const Elf64_Shdr *strtab =
			at(v, ehdr->e_shoff + shdr->sh_link * sizeof *strtab, sizeof *strtab);
		if (!strtab || !(v->symbols = at(v, shdr->sh_offset, shdr->sh_size)) ||
		    !(v->strings = at(v, strtab->sh_offset, strtab->sh_size)))
			return false;
		v->symbol_count = shdr->sh_size / sizeof *v->symbols;
		v->strings_size = strtab->sh_size;
		return v->strings_size && !v->strings[v->strings_size - 1];
	}
	return false;
}

static const char *symbol_name(const struct image *v, const Elf64_Sym *symbol)
{
	return symbol->st_name < v->strings_size ? v->strings + symbol->st_name : "";
}

static const Elf64_Sym *image_function(const struct image *v, const char *name)
{
	for (size_t i = 0; i < v->symbol_count; i++)
		if (v->symbols[i].st_shndx != SHN_UNDEF && v->symbols[i].st_value < v->size &&
		    strcmp(symbol_name(v, &v->symbols[i]), name) == 0)
			return &v->symbols[i];
	return NULL;
}

/* ---- Comparing ------------------------------------------------------------------------------- */

/* The data pages below the old vdso, when the core has them (gdb's have not), must match too. */
static bool same_data_layout(const struct restore *r, const struct mapping *vdso)
{
	const struct vdso_place *v = &r->vdso;
	addr_t below = v->parts[v->count - 1].start - v->parts[0].start;
	addr_t old_below = 0;

	for (const struct mapping *m = vdso; m > r->process->mappings; m--) {
		if (m[-1].label != LABEL_VVAR || m[-1].end != m->start)
			break;
		old_below += m[-1].end - m[-1].start;
	}
	return old_below == 0 || old_below == below;
}

bool vdso_same(const struct restore *r)
{
	const struct mapping *m = old_vdso(r->process);
	const struct vdso_place *v = &r->vdso;

	if (!m || !v->count || !host_vdso())
		return false;
	size_t size = v->parts[v->count - 1].end - v->parts[v->count - 1].start;
	return m->end - m->start == size && same_data_layout(r, m) &&
	       same_code(r->process, m, size);
}

/* ---- The plan -------------------------------------------------------------------------------- */

addr_t vdso_syscall_offset(void)
{
	const uint8_t *vdso = host_vdso();
	const Elf64_Ehdr *ehdr = (const Elf64_Ehdr *)vdso;
	const uint8_t *code = vdso ? memmem(vdso, ehdr->e_shoff, "\x0f\x05", 2) : NULL;

	return code ? (addr_t)(code - vdso) : 0;
}

/* From where it is parked, so that [vdso] itself comes to stand at TO. */
static void plan_move(const struct restore *r, struct plan *plan, addr_t to)
{
	const struct vdso_place *v = &r->vdso;
	addr_t first = v->parts[0].start, vdso = v->parts[v->count - 1].start;

	for (size_t i = 0; i < v->count; i++) {
		addr_t len = v->parts[i].end - v->parts[i].start;
		addr_t from = r->area + AREA_PARKED + (v->parts[i].start - first);
		addr_t place = to - (vdso - v->parts[i].start);

		plan_syscall(plan, OP_EXPECT, SYS_mremap, from, len, len,
			     MREMAP_MAYMOVE | MREMAP_FIXED, place)->expect = place;
		plan_note(plan, i + 1 == v->count ? "[vdso]" : "[vvar]");
	}
	addr_t offset = vdso_syscall_offset();
	plan->syscall_at = offset ? to + offset : 0;
}

/* A gap of LEN bytes between the old mappings, away from the heap and below the stack. */
static addr_t find_gap(const struct restore *r, addr_t len)
{
	const struct process *p = r->process;
	addr_t margin = 1 << 20;

	for (size_t i = p->mapping_count; i-- > 1;) {
		addr_t low = p->mappings[i - 1].end, high = p->mappings[i].start;

		if (p->mappings[i].grows_down || high - low < len + 2 * margin ||
		    p->mappings[i - 1].label == LABEL_HEAP)
			continue;
		addr_t place = (high - margin - len) & ~(r->process->arch->page_size - 1);
		if (place >= r->area + AREA_SIZE || place + len <= r->area)
			return place;
	}
	return 0;
}

enum { JUMP_SIZE = 12 };

/* movabs $to, %rax; jmp *%rax */
static void write_jump(uint8_t *where, addr_t to)
{
	static const uint8_t code[JUMP_SIZE] = { 0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xe0 };

	memcpy(where, code, sizeof code);
	memcpy(where + 2, &to, sizeof to);
}

/* mov $-ENOSYS, %rax; ret: upon which libc makes the system call itself. */
static void write_enosys(uint8_t *where)
{
	static const uint8_t code[] = { 0x48, 0xc7, 0xc0, 0xda, 0xff, 0xff, 0xff, 0xc3 };

	memcpy(where, code, sizeof code);
}

static int patch(uint8_t *old, size_t old_size, size_t new_size, addr_t new_place,
		 struct error *err)
{
	struct image from, to = { 0 };

	if (!image_open(&from, old, old_size) ||
	    (new_size && !image_open(&to, host_vdso(), new_size)))
		return error_set(err, EINVAL, "the vdso in the core cannot be understood");
	for (size_t i = 0; i < from.symbol_count; i++) {
		const Elf64_Sym *s = &from.symbols[i];
		const Elf64_Sym *now;

		if (ELF64_ST_TYPE(s->st_info) != STT_FUNC || s->st_size < JUMP_SIZE ||
		    s->st_value > old_size - JUMP_SIZE)
			continue;
		now = image_function(&to, symbol_name(&from, s));
		if (now)
			write_jump(old + s->st_value, new_place + now->st_value);
		else
			write_enosys(old + s->st_value);
	}
	return 0;
}

static int plan_patched(const struct restore *r, struct plan *plan, const struct mapping *m,
			struct error *err)
{
	const struct vdso_place *v = &r->vdso;
	const size_t last = v->count ? v->count - 1 : 0;
	addr_t below = v->parts[last].start - v->parts[0].start;
	addr_t new_size = v->parts[last].end - v->parts[last].start;
	addr_t gap = v->count ? find_gap(r, below + new_size) : 0;
	size_t size = m->end - m->start;
	cleanup_free uint8_t *old = malloc(size);

	if (v->count && !gap)
		return error_set(err, ENOMEM,
				 "no room in the address space for this kernel's vdso");
	if (!old)
		return error_set(err, ENOMEM, "not enough memory");
	if (process_read(r->process, m->start, old, size, err) < 0 ||
	    patch(old, size, new_size, gap + below, err) < 0)
		return -1;
	plan_syscall(plan, OP_EXPECT, SYS_mmap, m->start, size, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1)->expect = m->start;
	plan_note(plan, "the old vdso, leading to the new one");
	struct plan_op *op = plan_add(plan, OP_COPY, 0);
	op->args[0] = m->start;
	op->args[2] = size;
	addr_t data = plan_data(plan, old, size);
	plan_last(plan)->args[1] = data;
	plan_syscall(plan, 0, SYS_mprotect, m->start, size, PROT_READ | PROT_EXEC);
	if (v->count)
		plan_move(r, plan, gap + below);
	return 0;
}

int plan_vdso(const struct restore *r, struct plan *plan, struct error *err)
{
	const struct mapping *m = old_vdso(r->process);

	if (!m)  /* a process without a vdso runs without one again */
		return 0;
	if (vdso_same(r)) {
		plan_move(r, plan, m->start);
		return 0;
	}
	return plan_patched(r, plan, m, err);
}
