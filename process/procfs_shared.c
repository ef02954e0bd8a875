/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which descriptors share an open file description, and which are ends of the same pipe. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/kcmp.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "process/procfs_files.h"
#include "process/procfs_private.h"

static pid_t real_pid(const struct entry *e)
{
	return e->pid ? e->pid : getpid();
}

/*
 * The order of the descriptions behind two descriptors: first by what they are, so that the kernel
 * is asked about candidates only, then as kcmp() orders them.  The offset and the flags are no
 * criterion: they may change between one descriptor and the next while the process runs.  0 means
 * that they are the same description; where the kernel refuses the answer, each is its own.
 */
static int compare(const struct entry *a, const struct entry *b)
{
	int by_name;

	if (a->description.kind != b->description.kind)
		return a->description.kind < b->description.kind ? -1 : 1;
	by_name = strcmp(a->description.name, b->description.name);
	if (by_name)
		return by_name;
	switch (syscall(SYS_kcmp, real_pid(a), real_pid(b), KCMP_FILE, a->at, b->at)) {
	case 0: return 0;
	case 1: return -1;
	case 2: return 1;
	}
	/* A socket has one description: nothing opens it again (sock_no_open()). */
	if (a->description.kind == FILE_SOCKET)
		return 0;
	return a->at < b->at ? -1 : 1;
}

/* The same, made total by the descriptor's number. */
static int order(const struct entries *entries, size_t a, size_t b)
{
	int order = compare(&entries->all[a], &entries->all[b]);

	return order ? order : a < b ? -1 : 1;
}

/* Merge sort of indices into entries: qsort() may allocate.  SPACE has as many elements. */
static void sort(const struct entries *entries, size_t *index, size_t *space, size_t count)
{
	size_t half = count / 2, left = 0, right = half;

	if (count < 2)
		return;
	sort(entries, index, space, half);
	sort(entries, index + half, space, count - half);
	memcpy(space, index, count * sizeof *index);
	for (size_t i = 0; i < count; i++) {
		bool take_left = right >= count ||
				 (left < half && order(entries, space[left], space[right]) < 0);

		index[i] = take_left ? space[left++] : space[right++];
	}
}

/* Marks the COUNT entries of one pipe, all that the process has of it, with what the others do. */
static void mark_ends(struct entry *all, const size_t *index, size_t count)
{
	bool reads = false, writes = false;
	struct entry *reader = NULL;

	for (size_t i = 0; i < count; i++) {
		uint32_t mode = all[index[i]].description.flags & O_ACCMODE;

		if (mode != O_WRONLY && (!reader || all + index[i] < reader))
			reader = all + index[i];
		reads |= mode != O_WRONLY;
		writes |= mode != O_RDONLY;
	}
	for (size_t i = 0; i < count; i++) {
		all[index[i]].other_reads = reads;
		all[index[i]].other_writes = writes;
	}
	if (reader)
		reader->has_contents = true;
}

/* INDEX is sorted, so that the entries of one pipe stand together. */
static void find_ends(const struct entries *entries, const size_t *index)
{
	for (size_t i = 0, end; i < entries->count; i = end) {
		const struct description *d = &entries->all[index[i]].description;

		for (end = i + 1; end < entries->count; end++) {
			const struct description *next = &entries->all[index[end]].description;

			if (next->kind != d->kind || strcmp(next->name, d->name) != 0)
				break;
		}
		if (entry_is_pipe(&entries->all[index[i]]))
			mark_ends(entries->all, index + i, end - i);
	}
}

int procfs_find_shared(struct process *p, const struct entries *entries, size_t **first,
		       struct error *err)
{
	size_t count = entries->count;
	size_t *index = arena_alloc(&p->arena, 3 * count * sizeof *index);

	if (!index)
		return no_memory(err);
	*first = index + 2 * count;
	for (size_t i = 0; i < count; i++)
		index[i] = i;
	sort(entries, index, index + count, count);
	for (size_t i = 0; i < count; i++) {
		bool same = i > 0 && compare(&entries->all[index[i - 1]],
					     &entries->all[index[i]]) == 0;

		(*first)[index[i]] = same ? (*first)[index[i - 1]] : index[i];
	}
	find_ends(entries, index);
	return 0;
}
