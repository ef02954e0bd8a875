/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Completing the model with what a core file leaves to be inferred: the heap and the break, where
 * code, data, arguments and environment are, and a place for the bootstrap.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <linux/auxvec.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>

#include "elf/elf_file.h"
#include "process/arch.h"
#include "restart/restore.h"
#include "util/cleanup.h"

static addr_t page_up(const struct process *p, addr_t a)
{
	return (a + p->arch->page_size - 1) & ~(p->arch->page_size - 1);
}

/* ---- The program's segments: code, data, end of bss ------------------------------------------ */

struct program_span {
	addr_t start_code, end_code, start_data, end_data, end;
	addr_t bias;  /* of its addresses in memory against those in its file */
};

static bool find_program(const struct process *p, struct program_span *span)
{
	struct arena arena = { 0 };
	struct elf_file file;
	struct error err;
	bool found = false;

	memset(span, 0, sizeof *span);
	if (p->exe && elf_file_read(&file, &arena, p->exe, &err) == 0) {
		addr_t bias = process_auxv(p, AT_ENTRY, 0) - file.entry;

		span->bias = bias;
		for (size_t i = 0; i < file.segment_count; i++) {
			const struct elf_file_segment *s = &file.segments[i];
			addr_t start = bias + s->vaddr;

			if (s->prot & PROT_EXEC) {
				span->start_code = start;
				span->end_code = start + s->filesz;
			}
			if (s->prot & PROT_WRITE) {
				span->start_data = start;
				span->end_data = start + s->filesz;
			}
			if (start + s->memsz > span->end)
				span->end = start + s->memsz;
			found = true;
		}
	}
	arena_free(&arena);
	return found;
}

/* ---- The heap -------------------------------------------------------------------------------- */

static bool is_anonymous_data(const struct mapping *m)
{
	return !m->path && !m->shared && (m->prot & PROT_WRITE) && !m->grows_down &&
	       m->label == LABEL_NONE;
}

static bool read_break(const struct process *p, const char *path, addr_t bias, addr_t *value)
{
	uint64_t symbol, size;
	struct error err;

	return elf_file_symbol(path, "__curbrk", &symbol, &size, &err) == 0 &&
	       process_read(p, bias + symbol, value, sizeof *value, &err) == 0;
}

/* The value of libc's __curbrk, which is the break exactly; or 0.  A static program has its own. */
static addr_t libc_break(const struct process *p, const struct program_span *program)
{
	addr_t value;

	for (size_t i = 0; i < p->mapping_count; i++) {
		const struct mapping *m = &p->mappings[i];
		const char *name = m->path ? strrchr(m->path, '/') : NULL;

		if (name && m->file_offset == 0 && strncmp(name, "/libc.", 6) == 0 &&
		    read_break(p, m->path, m->start, &value))
			return value;
	}
	if (!process_auxv(p, AT_BASE, 0) && p->exe && read_break(p, p->exe, program->bias, &value))
		return value;
	return 0;
}

enum { RANDOM_DISTANCE = 1 << 30 };  /* arch_randomize_brk() stays below */

/*
 * The mapping that ends at the EXACT break; without that, the first anonymous writable one from LOW
 * on that is below the libraries; or NULL.
 */
static struct mapping *heap_above(struct process *p, addr_t low, addr_t exact)
{
	for (size_t i = 0; i < p->mapping_count; i++) {
		struct mapping *m = &p->mappings[i];

		if (m->end <= low || (!exact && m->start > low + RANDOM_DISTANCE))
			continue;
		if (exact ? exact > m->start && exact <= m->end : is_anonymous_data(m))
			return m;
		if (m->path && m->start >= low && !exact)
			return NULL;
	}
	return NULL;
}

/*
 * The heap begins at the end of the program's bss, or a random distance above it.  That of a static
 * position-independent program is far from it, where the kernel loads those that have an
 * interpreter (fs/binfmt_elf.c, load_elf_binary(): ELF_ET_DYN_BASE).
 */
static void find_heap(struct process *p, const struct program_span *program)
{
	addr_t low = page_up(p, program->end), exact = libc_break(p, program);
	addr_t apart =
		(p->arch->address_limit - p->arch->page_size) / 3 * 2 & ~(p->arch->page_size - 1);
	struct mapping *heap = NULL;

	if (p->have & HAVE_BRK || !(program->end || exact))
		return;
	if (program->bias && !process_auxv(p, AT_BASE, 0))
		heap = heap_above(p, apart, exact);
	if (heap)
		low = apart;
	else
		heap = heap_above(p, low, exact);
	if (!heap || !is_anonymous_data(heap)) {
		/*
		 * gdb leaves out a heap that was never written:
		 * the break's own page is to be had anew.
		 */
		p->start_brk = p->brk = exact ? exact & ~(p->arch->page_size - 1) : low;
		return;
	}
	p->start_brk = heap->start > low ? heap->start : low;
	p->brk = exact ? exact : heap->end;
	if (heap->start >= low)
		heap->label = LABEL_HEAP;
}

/* ---- Arguments and environment --------------------------------------------------------------- */

/* Searches the stack for the auxiliary vector; returns its address, or 0. */
static addr_t find_auxv(const struct process *p, const uint8_t *stack, size_t len, addr_t start)
{
	/* AT_PHDR and what follows never change, and stand at 8-byte boundaries. */
	for (size_t at = len & ~(size_t)7; at >= p->auxv_size + 8; at -= 8)
		if (memcmp(stack + at - p->auxv_size, p->auxv, p->auxv_size) == 0)
			return start + at - p->auxv_size;
	return 0;
}

static uint64_t word(const uint8_t *stack, size_t at)
{
	uint64_t value;

	memcpy(&value, stack + at, sizeof value);
	return value;
}

/*
 * Below the auxiliary vector stand a null, the environment's pointers, a null, the arguments'
 * pointers and their count.  Walks back over them.
 */
static void walk_back(struct process *p, const uint8_t *stack, size_t len, addr_t start, size_t at)
{
	size_t env_end = at - 8, env = env_end, args, first;

	while (env >= 8 && word(stack, env - 8) != 0)
		env -= 8;
	if (env < 16)
		return;
	args = first = env - 8;
	while (first >= 8 && word(stack, first - 8) != (args - first) / 8)
		first -= 8;
	if (first < 8 || first == args)
		return;
	p->mm.start_stack = start + first - 8;
	p->mm.arg_start = word(stack, first);
	p->mm.env_start = env < env_end ? word(stack, env) : 0;
	if (p->mm.arg_start < start || p->mm.arg_start >= start + len)
		p->mm.arg_start = 0;
	if (p->mm.env_start < p->mm.arg_start || p->mm.env_start >= start + len)
		p->mm.env_start = 0;
	if (!p->mm.arg_start)
		return;

	/* The strings stand one behind the other: arguments, then environment. */
	uint64_t last_arg = word(stack, args - 8);
	p->mm.arg_end = p->mm.env_start;
	if (!p->mm.arg_end && last_arg >= start && last_arg < start + len)
		p->mm.arg_end = last_arg + strnlen((const char *)stack + (last_arg - start),
						   start + len - last_arg) + 1;
	p->mm.env_end = p->mm.env_start;
	if (env < env_end) {
		uint64_t last = word(stack, env_end - 8);

		if (last >= p->mm.env_start && last < start + len)
			p->mm.env_end = last + strnlen((const char *)stack + (last - start),
						       start + len - last) + 1;
	}
}

static void find_arguments(struct process *p)
{
	enum { MOST = 4 << 20 };  /* arguments and environment are at the top; they may be long */
	addr_t random = process_auxv(p, AT_RANDOM, 0);
	const struct mapping *m = random ? process_mapping_at(p, random) : NULL;
	struct error err;

	if (!m || !p->auxv_size)
		return;
	size_t len = m->end - m->start < MOST ? m->end - m->start : MOST;
	addr_t start = m->end - len;
	cleanup_free uint8_t *stack = malloc(len);

	if (!stack || process_read(p, start, stack, len, &err) < 0)
		return;
	addr_t auxv = find_auxv(p, stack, len, start);
	if (auxv && auxv - start >= 32)
		walk_back(p, stack, len, start, auxv - start);
}

/* ---- The program under another name ---------------------------------------------------------- */

/*
 * PROG as the user typed it stands for the core's program in memory too, wherever that was or
 * whether it is still there; check_program() sees to it that it is the same.
 */
static void use_program(struct restore *r)
{
	struct process *p = r->process;

	if (!r->options->program || !r->program || !p->exe)
		return;
	for (size_t i = 0; i < p->mapping_count; i++) {
		struct mapping *m = &p->mappings[i];

		if (!m->path || strcmp(m->path, p->exe) != 0)
			continue;
		m->path = r->program;
		m->deleted = false;
		if (m->bytes == BYTES_MISSING)
			m->bytes = BYTES_FILE;
	}
	r->core_exe = p->exe;
	p->exe = r->program;
}

/* ---- The bootstrap's place ------------------------------------------------------------------- */

static bool is_free(const struct process *p, addr_t start, addr_t end)
{
	for (size_t i = 0; i < p->mapping_count; i++)
		if (p->mappings[i].start < end && start < p->mappings[i].end)
			return false;
	return true;
}

/* Free in restart too, which may have to become the new process itself. */
static bool is_free_here(addr_t area)
{
	void *probe =
		mmap((void *)area, AREA_SIZE, PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);

	if (probe == MAP_FAILED)
		return errno == ENOMEM;  /* a limit, which check_limits() knows more of */
	munmap(probe, AREA_SIZE);
	return probe == (void *)area;  /* a kernel without the last flag takes it for a hint */
}

/*
 * Addresses near 1 TiB, or another power of two, are used neither by the kernel's placing of
 * mappings nor by most programs; a wide margin leaves room for what grows.
 */
static int choose_area(struct restore *r, struct error *err)
{
	const addr_t margin = (addr_t)4 << 30;

	for (int shift = 40; shift < 46; shift++) {
		addr_t area = (addr_t)1 << shift;

		if (is_free(r->process, area - margin, area + AREA_SIZE + margin) &&
		    is_free_here(area)) {
			r->area = area;
			return 0;
		}
	}
	for (addr_t area = margin; area < r->process->arch->address_limit / 2; area += margin) {
		if (is_free(r->process, area - AREA_SIZE, area + 2 * AREA_SIZE) &&
		    is_free_here(area)) {
			r->area = area;
			return 0;
		}
	}
	return error_set(err, EADDRINUSE, "%s: the process leaves no gap of 3 GiB in its address "
			 "space for the bootstrap", r->process->source);
}

int restore_prepare(struct restore *r, struct error *err)
{
	struct process *p = r->process;
	struct program_span program;
	struct statvfs fs;

	r->whole = core_is_embedded(r->core);
	leftover_drop(r);
	use_program(r);
	if (find_program(p, &program) && !(p->have & HAVE_MM)) {
		p->mm.start_code = program.start_code;
		p->mm.end_code = program.end_code;
		p->mm.start_data = program.start_data;
		p->mm.end_data = program.end_data;
	}
	find_heap(p, &program);
	if (!(p->have & HAVE_MM))
		find_arguments(p);
	complete_handlers(p);
	libc_layout_find(&r->libc, p);
	r->core_noexec = fstatvfs(core_fd(r->core), &fs) == 0 && fs.f_flag & ST_NOEXEC;
	return choose_area(r, err);
}
