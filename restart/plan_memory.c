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
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "elf/elf_file.h"
#include "process/arch.h"
#include "restart/lazy.h"
#include "restart/restore.h"
#include "restart/shared.h"
#include "restart/traits.h"
#include "util/cleanup.h"
#include "util/io.h"

/* How one mapping of the model comes back. */
enum source {
	SOURCE_NONE,       /* not restored here: the vdso, or the user said no */
	SOURCE_CORE,       /* mapped from the core: --lazy */
	SOURCE_COPY,       /* anonymous, contents read from the core */
	SOURCE_FILE,       /* mapped from its file */
	SOURCE_ANONYMOUS,  /* zeros */
	SOURCE_SHARED,     /* made before the others: shared.h */
	SOURCE_NAMELESS,   /* mapped from a file that restart has made: shared.h */
};

static bool anonymous_or_gone(const struct mapping *m)
{
	return !m->path || m->deleted;
}

static bool page_aligned(const struct restore *r, uint64_t n)
{
	return n % r->process->arch->page_size == 0;
}

/*
 * The kernel saves the first page of an ELF file's mapping although the file has it (and the check
 * below has found it to be the same): mapping the file keeps one mapping one mapping, and tells the
 * next core where the program is.  A core that has what follows too does not need the file.
 */
static bool is_saved_header(const struct restore *r, const struct mapping *m)
{
	const struct process *p = r->process;
	const struct mapping *next = m + 1;

	return !r->whole && m->bytes == BYTES_SAVED && !anonymous_or_gone(m) && !m->shared &&
	       !(m->prot & PROT_WRITE) && m->file_offset == 0 &&
	       m->end - m->start == p->arch->page_size &&
	       ((next < p->mappings + p->mapping_count && next->bytes == BYTES_FILE && next->path &&
		 strcmp(next->path, m->path) == 0) ||
		access(m->path, R_OK) == 0);
}

static enum source source_of(const struct restore *r, size_t index)
{
	const struct mapping *m = &r->process->mappings[index];

	if (m->label == LABEL_VVAR || m->label == LABEL_VSYSCALL)
		return SOURCE_NONE;
	if (m->label == LABEL_VDSO)
		return SOURCE_NONE;
	if (is_view(r, m) || is_segment(r, m))
		return SOURCE_SHARED;
	if (is_mapped_nameless(r, m))
		return SOURCE_NAMELESS;
	switch (m->bytes) {
	case BYTES_FILE:
		return SOURCE_FILE;
	case BYTES_ZERO:
	case BYTES_MISSING:
		return SOURCE_ANONYMOUS;
	case BYTES_SAVED:
		if (m->shared)
			return anonymous_or_gone(m) || access(m->path, F_OK) < 0 ? SOURCE_COPY :
			       SOURCE_FILE;
		if (is_saved_header(r, m))
			return SOURCE_FILE;
		/* A stack that grows must be anonymous in any case. */
		if (!r->lazy || !page_aligned(r, m->core_offset) || m->grows_down ||
		    trait_needs_anonymous(trait_of(r, m)) || m->label == LABEL_STACK ||
		    (m->prot & PROT_EXEC && r->core_noexec))
			return SOURCE_COPY;
		return SOURCE_CORE;
	}
	return SOURCE_NONE;
}

/* ---- Checks ---------------------------------------------------------------------------------- */

/* The mapping of M's file, at or below M, that begins at the file's first byte; or NULL. */
static const struct mapping *base_of(const struct process *p, const struct mapping *m)
{
	const char *path = m->path;

	for (; m >= p->mappings && m->path && strcmp(m->path, path) == 0; m--)
		if (m->file_offset == 0)
			return m;
	return NULL;
}

/* Without a build-ID, the page that the core kept tells. */
static void check_header(const struct restore *r, struct findings *f, const struct mapping *m)
{
	size_t size = m->end - m->start;
	cleanup_free char *then = calloc(2, size);
	cleanup_fd int fd = open(m->path, O_RDONLY | O_CLOEXEC);
	struct error err;

	if (!then || fd < 0 || process_read(r->process, m->start, then, size, &err) < 0 ||
	    pread_full(fd, then + size, size, 0) < 0 || memcmp(then, then + size, size) != 0)
		findings_add(f, OBSTACLE, "%s was replaced since the core was made: its first page "
			     "differs (put the old file back, or name it with --map OLD=NEW)",
			     m->path);
}

/*
 * A file that stands in for dumped memory must be the file of then: it has the same build-ID where
 * the core kept it.
 */
static void check_identity(const struct restore *r, struct findings *f, const struct mapping *m,
			   const struct stat *st)
{
	const struct mapping *base = base_of(r->process, m);
	const struct timespec *when = &r->process->when;
	struct arena arena = { 0 };
	struct build_id old = { 0 };
	struct elf_file file;
	struct error err;

	if (base)
		elf_mapped_build_id(r->process, base->start, &old);
	if (!old.size && base && is_saved_header(r, base)) {
		check_header(r, f, base);
	} else if (!old.size) {
		if (!m->shared && when->tv_sec && st->st_mtim.tv_sec > when->tv_sec)
			findings_add(f, LOSS, "%s was modified after the core was made, and the "
				     "core cannot tell whether its contents still fit", m->path);
	} else if (elf_file_read(&file, &arena, m->path, &err) < 0 ||
		   file.build_id.size != old.size ||
		   memcmp(file.build_id.bytes, old.bytes, old.size) != 0) {
		findings_add(f, OBSTACLE, "%s was replaced since the core was made: its build-ID "
			     "differs (put the old file back, or name it with --map OLD=NEW)",
			     m->path);
	}
	arena_free(&arena);
}

/* Returns whether the file can be used at all. */
static bool check_file(const struct restore *r, struct findings *f, const struct mapping *m)
{
	int need = m->shared && m->prot & PROT_WRITE ? R_OK | W_OK : R_OK;
	struct stat st;

	if (stat(m->path, &st) < 0) {
		findings_add(f, OBSTACLE, "%s was mapped into the process and is not here: %s (put "
			     "it back, or say where it is with --map OLD=NEW)", m->path,
			     strerror(errno));
		return false;
	}
	if (faccessat(AT_FDCWD, m->path, need, AT_EACCESS) < 0) {
		findings_add(f, OBSTACLE, "%s was mapped into the process and may not be %s: %s "
			     "(allow it, or name a copy with --map OLD=NEW)", m->path,
			     need & W_OK ? "written" : "read", strerror(errno));
		return false;
	}
	if (m->path != r->program)  /* which check_program() has compared */
		check_identity(r, f, m, &st);
	return true;
}

/* The kernel maps what lies behind the end of a file, but kills who touches it. */
static void check_size(struct findings *f, const struct mapping *m)
{
	struct stat st;

	if (stat(m->path, &st) == 0 && S_ISREG(st.st_mode) &&
	    (uint64_t)st.st_size <= m->file_offset)
		findings_add(f, OBSTACLE, "%s is shorter than what the process had mapped of it "
			     "(at offset %llu): put the old file back, or name it with --map "
			     "OLD=NEW",
			     m->path, (unsigned long long)m->file_offset);
}

void check_memory(const struct restore *r, struct findings *f)
{
	const struct process *p = r->process;
	const char *checked = NULL;
	bool usable = false;

	for (size_t i = 0; i < p->mapping_count; i++) {
		const struct mapping *m = &p->mappings[i];
		enum source source = source_of(r, i);

		if (source == SOURCE_FILE) {
			if (!checked || strcmp(checked, m->path) != 0)
				usable = check_file(r, f, m);
			checked = m->path;
			if (usable)
				check_size(f, m);
		}
		if (source == SOURCE_COPY && m->shared && !anonymous_or_gone(m))
			findings_add(f, LOSS, "%s was mapped into the process and is not here: its "
				     "contents of then are in memory, apart from any file",
				     m->path);
		if (m->deleted && m->path && strcmp(m->path, "/[aio]") == 0)
			findings_add_loss(f, "memory at %llx-%llx was the ring of io_setup(), "
					  "whose requests are lost, and would be ordinary memory",
					  (unsigned long long)m->start, (unsigned long long)m->end);
		if (m->bytes == BYTES_MISSING &&
		    (source == SOURCE_ANONYMOUS || (source == SOURCE_SHARED && !views_cover(r, m))))
			findings_add_loss(f, "memory at %llx-%llx%s%s is not in the core and would "
					  "be zeros", (unsigned long long)m->start,
					  (unsigned long long)m->end, m->path ? " of " : "",
					  m->path ? m->path : "");
	}
}

/* ---- The plan -------------------------------------------------------------------------------- */

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
}

static void plan_copy(const struct restore *r, struct plan *plan, const struct mapping *m)
{
	unsigned flags = m->grows_down ? MAP_ANONYMOUS | MAP_GROWSDOWN : MAP_ANONYMOUS;
	uint32_t writable = PROT_READ | PROT_WRITE;

	plan_map(r, plan, m, m->end, writable, flags, (uint64_t)-1, 0, 0);
	plan_read(r, plan, m, m->start);
	if (m->prot != writable)
		plan_syscall(plan, 0, SYS_mprotect, m->start, m->end - m->start, m->prot);
}

static void plan_copy_part(const struct restore *r, struct plan *plan, const struct mapping *m,
			   addr_t start, addr_t end)
{
	struct mapping part = *m;

	if (start == end)
		return;
	part.start = start;
	part.end = end;
	part.core_offset += start - m->start;
	plan_copy(r, plan, &part);
}

/* vm.max_map_count is 65530 as a rule; what could exceed it is copied whole. */
enum { MANY_MAPPINGS = 20000 };

struct laziness {
	size_t mappings;  /* there will be so many */
	size_t pages;     /* that may be searched */
};

/* M up to END, which the core has in one piece. */
static void plan_from_core(const struct restore *r, struct plan *plan, const struct mapping *m,
			   addr_t end, struct laziness *lazy)
{
	addr_t copied = m->start;

	for (addr_t at = m->start; at < end && lazy->mappings < MANY_MAPPINGS;) {
		struct lazy_part part = lazy_part_at(r, m, at, end, &lazy->pages);
		struct mapping mapped = *m;

		at = part.end;
		if (part.copied == part.end)
			continue;
		plan_copy_part(r, plan, m, copied, part.copied);
		mapped.start = part.copied;
		plan_map(r, plan, &mapped, part.end, m->prot, 0, (uint64_t)(r->fd_base + LENT_CORE),
			 m->core_offset + (part.copied - m->start), 0);
		copied = part.end;
		lazy->mappings += 2;
	}
	plan_copy_part(r, plan, m, copied, end);
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
			plan_from_core(r, plan, m, end, &lazy);
			break;
		case SOURCE_COPY:
			plan_copy(r, plan, m);
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
	plan_traits(r, plan);
	if (plan->failed)
		return error_set(err, ENOMEM, "not enough memory to plan %zu mappings",
				 r->process->mapping_count);
	return 0;
}
