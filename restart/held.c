/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the core has, in the shared mappings of a memory, of that memory: ranges of its bytes,
 * joined and sorted, so that one search says whether all of a piece is there, however many mappings
 * the process had.
 */
#include <errno.h>
#include <stdlib.h>

#include "restart/shared.h"

struct held {
	struct file_id file;
	uint64_t start, end;
};

static int compare_files(struct file_id a, struct file_id b)
{
	if (a.device != b.device)
		return a.device < b.device ? -1 : 1;
	return (a.inode > b.inode) - (a.inode < b.inode);
}

static int compare(const void *a, const void *b)
{
	const struct held *x = a, *y = b;
	int files = compare_files(x->file, y->file);

	return files ? files : (x->start > y->start) - (x->start < y->start);
}

/* Joins neighbours, which are sorted; returns how many are left. */
static size_t join(struct held *list, size_t count)
{
	size_t last = 0;

	for (size_t i = 1; i < count; i++) {
		if (compare_files(list[last].file, list[i].file) != 0 ||
		    list[i].start > list[last].end)
			list[++last] = list[i];
		else if (list[i].end > list[last].end)
			list[last].end = list[i].end;
	}
	return count ? last + 1 : 0;
}

int index_held(struct restore *r, struct error *err)
{
	size_t count = 0;

	r->held = calloc(r->view_count + 1, sizeof *r->held);
	if (!r->held)
		return error_set(err, ENOMEM, "not enough memory");
	for (size_t i = 0; i < r->view_count; i++) {
		const struct mapping *v = r->views[i];

		if (v->bytes == BYTES_SAVED)
			r->held[count++] = (struct held){
				v->file, v->file_offset, v->file_offset + (v->end - v->start),
			};
	}
	if (count)
		qsort(r->held, count, sizeof *r->held, compare);
	r->held_count = join(r->held, count);
	return 0;
}

/* Whether the core has the bytes from START to END of the file. */
static bool is_held(const struct restore *r, struct file_id file, uint64_t start, uint64_t end)
{
	const struct held wanted = { file, start, end };
	size_t low = 0, high = r->held_count;

	/* The last range that begins at START or before. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(&r->held[middle], &wanted) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return start >= end || (low > 0 && compare_files(r->held[low - 1].file, file) == 0 &&
				end <= r->held[low - 1].end);
}

bool views_cover(const struct restore *r, const struct mapping *m)
{
	return m->shared && m->deleted && m->file.inode &&
	       is_held(r, m->file, m->file_offset, m->file_offset + (m->end - m->start));
}

bool views_hold(const struct restore *r, struct file_id id, uint64_t size)
{
	return is_held(r, id, 0, size);
}
