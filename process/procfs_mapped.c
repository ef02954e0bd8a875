/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files without a name that are mapped, and perhaps open as well. */
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>

#include "process/procfs.h"
#include "process/procfs_private.h"

/*
 * Besides files, the kernel maps things of its own that are called like a deleted file of the root
 * directory: /dev/zero, /SYSV00000000, /anon_hugepage, /secretmem, /[aio].
 */
static bool is_of_kernel(const struct mapping *m)
{
	return major(m->file.device) == 0 && !after(m->path, "/memfd:") &&
	       (!strchr(m->path + 1, '/') || strcmp(m->path, "/dev/zero") == 0);
}

static bool is_nameless(const struct mapping *m)
{
	return m->shared && m->deleted && m->file.inode && *m->path == '/' && !is_of_kernel(m);
}

bool procfs_is_mapped(const struct process *p, const struct nameless *n)
{
	enum { SMALL = 64 << 10 };

	for (size_t i = 0; i < p->mapping_count && n->size > SMALL; i++) {
		const struct mapping *m = &p->mappings[i];

		if (m->shared && m->prot & PROT_WRITE && m->file_offset == 0 &&
		    m->end - m->start >= n->size && m->file.inode == n->id.inode &&
		    m->file.device == n->id.device)
			return true;
	}
	return false;
}

/* The numbers of a device are not the same in maps and from stat() on every file system. */
static bool find_by_name(const struct process *p, struct mapping *m)
{
	enum { MANY = 1000 };

	for (size_t i = 0; i < p->nameless_count && p->nameless_count < MANY; i++) {
		const struct nameless *n = &p->nameless[i];

		if (n->id.inode != m->file.inode || n->memfd || strcmp(n->name, m->path) != 0)
			continue;
		m->file = n->id;
		return true;
	}
	return false;
}

static struct nameless describe(const struct mapping *m)
{
	const char *name = after(m->path, "/memfd:");

	return (struct nameless){
		.id = m->file, .memfd = name, .name = name ? name : m->path, .mode = 0600,
		.size = m->file_offset + (m->end - m->start),
	};
}

/* One file may have several mappings: its size is that of all. */
static void join(struct process *p)
{
	size_t kept = 0;

	process_sort_nameless(p);
	for (size_t i = 0; i < p->nameless_count; i++) {
		struct nameless *n = &p->nameless[i], *last = kept ? &p->nameless[kept - 1] : NULL;

		if (!last || last->id.inode != n->id.inode || last->id.device != n->id.device)
			p->nameless[kept++] = *n;
		else if (n->size > last->size)
			last->size = n->size;
	}
	p->nameless_count = kept;
}

int procfs_note_mapped(struct process *p, struct error *err)
{
	struct nameless *array = NULL;
	size_t count = 0, capacity = 0;

	for (size_t i = 0; i < p->mapping_count; i++) {
		struct mapping *m = &p->mappings[i];

		if (!is_nameless(m) || process_nameless(p, m->file) || find_by_name(p, m))
			continue;
		array = arena_grow(&p->arena, array, count, &capacity, sizeof *array);
		if (!array)
			return no_memory(err);
		array[count++] = describe(m);
	}
	for (size_t i = 0; i < count; i++) {
		struct nameless *n = process_add_nameless(p);

		if (!n)
			return no_memory(err);
		*n = array[i];
	}
	if (count)
		join(p);
	return 0;
}
