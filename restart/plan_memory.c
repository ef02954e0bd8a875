/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The memory part of the plan: emptying the new address space and building the old one.
 *
 * What the core saved is copied into anonymous memory, after which the core is not needed any more.
 * With --lazy what may be (lazy.h) is mapped from the core instead where its layout allows, so that
 * the time to the first instruction does not grow with the core.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "process/arch.h"
#include "restart/copies.h"
#include "restart/lazy.h"
#include "restart/memory_source.h"
#include "restart/shared.h"
#include "restart/traits.h"

static void plan_park_vdso(const struct restore *r, struct plan *plan)
{
	addr_t first = r->vdso.count ? r->vdso.parts[0].start : 0;

	for (size_t i = 0; i < r->vdso.count; i++) {
		addr_t start = r->vdso.parts[i].start, len = r->vdso.parts[i].end - start;
		addr_t to = r->area + AREA_PARKED + (start - first);

		plan_syscall(plan, OP_EXPECT, SYS_mremap, start, len, len,
			     MREMAP_MAYMOVE | MREMAP_FIXED, to)->expect = to;
		plan_note(plan, "park the vdso");
	}
}

void plan_clear(const struct restore *r, struct plan *plan)
{
	addr_t limit = r->process->arch->address_limit - r->process->arch->page_size;
	addr_t end = r->area + AREA_SIZE;

	plan_park_vdso(r, plan);
	plan_syscall(plan, 0, SYS_munmap, 0, r->area);
	plan_note(plan, "everything below the bootstrap");
	plan_syscall(plan, 0, SYS_munmap, end, limit - end);
	plan_note(plan, "everything above it");
	if (r->process->thread_count > 1) {
		addr_t stacks = r->area + AREA_STACKS;

		plan_syscall(plan, OP_EXPECT, SYS_mmap, stacks,
			     r->process->thread_count * STACK_SIZE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1)
			->expect = stacks;
		plan_note(plan, "stacks of the threads' bootstraps");
	}
}

static void note_mapping(struct plan *plan, const struct mapping *m)
{
	static const char *const labels[] = { "", "[heap]", "[stack]", "[vdso]", "[vvar]", "" };

	if (!m->label && !m->path)
		return;
	plan_note(plan, "%s%s%s", labels[m->label], m->label && m->path ? " " : "",
		  m->path ? m->path : "");
}

static void plan_map(const struct restore *r, struct plan *plan, const struct mapping *m,
		     addr_t end, uint32_t prot, unsigned flags, uint64_t fd, uint64_t offset,
		     unsigned fd_is_result)
{
	unsigned sharing = trait_map_flags(r, m);

	/* Of a file, and of nothing else, the kernel sees by itself that it has huge pages. */
	if (!(flags & MAP_ANONYMOUS))
		sharing &= MAP_PRIVATE | MAP_SHARED | MAP_NORESERVE;
	plan_syscall(plan, OP_EXPECT | fd_is_result, SYS_mmap, m->start, end - m->start, prot,
		     sharing | MAP_FIXED_NOREPLACE | flags, fd, offset)->expect = m->start;
	note_mapping(plan, m);
	plan_page_advice(plan, trait_of(r, m), m->start, end);
}

void plan_read(const struct restore *r, struct plan *plan, const struct mapping *m, addr_t to)
{
	struct plan_op *op = plan_add(plan, OP_READ, 0);

	op->args[0] = (uint64_t)(r->fd_base + LENT_CORE);
	op->args[1] = to;
	op->args[2] = m->end - m->start;
	op->args[3] = m->core_offset;
	/* tmpfs finds a hole by looking at every page up to there, which may be the file's last. */
	op->args[4] = op->args[2] <= SMALL_READ;
}

static void plan_copy(const struct restore *r, struct plan *plan, struct copies *copies,
		      const struct mapping *m)
{
	unsigned flags = m->grows_down ? MAP_ANONYMOUS | MAP_GROWSDOWN : MAP_ANONYMOUS;
	uint32_t writable = PROT_READ | PROT_WRITE;

	plan_map(r, plan, m, m->end, writable, flags, (uint64_t)-1, 0, 0);
	copies_add(r, plan, copies, m);
	if (m->prot != writable)
		plan_syscall(&copies->after, 0, SYS_mprotect, m->start, m->end - m->start, m->prot);
}

static void plan_copy_part(const struct restore *r, struct plan *plan, struct copies *copies,
			   const struct mapping *m, addr_t start, addr_t end)
{
	struct mapping part = *m;

	if (start == end)
		return;
	part.start = start;
	part.end = end;
	part.core_offset += start - m->start;
	plan_copy(r, plan, copies, &part);
}

/* vm.max_map_count is 65530 as a rule; what could exceed it is copied whole. */
enum { MANY_MAPPINGS = 20000 };

struct laziness {
	size_t mappings;  /* there will be so many */
	size_t pages;     /* that may be searched */
};

/* M up to END, which the core has in one piece. */
static void plan_from_core(const struct restore *r, struct plan *plan, struct copies *copies,
			   const struct mapping *m, addr_t end, struct laziness *lazy)
{
	addr_t copied = m->start;

	for (addr_t at = m->start; at < end && lazy->mappings < MANY_MAPPINGS;) {
		struct lazy_part part = lazy_part_at(r, m, at, end, &lazy->pages);
		struct mapping mapped = *m;

		at = part.end;
		if (part.copied == part.end)
			continue;
		plan_copy_part(r, plan, copies, m, copied, part.copied);
		mapped.start = part.copied;
		plan_map(r, plan, &mapped, part.end, m->prot, 0, (uint64_t)(r->fd_base + LENT_CORE),
			 m->core_offset + (part.copied - m->start), 0);
		copied = part.end;
		lazy->mappings += 2;
	}
	plan_copy_part(r, plan, copies, m, copied, end);
}

/* Consecutive mappings of one file share one open: the result register holds the descriptor. */
struct open_file {
	const char *path;
	bool writable;
};

static void plan_close(struct plan *plan, struct open_file *open)
{
	if (open->path)
		plan_syscall(plan, OP_ARG0_IS_RESULT, SYS_close, 0);
	open->path = NULL;
}

/* A shared mapping may be made writable later only if its descriptor is. */
static bool is_writable(const struct restore *r, const struct mapping *m)
{
	if (!m->shared || m->prot & PROT_WRITE)
		return m->shared;
	return r->process->have & HAVE_TRAITS && !(trait_of(r, m)->flags & TRAIT_READONLY) &&
	       faccessat(AT_FDCWD, m->path, R_OK | W_OK, AT_EACCESS) == 0;
}

static void plan_open(const struct restore *r, struct plan *plan, struct open_file *open,
		      const struct mapping *m)
{
	bool writable = is_writable(r, m);

	if (open->path && open->writable == writable && strcmp(open->path, m->path) == 0)
		return;
	plan_close(plan, open);
	plan_syscall(plan, OP_KEEP, SYS_open, plan_string(plan, m->path),
		     (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOCTTY);
	open->path = m->path;
	open->writable = writable;
}

/* The end of the run of mappings from INDEX on that one mmap of their file or of the core makes. */
static size_t end_of_run(const struct restore *r, size_t index, enum source source)
{
	const struct mapping *m = &r->process->mappings[index];
	size_t last = index;

	while (last + 1 < r->process->mapping_count) {
		const struct mapping *a = &r->process->mappings[last], *b = a + 1;

		if (a->end != b->start || a->prot != b->prot || a->shared != b->shared ||
		    a->label != b->label || source_of(r, last + 1) != source ||
		    !trait_same_mapping(trait_of(r, a), trait_of(r, b)))
			break;
		if (source == SOURCE_FILE &&
		    (strcmp(m->path, b->path) != 0 ||
		     b->file_offset != m->file_offset + (b->start - m->start)))
			break;
		if (source == SOURCE_CORE &&
		    b->core_offset != m->core_offset + (b->start - m->start))
			break;
		if (source != SOURCE_FILE && source != SOURCE_CORE)
			break;
		last++;
	}
	return last;
}

/* Whether B goes on where A ends, as a part of the same private mapping of a file. */
static bool is_continued(const struct restore *r, const struct mapping *a, const struct mapping *b)
{
	return a->end == b->start && a->prot == b->prot && !a->shared && !b->shared &&
	       a->label == b->label && !anonymous_or_gone(a) && !anonymous_or_gone(b) &&
	       strcmp(a->path, b->path) == 0 &&
	       b->file_offset == a->file_offset + (b->start - a->start) &&
	       trait_of(r, a) == trait_of(r, b);
}

/*
 * A private mapping of a file, of which some pages were written, in the core or not as each was:
 * the last of its parts from INDEX on, or INDEX itself when it is nothing of the kind.
 */
static size_t end_of_written_file(const struct restore *r, size_t index)
{
	const struct process *p = r->process;
	const struct mapping *m = &p->mappings[index];
	bool clean = false, written = false;
	uint64_t written_end = 0;
	size_t last = index;
	struct stat st;

	for (size_t i = index; i == index || (i < p->mapping_count &&
					      is_continued(r, &m[i - index - 1], &m[i - index]));
	     i++) {
		enum source source = source_of(r, i);

		if (source != SOURCE_FILE && source != SOURCE_COPY && source != SOURCE_CORE)
			break;
		clean |= source == SOURCE_FILE;
		if (source != SOURCE_FILE) {
			written = true;
			written_end = p->mappings[i].file_offset +
				      (p->mappings[i].end - p->mappings[i].start);
		}
		last = i;
	}
	/* What lies behind the end of the file cannot be written. */
	if (m->shared || anonymous_or_gone(m) || !clean || !written || stat(m->path, &st) < 0 ||
	    (uint64_t)st.st_size + p->arch->page_size <= written_end)
		return index;
	return last;
}

/* It is mapped whole, as it was; the program's own pages replace the file's. */
static void plan_written_file(const struct restore *r, struct plan *plan, struct open_file *open,
			      size_t index, size_t last)
{
	const struct mapping *m = &r->process->mappings[index], *end = m + (last - index);
	uint32_t writable = m->prot | PROT_READ | PROT_WRITE;

	plan_open(r, plan, open, m);
	plan_map(r, plan, m, end->end, writable, 0, 0, m->file_offset, OP_ARG0_IS_RESULT << 4);
	for (const struct mapping *part = m; part <= end; part++) {
		if (source_of(r, (size_t)(part - r->process->mappings)) == SOURCE_FILE)
			continue;
		plan_read(r, plan, part, part->start);
		plan_last(plan)->args[4] = 1;
	}
	if (m->prot != writable)
		plan_syscall(plan, 0, SYS_mprotect, m->start, end->end - m->start, m->prot);
}

int plan_memory(const struct restore *r, struct plan *plan, struct error *err)
{
	struct open_file open = { 0 };
	struct laziness lazy = { r->process->mapping_count, LAZY_SEARCHED_PAGES };
	struct copies copies = { 0 };

	plan_segments(r, plan);
	plan_views(r, plan);
	for (size_t i = 0; i < r->process->mapping_count; i++) {
		const struct mapping *m = &r->process->mappings[i];
		enum source source = source_of(r, i);

		if (source == SOURCE_NONE || source == SOURCE_SHARED)
			continue;
		size_t written = end_of_written_file(r, i);
		if (written != i) {
			plan_written_file(r, plan, &open, i, written);
			i = written;
			continue;
		}
		size_t last = end_of_run(r, i, source);
		addr_t end = r->process->mappings[last].end;

		switch (source) {
		case SOURCE_CORE:
			plan_from_core(r, plan, &copies, m, end, &lazy);
			break;
		case SOURCE_COPY:
			plan_copy(r, plan, &copies, m);
			break;
		case SOURCE_NAMELESS:
			plan_close(plan, &open);
			plan_mapped_nameless(r, plan, m);
			break;
		case SOURCE_FILE:
			plan_open(r, plan, &open, m);
			plan_map(r, plan, m, end, m->prot, 0, 0, m->file_offset,
				 OP_ARG0_IS_RESULT << 4);
			break;
		default:
			plan_map(r, plan, m, end, m->prot,
				 m->grows_down ? MAP_ANONYMOUS | MAP_GROWSDOWN : MAP_ANONYMOUS,
				 (uint64_t)-1, 0, 0);
		}
		i = last;
	}
	plan_close(plan, &open);
	plan_copies(r, plan, &copies);
	plan_traits(r, plan);
	if (plan->failed)
		return error_set(err, ENOMEM, "not enough memory to plan %zu mappings",
				 r->process->mapping_count);
	return 0;
}
