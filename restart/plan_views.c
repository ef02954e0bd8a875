/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "restart/shared.h"
#include "restart/traits.h"

static bool has_file(const struct mapping *m)
{
	return m->shared && m->deleted && m->file.inode;
}

/* By file, then by address: qsort() has no argument for the array, so the order is by pointers. */
static int compare(const void *a, const void *b)
{
	const struct mapping *x = *(const struct mapping *const *)a,
			     *y = *(const struct mapping *const *)b;

	if (x->file.device != y->file.device)
		return x->file.device < y->file.device ? -1 : 1;
	if (x->file.inode != y->file.inode)
		return x->file.inode < y->file.inode ? -1 : 1;
	return (x->start > y->start) - (x->start < y->start);
}

int index_views(struct restore *r, struct error *err)
{
	const struct process *p = r->process;

	r->views = calloc(p->mapping_count + 1, sizeof *r->views);
	if (!r->views)
		return error_set(err, ENOMEM, "not enough memory");
	for (size_t i = 0; i < p->mapping_count; i++)
		if (has_file(&p->mappings[i]))
			r->views[r->view_count++] = &p->mappings[i];
	if (r->view_count)
		qsort(r->views, r->view_count, sizeof *r->views, compare);
	return index_held(r, err);
}

static bool same_file(const struct mapping *a, const struct mapping *b)
{
	return a->file.device == b->file.device && a->file.inode == b->file.inode;
}

/* The end of the views of the same memory that begin at index FIRST. */
static size_t end_of_views(const struct restore *r, size_t first)
{
	size_t end = first;

	while (end < r->view_count && same_file(r->views[first], r->views[end]))
		end++;
	return end;
}

/* Whether the core has its bytes or not: another mapping of the same memory may have them. */
static bool is_shared_anonymous(const struct mapping *m)
{
	return has_file(m) && strcmp(m->path, "/dev/zero") == 0;
}

bool is_view(const struct restore *r, const struct mapping *m)
{
	const struct mapping **found;

	if (!is_shared_anonymous(m))
		return false;
	found = bsearch(&m, r->views, r->view_count, sizeof *r->views, compare);
	if (!found)
		return false;
	return (found > r->views && same_file(found[-1], m)) ||
	       (found + 1 < r->views + r->view_count && same_file(found[1], m));
}

/* The index of the first view of the file, or of where it would be. */
static size_t first_view(const struct restore *r, struct file_id id)
{
	struct mapping key = { .file = id };
	const struct mapping *wanted = &key;
	size_t low = 0, high = r->view_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(&r->views[middle], &wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct mapping *view_of(const struct restore *r, struct file_id id)
{
	const struct mapping key = { .file = id };
	size_t first = first_view(r, id);

	return first < r->view_count && same_file(r->views[first], &key) ? r->views[first] : NULL;
}

static int write_view(const struct restore *r, const struct mapping *v, uint64_t size, int fd,
		      struct error *err)
{
	static char buf[1 << 16];
	uint64_t len, end = v->end - v->start;

	if (v->file_offset + end > size)
		end = size > v->file_offset ? size - v->file_offset : 0;
	for (uint64_t at = 0; at < end; at += len) {
		len = end - at < sizeof buf ? end - at : sizeof buf;
		if (process_read(r->process, v->start + at, buf, len, err) < 0)
			return -1;
		if (buf[0] == 0 && memcmp(buf, buf + 1, len - 1) == 0)
			continue;  /* it is zeros already */
		if (nameless_write(fd, buf, len, v->file_offset + at) < 0)
			return error_sys(err, errno, "writing %s again", v->path);
	}
	return 0;
}

int views_write(const struct restore *r, const struct nameless *n, int fd, struct error *err)
{
	struct mapping key = { .file = n->id };

	for (size_t i = first_view(r, n->id); i < r->view_count && same_file(r->views[i], &key);
	     i++)
		if (r->views[i]->bytes == BYTES_SAVED &&
		    write_view(r, r->views[i], n->size, fd, err) < 0)
			return -1;
	return 0;
}

/* Where SIZE bytes are free of everything that will be there. */
static addr_t find_gap(const struct restore *r, uint64_t size)
{
	const struct process *p = r->process;
	addr_t at = (addr_t)4 << 30, area_end = r->area + AREA_SIZE;

	for (size_t i = 0; i <= p->mapping_count; i++) {
		const struct mapping *m = i < p->mapping_count ? &p->mappings[i] : NULL;
		addr_t end = m ? m->start : (addr_t)1 << 46;

		if (at < area_end && r->area < at + size)
			at = area_end;
		if (end > at && end - at >= size)
			return at;
		if (m && m->end > at)
			at = m->end;
	}
	return 0;
}

/* How much of their memory the views from FIRST to END show. */
static uint64_t size_of_views(const struct restore *r, size_t first, size_t end)
{
	uint64_t size = 0;

	for (size_t i = first; i < end; i++) {
		const struct mapping *v = r->views[i];

		if (v->file_offset + (v->end - v->start) > size)
			size = v->file_offset + (v->end - v->start);
	}
	return size;
}

/*
 * The memory is mapped once, at WHOLE, filled, and mapped again where it was: mremap() of no bytes
 * of shared memory makes a second mapping (mm/mremap.c).
 */
static void plan_one(const struct restore *r, struct plan *plan, size_t first, size_t end,
		     addr_t whole)
{
	const struct mapping *m = r->views[first];
	uint64_t size = size_of_views(r, first, end);

	plan_syscall(plan, OP_EXPECT, SYS_mmap, whole, size, PROT_READ | PROT_WRITE,
		     MAP_ANONYMOUS | MAP_FIXED_NOREPLACE |
		     (trait_map_flags(r, m) & ~(unsigned)MAP_HUGETLB), -1)->expect = whole;
	plan_note(plan, "shared memory with %zu mappings", end - first);
	for (size_t i = first; i < end; i++)
		if (r->views[i]->bytes == BYTES_SAVED)
			plan_read(r, plan, r->views[i], whole + r->views[i]->file_offset);
	for (size_t i = first; i < end; i++) {
		m = r->views[i];
		plan_syscall(plan, OP_EXPECT, SYS_mremap, whole + m->file_offset, 0,
			     m->end - m->start, MREMAP_MAYMOVE | MREMAP_FIXED, m->start)
			->expect = m->start;
		if (m->prot != (PROT_READ | PROT_WRITE))
			plan_syscall(plan, 0, SYS_mprotect, m->start, m->end - m->start, m->prot);
		plan_page_advice(plan, trait_of(r, m), m->start, m->end);
	}
	plan_syscall(plan, 0, SYS_munmap, whole, size);
}

void plan_views(const struct restore *r, struct plan *plan)
{
	uint64_t most = 0;

	for (size_t first = 0, end; first < r->view_count; first = end) {
		end = end_of_views(r, first);
		uint64_t size = size_of_views(r, first, end);

		if (is_view(r, r->views[first]) && size > most)
			most = size;
	}
	addr_t whole = most ? find_gap(r, most) : 0;

	for (size_t first = 0, end; first < r->view_count; first = end) {
		end = end_of_views(r, first);
		if (is_view(r, r->views[first]))
			plan_one(r, plan, first, end, whole);
	}
}
