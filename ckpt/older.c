/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "ckpt/older.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "elf/core_place.h"
#include "elf/core_read.h"

struct mapping older_part(const struct mapping *map, addr_t start, addr_t end)
{
	struct mapping part = *map;

	part.start = start;
	part.end = end;
	if (map->path)
		part.file_offset += start - map->start;
	return part;
}

/* ---- The core -------------------------------------------------------------------------------- */

/* The answer for the last file, as the mappings of one stand together. */
struct last_file {
	const char *path;
	bool has_core;
	uint64_t core;   /* where it begins */
	uint64_t inode;  /* of the program alone */
};

static bool is_from_core(struct last_file *last, const struct last_file *exe,
			 const struct mapping *map)
{
	if (!map->path || map->shared)
		return false;
	if (exe->has_core && map->file.inode == exe->inode)
		return map->file_offset >= exe->core;
	if (map->deleted)
		return false;
	if (!last->path || strcmp(last->path, map->path) != 0) {
		last->path = map->path;
		last->has_core = core_place(map->path, &last->core);
	}
	return last->has_core && map->file_offset >= last->core;
}

/* Whether the core PAST has what is mapped at the beginning of MAP. */
static bool is_same_place(const struct mapping *past, const struct mapping *map)
{
	return past->bytes == BYTES_SAVED && past->start <= map->start && map->start < past->end &&
	       past->core_offset + (map->start - past->start) == map->file_offset;
}

static void forget(struct older *o)
{
	core_close(o->core);
	process_free(&o->process);
	o->core = NULL;
}

/*
 * Opens the core NAME, of which MAP is mapped.  The device is not compared: stat() and maps do not
 * agree about it on some filesystems.
 */
static void open_core(struct older *o, const char *name, const struct mapping *map)
{
	const struct mapping *past;
	struct error ignored;
	const char *state;
	size_t state_size;
	struct stat st;

	if (stat(name, &st) < 0 || st.st_ino != map->file.inode)
		return;
	process_init(&o->process);
	o->core = core_read(&o->process, name, &state, &state_size, &ignored);
	past = o->core ? process_mapping_at(&o->process, map->start) : NULL;
	o->inode = map->file.inode;
	if (!past || !is_same_place(past, map))
		forget(o);
}

int older_find(struct older *o, const struct mapping *old, size_t count, pid_t pid,
	       struct error *err)
{
	struct last_file last = { 0 }, program = { 0 };
	const char *tried = NULL;
	struct stat st;
	char exe[32];

	*o = (struct older){ .mapped = calloc(count + 1, sizeof *o->mapped) };
	if (!o->mapped)
		return error_set(err, ENOMEM, "not enough memory");
	/* An executable has this name also when a later checkpoint has taken its own. */
	snprintf(exe, sizeof exe, "/proc/%d/exe", pid);
	if (stat(exe, &st) == 0) {
		program.inode = st.st_ino;
		program.has_core = core_place(exe, &program.core);
	}
	for (size_t i = 0; i < count; i++) {
		o->mapped[i] = is_from_core(&last, &program, &old[i]);
		if (!o->mapped[i] || o->core || (tried && strcmp(tried, old[i].path) == 0))
			continue;
		tried = old[i].path;
		open_core(o, exe, &old[i]);
		if (!o->core)
			open_core(o, old[i].path, &old[i]);
	}
	return 0;
}

void older_close(struct older *o)
{
	forget(o);
	free(o->mapped);
	o->mapped = NULL;
}

/* ---- What was a file's ----------------------------------------------------------------------- */

/* The first mapping of then that ends above AT. */
static const struct mapping *first_above(const struct process *p, addr_t at)
{
	size_t low = 0, high = p->mapping_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (p->mappings[middle].end <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return p->mappings + low;
}

static bool is_same_memory(const struct older *o, const struct core_source *source, addr_t at,
			   addr_t end)
{
	char then[16384], now[sizeof then];
	struct error ignored;

	while (at < end) {
		size_t n = end - at < sizeof then ? end - at : sizeof then;

		if (process_read(&o->process, at, then, n, &ignored) < 0 ||
		    source->read(source->context, at, now, n, &ignored) < 0 ||
		    memcmp(then, now, n) != 0)
			return false;
		at += n;
	}
	return true;
}

/* Whether MAP is of a kind that is given a name. */
static bool may_name(const struct older *o, const struct mapping *map)
{
	return o->core && !map->shared && !map->label && !(map->prot & PROT_WRITE) &&
	       (!map->path || map->file.inode == o->inode);
}

static bool is_named(const struct mapping *past)
{
	return past->bytes == BYTES_SAVED && past->path && !past->deleted && !past->shared &&
	       !(past->prot & PROT_WRITE);
}

bool older_next(const struct older *o, const struct mapping *map, const struct core_source *source,
		struct mapping *part)
{
	const struct process *p = &o->process;

	if (!may_name(o, map))
		return false;
	for (const struct mapping *past = first_above(p, map->start);
	     past < p->mappings + p->mapping_count && past->start < map->end; past++) {
		addr_t start = map->start > past->start ? map->start : past->start;
		addr_t end = map->end < past->end ? map->end : past->end;
		struct mapping now = older_part(map, start, end);

		if (!is_named(past) || !(map->path ? is_same_place(past, &now) :
					 is_same_memory(o, source, start, end)))
			continue;
		*part = now;
		part->path = past->path;
		part->file_offset = past->file_offset + (start - past->start);
		part->file = (struct file_id){ 0 };
		part->deleted = false;
		return true;
	}
	return false;
}
