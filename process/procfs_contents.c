/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Regular files: how they are, and the contents of those that no path opens again. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "process/procfs_files.h"
#include "process/procfs_private.h"
#include "util/bytes.h"
#include "util/io.h"
#include "util/sparse.h"

enum { PAGE = 4096 };

static void take_stamp(struct description *d, const struct stat *st)
{
	d->stamp = (struct file_stamp){
		.known = true, .id = { st->st_dev, st->st_ino },
		.size = (uint64_t)st->st_size, .modified = st->st_mtim,
	};
	/* The parser takes no times before 1970. */
	if (st->st_mtim.tv_sec < 0)
		d->stamp.modified = (struct timespec){ 0 };
}

int procfs_note_file(struct process *p, struct entry *e, const struct stat *st, struct error *err)
{
	struct description *d = &e->description;
	struct nameless *n;

	if ((d->kind != FILE_PATH && d->kind != FILE_MEMFD) || !S_ISREG(st->st_mode) ||
	    after(d->name, "/proc/") || after(d->name, "/sys/"))
		return 0;
	take_stamp(d, st);
	/* A file that has another name still lives on under that. */
	if (d->kind == FILE_PATH ? !d->deleted || st->st_nlink > 0 : !d->deleted)
		return 0;
	n = process_add_nameless(p);
	if (!n)
		return no_memory(err);
	*n = (struct nameless){
		.id = d->stamp.id, .memfd = d->kind == FILE_MEMFD, .name = d->name,
		.size = d->stamp.size, .mode = st->st_mode & 07777,
	};
	if (n->memfd)
		n->name += strlen("memfd:");
	return 0;
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* A file that is read without anybody noticing: the offset of none of its descriptors moves. */
struct source {
	int fd;
	bool ours;  /* an open file description of our own, whose offset may move */
};

/* Without the zeros at its ends. */
static int add_extent(struct process *p, struct nameless *n, uint64_t offset, const uint8_t *bytes,
		      size_t size, struct error *err)
{
	for (; size && !bytes[size - 1]; size--)
		;
	for (; size && !*bytes; size--, bytes++)
		offset++;

	struct extent *array = arena_grow(&p->arena, n->extents, n->extent_count,
					  &n->extent_capacity, sizeof *array);

	if (!array)
		return no_memory(err);
	n->extents = array;
	array[n->extent_count++] = (struct extent){ offset, size, bytes };
	return 0;
}

/* Adds the pages of the SIZE bytes at BYTES that are not zero. */
static int add_pages(struct process *p, struct nameless *n, uint64_t offset, const uint8_t *bytes,
		     size_t size, struct error *err)
{
	size_t from = 0, at = 0;

	for (; at < size; at += PAGE) {
		size_t len = size - at < PAGE ? size - at : PAGE;

		if (!all_zero(bytes + at, len))
			continue;
		if (at > from && add_extent(p, n, offset + from, bytes + from, at - from, err) < 0)
			return -1;
		from = at + PAGE;
	}
	return size > from ? add_extent(p, n, offset + from, bytes + from, size - from, err) : 0;
}

/* Returns 1 when all is in the model, 0 when it is more than *BUDGET bytes or cannot be read. */
static int read_contents(struct process *p, struct nameless *n, const struct source *s,
			 uint64_t *budget, struct error *err)
{
	/* A search for holes would move the process's own offset. */
	const uint64_t unsearched = s->ours ? 0 : UINT64_MAX;

	for (uint64_t at = 0, stop; next_data(s->fd, at, n->size, unsearched, &at, &stop);
	     at = stop) {
		uint64_t size = stop - at;
		uint8_t *bytes = size > *budget ? NULL : arena_alloc(&p->arena, size);

		if (size > *budget)
			return 0;
		if (!bytes)
			return no_memory(err);
		if (pread_full(s->fd, bytes, size, at) != (ssize_t)size)
			return 0;
		*budget -= size;
		if (add_pages(p, n, at, bytes, size, err) < 0)
			return -1;
	}
	return 1;
}

static bool has_lock(const struct entries *entries, struct file_id id, enum lock_kind kind)
{
	for (size_t i = 0; i < entries->count; i++) {
		const struct description *d = &entries->all[i].description;

		for (size_t k = 0; k < d->lock_count; k++)
			if (d->locks[k].kind == kind && d->stamp.id.inode == id.inode &&
			    d->stamp.id.device == id.device)
				return true;
	}
	return false;
}

/*
 * Opening a file anew lets us skip its holes.  But the process itself would lose its POSIX locks
 * when that is closed again, and anybody who opens it breaks a lease: then it is read through the
 * descriptor that is there, as it is where it may not be opened.
 */
static struct source open_source(const struct entries *entries, const struct entry *e)
{
	struct file_id id = e->description.stamp.id;
	char name[PROC_NAME_SIZE];
	bool locked = entries->locks && (has_lock(entries, id, LOCK_LEASE) ||
					 (!entries->pid && has_lock(entries, id, LOCK_POSIX)));
	int fd = -1;

	proc_name(name, e->pid, "fd/%d", e->at);
	if (!locked)
		fd = open(name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0)
		return (struct source){ fd, true };
	return (struct source){ proc_borrow(e->pid, e->at), false };
}

static int save(struct process *p, const struct entries *entries, const struct entry *e,
		struct nameless *n, uint64_t *budget, struct error *err)
{
	struct source s = open_source(entries, e);
	int seals, result;

	if (s.fd < 0)
		return 0;
	seals = n->memfd ? fcntl(s.fd, F_GET_SEALS) : 0;
	n->seals = seals > 0 ? (uint32_t)seals : 0;
	result = procfs_is_mapped(p, n) ? 0 : read_contents(p, n, &s, budget, err);
	n->saved = result > 0;
	if (!n->saved)
		n->extent_count = 0;
	if (s.ours)
		close(s.fd);
	else
		proc_give_back(e->pid, s.fd);
	return result < 0 ? -1 : 0;
}

/* The same file may be open several times. */
static void drop_duplicates(struct process *p)
{
	size_t kept = 0;

	process_sort_nameless(p);
	for (size_t i = 0; i < p->nameless_count; i++) {
		struct file_id a = p->nameless[i].id, b = p->nameless[kept ? kept - 1 : 0].id;

		if (!kept || a.inode != b.inode || a.device != b.device)
			p->nameless[kept++] = p->nameless[i];
	}
	p->nameless_count = kept;
}

int procfs_read_contents(struct process *p, const struct entries *entries, struct error *err)
{
	uint64_t budget = p->contents_max;

	drop_duplicates(p);
	for (size_t i = 0; p->nameless_count && i < entries->count; i++) {
		const struct entry *e = &entries->all[i];
		struct nameless *n = e->description.stamp.known
				   ? process_nameless(p, e->description.stamp.id) : NULL;

		if (n && !n->saved && save(p, entries, e, n, &budget, err) < 0)
			return -1;
	}
	return 0;
}
