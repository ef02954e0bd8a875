/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "ckpt/memory.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ckpt/older.h"
#include "util/io.h"

enum { PAGE = 4096 };

void memory_close(struct memory_source *m)
{
	pages_close(&m->pages);
	early_free(&m->early);
	touched_free(&m->touched);
	free(m->unshared.list);
	free(m->entire.list);
	m->unshared = m->entire = (struct ranges){ 0 };
}

/* ---- Ranges ---------------------------------------------------------------------------------- */

static int ranges_add(struct ranges *r, addr_t start, addr_t end, struct error *err)
{
	if (r->count == r->capacity) {
		size_t capacity = r->capacity ? r->capacity * 2 : 8;
		void *list = realloc(r->list, capacity * sizeof *r->list);

		if (!list)
			return error_set(err, ENOMEM, "not enough memory");
		r->list = list;
		r->capacity = capacity;
	}
	r->list[r->count].start = start;
	r->list[r->count++].end = end;
	return 0;
}

/* The ranges that were added in ascending order. */
static bool ranges_have(const struct ranges *r, addr_t addr)
{
	size_t low = 0, high = r->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (r->list[middle].end <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low < r->count && r->list[low].start <= addr;
}

static bool ranges_touch(const struct ranges *r, addr_t start, addr_t end)
{
	for (size_t i = 0; i < r->count; i++)
		if (start < r->list[i].end && r->list[i].start < end)
			return true;
	return false;
}

/* ---- What a snapshot does not have ----------------------------------------------------------- */

/* memfd_secret(): nobody but the process itself can read it. */
static bool is_secret(const struct mapping *map)
{
	return map->deleted && map->path && strcmp(map->path, "/secretmem") == 0;
}

/*
 * Shared memory that no file can give back; files without a name;
 * the vdso, which is not in the page tables as the process's own.
 */
static bool is_read_early(const struct memory_source *m, const struct mapping *map)
{
	if (map->label == LABEL_VDSO || map->label == LABEL_VVAR || map->label == LABEL_VSYSCALL)
		return map->label == LABEL_VDSO;
	if (is_secret(map))
		return false;
	if (ranges_touch(&m->unshared, map->start, map->end))
		return !map->shared || !map->path || map->deleted;
	return map->path ? map->deleted : map->shared;
}

int memory_find_unshared(struct memory_source *m, const struct process *p, struct error *err)
{
	for (size_t i = 0; i < p->trait_count; i++)
		if (p->traits[i].flags & (TRAIT_DONTFORK | TRAIT_WIPEONFORK) &&
		    ranges_add(&m->unshared, p->traits[i].start, p->traits[i].end, err) < 0)
			return -1;
	return 0;
}

/* Its page tables tell all of it. */
static bool is_anonymous(const struct mapping *map)
{
	return !map->path && !map->shared && map->label != LABEL_VDSO;
}

/* The inode of the program that PID executes, or 0. */
static uint64_t program_inode(pid_t pid)
{
	struct stat st;
	char name[32];

	snprintf(name, sizeof name, "/proc/%d/exe", pid);
	return stat(name, &st) == 0 ? st.st_ino : 0;
}

/*
 * A program that is executed is not written to (ETXTBSY): an executable checkpoint that a later one
 * has replaced, however large, is to the snapshot what it is now.
 */
static bool is_program(const struct memory_source *m, const struct process *p,
		       const struct mapping *map, uint64_t inode)
{
	return inode && map->file.inode == inode && !map->shared && map->path && p->exe &&
	       strcmp(map->path, p->exe) == 0 && !ranges_touch(&m->unshared, map->start, map->end);
}

int memory_copy_early(struct memory_source *m, const struct process *p, pid_t pid,
		      struct error *err)
{
	struct pages *pages = &m->pages;  /* not needed for the snapshot yet */
	uint64_t program = program_inode(pid);
	int result = pages_open(pages, pid, err);

	for (size_t i = 0; i < p->mapping_count && result == 0; i++) {
		const struct mapping *map = &p->mappings[i];
		const struct touched_range *touched = touched_at(&m->touched, map->start);

		if (!is_read_early(m, map) || is_program(m, p, map, program))
			continue;
		if (is_anonymous(map))
			result = early_add_private(&m->early, pages, map->start, map->end, err);
		else if (touched)
			result = early_add_touched(&m->early, pages->mem, touched, err);
		else
			result = early_add(&m->early, pages->mem, map->start, map->end, err);
	}
	pages_close(pages);
	return result < 0 ? -1 : early_finish(&m->early, err);
}

/* ---- Where the bytes of the mappings are ----------------------------------------------------- */

static int append(struct process *p, const struct mapping *from, addr_t start, addr_t end,
		  enum bytes bytes, struct error *err)
{
	struct mapping *m = process_add_part(p, from, start, end);

	if (!m)
		return error_set(err, ENOMEM, "not enough memory");
	m->bytes = bytes;
	return 0;
}

/*
 * The first page of a program or library is saved as the kernel's cores have it: by it debuggers,
 * and restart, know which file it was.  Returns where the rest of MAP begins in *AT.
 */
static int save_header(struct memory_source *m, struct process *p, const struct mapping *map,
		       addr_t *at, struct error *err)
{
	addr_t end = map->start + PAGE;
	char magic[SELFMAG];

	*at = map->start;
	if (map->file_offset || pread_full(m->pages.mem, magic, SELFMAG, map->start) != SELFMAG ||
	    memcmp(magic, ELFMAG, SELFMAG) != 0)
		return 0;
	if (early_add(&m->early, m->pages.mem, map->start, end, err) < 0)
		return -1;
	if (append(p, map, map->start, end, BYTES_SAVED, err) < 0)
		return -1;
	*at = end;
	return 0;
}

/* A private mapping of a file: the pages that were written to are the process's own. */
static int split_by_pages(struct memory_source *m, struct process *p, const struct mapping *map,
			  struct error *err)
{
	addr_t at, start, stop;
	int more = 0;

	if (save_header(m, p, map, &at, err) < 0)
		return -1;
	while (at < map->end &&
	       (more = pages_next_private(&m->pages, at, map->end, &start, &stop, err)) > 0) {
		if ((start > at && append(p, map, at, start, BYTES_FILE, err) < 0) ||
		    append(p, map, start, stop, BYTES_SAVED, err) < 0)
			return -1;
		at = stop;
	}
	if (more < 0)
		return -1;
	return at < map->end ? append(p, map, at, map->end, BYTES_FILE, err) : 0;
}

/*
 * For a checkpoint that needs no files, what is mapped from one is saved whole.  Of shared mappings
 * only small ones: restart takes the file, and what was saved where the file is gone (java deletes
 * its /tmp/hsperfdata_USER/PID as it ends).
 */
static bool is_saved_whole(const struct memory_source *m, const struct mapping *map)
{
	enum { SHARED_MOST = 1 << 20, SHARED_MOST_WHOLE = 16 << 20 };
	addr_t size = map->end - map->start;

	if (!map->path || map->deleted || map->label != LABEL_NONE)
		return false;
	return map->shared ? size <= (m->whole ? SHARED_MOST_WHOLE : SHARED_MOST) : m->whole;
}

static int save_whole(struct memory_source *m, struct process *p, const struct mapping *map,
		      struct error *err)
{
	if (append(p, map, map->start, map->end, BYTES_SAVED, err) < 0)
		return -1;
	return ranges_add(&m->entire, map->start, map->end, err);
}

/*
 * Memory that restart --lazy has mapped from a core is anonymous memory, for us and for the next
 * restart, which shall not need that core.
 */
static int add_from_core(struct memory_source *m, struct process *p, const struct mapping *map,
			 struct error *err)
{
	struct mapping anonymous = *map;

	anonymous.path = NULL;
	anonymous.file_offset = 0;
	anonymous.deleted = false;
	anonymous.file = (struct file_id){ 0 };
	if (map->start >= p->start_brk && map->end <= p->brk)
		anonymous.label = LABEL_HEAP;
	return save_whole(m, p, &anonymous, err);
}

static enum bytes bytes_of(const struct mapping *map)
{
	if (map->label == LABEL_VVAR || map->label == LABEL_VSYSCALL)
		return BYTES_ZERO;
	if (is_secret(map))
		return BYTES_MISSING;
	if (map->path && !map->deleted)
		return map->shared ? BYTES_FILE : BYTES_SAVED;
	return BYTES_SAVED;
}

/*
 * Memory of the process's own that it has never touched is not in the kernel's cores either
 * (fs/coredump.c, vma_dump_size()): reserves of many GiB are of that kind, and would go down a pipe
 * as zeros.  1: untouched, 0: not, -1.
 */
static int is_untouched(struct memory_source *m, const struct mapping *map, struct error *err)
{
	addr_t start, stop;

	/* What is mapped where a heap would begin is [heap] to /proc, and may be of any size. */
	bool ordinary = map->label == LABEL_NONE || map->label == LABEL_HEAP;

	if (map->path || map->shared || !ordinary || early_at(&m->early, map->start))
		return 0;
	int more = pages_next_private(&m->pages, map->start, map->end, &start, &stop, err);

	return more < 0 ? -1 : !more;
}

static int classify(struct memory_source *m, struct process *p, const struct mapping *map,
		    bool from_core, struct error *err)
{
	bool by_pages = map->path && !map->deleted && !map->shared;

	/* The process still stands: this is read when its turn comes. */
	if (is_read_early(m, map) && !is_anonymous(map) && !early_at(&m->early, map->start) &&
	    ranges_add(&m->entire, map->start, map->end, err) < 0)
		return -1;
	if (from_core)
		return add_from_core(m, p, map, err);
	if (is_saved_whole(m, map))
		return save_whole(m, p, map, err);
	if (by_pages)
		return split_by_pages(m, p, map, err);
	int untouched = is_untouched(m, map, err);

	return untouched < 0 ? -1 : append(p, map, map->start, map->end,
					   untouched ? BYTES_ZERO : bytes_of(map), err);
}

/* What the core that the process was restarted from knows the file of keeps its name. */
static int classify_parts(struct memory_source *m, struct process *p, const struct older *older,
			  size_t index, const struct mapping *map, struct error *err)
{
	struct core_source source = memory_core_source(m);
	struct mapping rest = *map, named;

	while (older_next(older, &rest, &source, &named)) {
		struct mapping before = older_part(&rest, rest.start, named.start);

		named.path = arena_strdup(&p->arena, named.path);  /* it goes with OLDER */
		if (!named.path)
			return error_set(err, ENOMEM, "not enough memory");
		if (before.start < before.end &&
		    classify(m, p, &before, older->mapped[index], err) < 0)
			return -1;
		if (early_at(&m->early, named.start) ?
		    append(p, &named, named.start, named.end, BYTES_SAVED, err) < 0 :
		    save_whole(m, p, &named, err) < 0)
			return -1;
		rest = older_part(&rest, named.end, rest.end);
	}
	return rest.start < rest.end ? classify(m, p, &rest, older->mapped[index], err) : 0;
}

int memory_classify(struct memory_source *m, struct process *p, struct error *err)
{
	size_t count;
	const struct mapping *old = process_take_mappings(p, &count);
	struct older older;
	int result = older_find(&older, old, count, m->pages.pid, err);

	for (size_t i = 0; i < count && result == 0; i++)
		if (old[i].label != LABEL_VSYSCALL)
			result = classify_parts(m, p, &older, i, &old[i], err);
	older_close(&older);
	return result;
}

/* ---- For the core writer --------------------------------------------------------------------- */

static int source_next(void *context, addr_t from, addr_t end, addr_t *start, addr_t *stop,
		       struct error *err)
{
	struct memory_source *m = context;
	const struct early_copy *early = early_at(&m->early, from);

	if (early && from < end)
		return early_next(&m->early, early, from, end, start, stop);
	if (ranges_have(&m->entire, from)) {
		const struct touched_range *touched = touched_at(&m->touched, from);

		if (touched && from < end)
			return touched_next(touched, from, end, start, stop);
		*start = from;
		*stop = end;
		return from < end;
	}
	return pages_next_private(&m->pages, from, end, start, stop, err);
}

static int source_read(void *context, addr_t addr, void *buf, size_t len, struct error *err)
{
	const struct memory_source *m = context;
	const struct early_copy *early = early_at(&m->early, addr);

	if (early && len <= early->end - addr)
		return early_read(&m->early, early, addr, buf, len, err);
	if (ranges_have(&m->entire, addr)) {
		early_read_process(m->pages.mem, addr, buf, len);
		return 0;
	}
	return pages_read(&m->pages, addr, buf, len, err);
}

struct core_source memory_core_source(struct memory_source *m)
{
	return (struct core_source){ .next = source_next, .read = source_read, .context = m };
}
