/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "ckpt/early.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "elf/checksum.h"
#include "util/io.h"
#include "util/sparse.h"

enum { PAGE = 4096 };

static const char spill_name[] = "the temporary file for shared memory";

void early_init(struct early *e, int directory)
{
	*e = (struct early){ .directory = directory, .file = -1 };
}

void early_free(struct early *e)
{
	sink_close(&e->sink);
	if (e->file >= 0)
		close(e->file);
	for (size_t i = 0; i < e->count; i++)
		if (e->copies[i].bytes)
			munmap(e->copies[i].bytes, e->copies[i].end - e->copies[i].start);
	free(e->copies);
	early_init(e, -1);
}

/* ---- Copying --------------------------------------------------------------------------------- */

void early_read_process(int mem, addr_t start, void *to, size_t len)
{
	ssize_t n = pread_full(mem, to, len, start);
	size_t done = n > 0 ? (size_t)n / PAGE * PAGE : 0;

	/* One page after the other, to be stopped by none. */
	for (; done < len; done += PAGE)
		if (pread_full(mem, (char *)to + done, PAGE, start + done) != PAGE)
			memset((char *)to + done, 0, PAGE);
}

static struct early_copy *add_copy(struct early *e, addr_t start, addr_t end, struct error *err)
{
	if (e->count == e->capacity) {
		size_t capacity = e->capacity ? e->capacity * 2 : 8;
		struct early_copy *copies = realloc(e->copies, capacity * sizeof *copies);

		if (!copies) {
			error_set(err, ENOMEM, "not enough memory");
			return NULL;
		}
		e->copies = copies;
		e->capacity = capacity;
	}
	e->copies[e->count] = (struct early_copy){ .start = start, .end = end };
	return &e->copies[e->count++];
}

static int open_file(struct early *e, struct error *err)
{
	if (e->file >= 0)
		return 0;
	if (e->directory >= 0)
		e->file = openat(e->directory, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	/* Some file systems have no O_TMPFILE. */
	if (e->file < 0)
		e->file = memfd_create("shared memory", MFD_CLOEXEC);
	if (e->file < 0)
		return error_sys(err, errno, "%s", spill_name);
	return sink_open(&e->sink, e->file, spill_name, 0, err);
}

/* Puts the SIZE bytes of the room to OFFSET of the file; zeros are holes. */
static void put_pages(struct early *e, uint64_t offset, const char *room, size_t size)
{
	for (size_t i = 0; i < size;) {
		i += leading_zeros(room + i, size - i);
		size_t n = leading_data(room + i, size - i);

		if (n)
			sink_put(&e->sink, offset + i, i, n);
		i += n;
	}
	sink_advance(&e->sink, size);
}

static int copy_to_file(struct early *e, const struct early_copy *c, int mem, addr_t start,
			addr_t end, struct error *err)
{
	size_t size;

	if (open_file(e, err) < 0)
		return -1;
	for (addr_t at = start; at < end; at += size) {
		char *room = sink_room(&e->sink, &size, err);

		if (!room)
			return -1;
		size = end - at < size ? end - at : size;
		early_read_process(mem, at, room, size);
		put_pages(e, c->offset + (at - c->start), room, size);
	}
	return 0;
}

/* Copies a part of what C shall have. */
static int copy_part(struct early *e, const struct early_copy *c, int mem, addr_t start, addr_t end,
		     struct error *err)
{
	if (!c->bytes)
		return copy_to_file(e, c, mem, start, end, err);
	early_read_process(mem, start, c->bytes + (start - c->start), end - start);
	return 0;
}

/* Room for [START, END), which has zeros so far. */
static struct early_copy *make_room(struct early *e, addr_t start, addr_t end, struct error *err)
{
	size_t len = end - start;
	struct early_copy *c = add_copy(e, start, end, err);

	if (!c)
		return NULL;
	if (len > EARLY_IN_MEMORY || e->in_memory > EARLY_IN_MEMORY - len) {
		c->offset = e->file_size;
		e->file_size += len;
		return c;
	}
	char *bytes = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (bytes == MAP_FAILED) {
		error_set(err, ENOMEM, "not enough memory for %zu bytes of shared memory", len);
		return NULL;
	}
	c->bytes = bytes;
	e->in_memory += len;
	return c;
}

int early_add(struct early *e, int mem, addr_t start, addr_t end, struct error *err)
{
	const struct early_copy *c = make_room(e, start, end, err);

	return c ? copy_part(e, c, mem, start, end, err) : -1;
}

int early_add_private(struct early *e, struct pages *p, addr_t start, addr_t end, struct error *err)
{
	const struct early_copy *c = make_room(e, start, end, err);
	addr_t from, to;
	int more;

	if (!c)
		return -1;
	for (addr_t at = start;
	     (more = pages_next_private(p, at, end, &from, &to, err)) > 0; at = to)
		if (copy_part(e, c, p->mem, from, to, err) < 0)
			return -1;
	return more;
}

int early_add_touched(struct early *e, int mem, const struct touched_range *r, struct error *err)
{
	const struct early_copy *c = make_room(e, r->start, r->end, err);
	addr_t from, to;

	if (!c)
		return -1;
	for (addr_t at = r->start; touched_next(r, at, r->end, &from, &to); at = to)
		if (copy_part(e, c, mem, from, to, err) < 0)
			return -1;
	return 0;
}

int early_finish(struct early *e, struct error *err)
{
	if (e->file < 0)
		return 0;
	if (sink_flush(&e->sink, err) < 0)
		return -1;
	sink_close(&e->sink);
	if (ftruncate(e->file, (off_t)e->file_size) < 0)
		return error_sys(err, errno, "%s", spill_name);
	return 0;
}

/* ---- Reading them again ---------------------------------------------------------------------- */

const struct early_copy *early_at(const struct early *e, addr_t addr)
{
	for (size_t i = 0; i < e->count; i++)
		if (addr >= e->copies[i].start && addr < e->copies[i].end)
			return &e->copies[i];
	return NULL;
}

bool early_next(const struct early *e, const struct early_copy *c, addr_t from, addr_t end,
		addr_t *start, addr_t *stop)
{
	enum { UNSEARCHED = 1 << 20 };
	uint64_t to_address = c->start - c->offset;

	*start = from;
	*stop = end < c->end ? end : c->end;
	if (c->bytes)
		return from < *stop;
	if (e->file < 0 || !next_data(e->file, from - to_address, *stop - to_address, UNSEARCHED,
				      start, stop))
		return false;
	/* Blocks may be smaller than pages. */
	*start = (*start + to_address) / PAGE * PAGE;
	*stop = (*stop + to_address + PAGE - 1) / PAGE * PAGE;
	return true;
}

int early_read(const struct early *e, const struct early_copy *c, addr_t addr, void *to, size_t len,
	       struct error *err)
{
	if (c->bytes)
		memcpy(to, c->bytes + (addr - c->start), len);
	else if (e->file < 0)
		memset(to, 0, len);
	else if (pread_full(e->file, to, len, c->offset + (addr - c->start)) != (ssize_t)len)
		return error_sys(err, errno, "%s", spill_name);
	return 0;
}
