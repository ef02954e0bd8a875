/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NT_FILE: which memory is mapped from which files, as words of the core's class and strings:
 *
 *	count | page_size | count * (start, end, offset / page_size) | count strings
 */
#include "elf/notes_fill.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "process/arch.h"

static uint64_t word(const struct core_notes *to, const struct note *n, size_t index)
{
	uint64_t value = 0;
	size_t size = to->p->arch->elf_class == ELFCLASS64 ? 8 : 4;

	memcpy(&value, (const char *)n->desc + index * size, size);
	return value;
}

static bool ends_with(const char *text, size_t len, const char *end)
{
	return len >= strlen(end) && memcmp(text + len - strlen(end), end, strlen(end)) == 0;
}

/* Takes over a path as the kernel prints it. */
static int fill_path(struct core_notes *to, struct file_range *f, const char *path, size_t len,
		     struct error *err)
{
	static const char mark[] = " (deleted)";

	/* What has no '/' in front is no path: "anon_inode:[io_uring]", "(unreachable)/...". */
	f->deleted = path[0] != '/';
	if (ends_with(path, len, mark)) {
		f->deleted = true;
		len -= strlen(mark);
	}
	f->path = arena_strndup(&to->p->arena, path, len);
	return f->path ? 0 : notes_no_memory(to, err);
}

/* Fills *F; false when its numbers cannot be true. */
static bool fill_range(struct core_notes *to, const struct note *n, size_t i, struct file_range *f)
{
	const struct arch *arch = to->p->arch;
	uint64_t page = arch->page_size;

	f->start = word(to, n, 2 + 3 * i);
	f->end = word(to, n, 3 + 3 * i);
	return f->start < f->end && f->end <= arch->address_limit && f->start % page == 0 &&
	       f->end % page == 0 &&
	       !__builtin_mul_overflow(word(to, n, 4 + 3 * i), to->file_unit, &f->offset) &&
	       f->offset % page == 0 && f->offset <= INT64_MAX - (f->end - f->start);
}

int fill_file(struct core_notes *to, const struct note *n, struct error *err)
{
	struct process *p = to->p;
	size_t size = p->arch->elf_class == ELFCLASS64 ? 8 : 4;
	uint64_t count = word(to, n, 0);

	if (to->file_unit)
		return notes_damaged(to, "it has two notes NT_FILE", err);
	to->file_unit = word(to, n, 1);
	if (count > (n->size - 2 * size) / (3 * size) || to->file_unit == 0)
		return notes_damaged(to, "the counts of its note NT_FILE cannot be true", err);

	const char *path = (const char *)n->desc + (2 + 3 * count) * size;
	const char *end = (const char *)n->desc + n->size;

	to->files = arena_alloc(&p->arena, count * sizeof *to->files);
	if (!to->files)
		return notes_no_memory(to, err);
	for (uint64_t i = 0; i < count; i++) {
		struct file_range *f = &to->files[to->file_count];
		size_t len = strnlen(path, (size_t)(end - path));

		if (path + len == end)
			return notes_damaged(to, "a path in its note NT_FILE has no end", err);
		if (!fill_range(to, n, i, f))
			return notes_damaged(to, "a range in its note NT_FILE cannot be true", err);
		if (fill_path(to, f, path, len, err) < 0)
			return -1;
		path += len + 1;
		to->file_count++;
	}
	return 0;
}

static int by_start(const void *a, const void *b)
{
	const struct file_range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

int notes_finish_files(struct core_notes *to, struct error *err)
{
	if (!to->file_count)
		return 0;
	qsort(to->files, to->file_count, sizeof *to->files, by_start);
	for (size_t i = 1; i < to->file_count; i++)
		if (to->files[i].start < to->files[i - 1].end)
			return notes_damaged(to, "ranges in its note NT_FILE overlap", err);
	return 0;
}
