/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "process/process.h"

#include <errno.h>
#include <string.h>

void process_init(struct process *p)
{
	memset(p, 0, sizeof *p);
	p->contents_max = CONTENTS_MAX;
}

void process_free(struct process *p)
{
	arena_free(&p->arena);
	process_init(p);
}

/* Appends one zeroed element to the array NAMES (counted by NAME_count) and returns it. */
#define DEFINE_ADD(NAME, NAMES)                                                                 \
	struct NAME *process_add_##NAME(struct process *p)                                      \
	{                                                                                       \
		struct NAME *array = arena_grow(&p->arena, p->NAMES, p->NAME##_count,           \
						&p->NAME##_capacity, sizeof *array);            \
		if (!array)                                                                     \
			return NULL;                                                            \
		p->NAMES = array;                                                               \
		memset(&array[p->NAME##_count], 0, sizeof *array);                              \
		return &array[p->NAME##_count++];                                               \
	}

DEFINE_ADD(thread, threads)
DEFINE_ADD(mapping, mappings)
DEFINE_ADD(trait, traits)
DEFINE_ADD(guard, guards)
DEFINE_ADD(segment, segments)
DEFINE_ADD(description, descriptions)
DEFINE_ADD(descriptor, descriptors)
DEFINE_ADD(nameless, nameless)
DEFINE_ADD(pending_signal, pending_signals)
DEFINE_ADD(posix_timer, posix_timers)

const struct mapping *process_take_mappings(struct process *p, size_t *count)
{
	const struct mapping *taken = p->mappings;

	*count = p->mapping_count;
	p->mappings = NULL;
	p->mapping_count = p->mapping_capacity = 0;
	return taken;
}

struct mapping *process_add_part(struct process *p, const struct mapping *m, addr_t start,
				 addr_t end)
{
	struct mapping *part = process_add_mapping(p);

	if (!part)
		return NULL;
	*part = *m;
	part->start = start;
	part->end = end;
	if (m->bytes == BYTES_SAVED)
		part->core_offset += start - m->start;
	if (m->path)
		part->file_offset += start - m->start;
	return part;
}

struct thread *process_thread(const struct process *p, pid_t tid)
{
	for (size_t i = 0; i < p->thread_count; i++)
		if (p->threads[i].tid == tid)
			return &p->threads[i];
	return NULL;
}

const struct mapping *process_mapping_at(const struct process *p, addr_t addr)
{
	size_t low = 0, high = p->mapping_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct mapping *m = &p->mappings[middle];

		if (addr < m->start)
			high = middle;
		else if (addr >= m->end)
			low = middle + 1;
		else
			return m;
	}
	return NULL;
}

bool mapping_is_segment(const struct mapping *m)
{
	return m->shared && m->deleted && m->file.inode && m->path &&
	       strncmp(m->path, "/SYSV", 5) == 0;
}

const struct trait *process_trait_at(const struct process *p, addr_t addr)
{
	size_t low = 0, high = p->trait_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct trait *t = &p->traits[middle];

		if (addr < t->start)
			high = middle;
		else if (addr >= t->end)
			low = middle + 1;
		else
			return t;
	}
	return NULL;
}

const struct descriptor *process_descriptor(const struct process *p, int fd)
{
	size_t low = 0, high = p->descriptor_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct descriptor *d = &p->descriptors[middle];

		if (fd < d->fd)
			high = middle;
		else if (fd > d->fd)
			low = middle + 1;
		else
			return d;
	}
	return NULL;
}

static int compare_ids(struct file_id a, struct file_id b)
{
	if (a.device != b.device)
		return a.device < b.device ? -1 : 1;
	return (a.inode > b.inode) - (a.inode < b.inode);
}

struct nameless *process_nameless(const struct process *p, struct file_id id)
{
	size_t low = 0, high = p->nameless_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare_ids(id, p->nameless[middle].id);

		if (order == 0)
			return &p->nameless[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* Sinks the element at ROOT of the heap that the first COUNT elements are. */
static void sink(struct nameless *all, size_t root, size_t count)
{
	for (size_t child; (child = 2 * root + 1) < count; root = child) {
		struct nameless swap = all[root];

		if (child + 1 < count && compare_ids(all[child].id, all[child + 1].id) < 0)
			child++;
		if (compare_ids(swap.id, all[child].id) >= 0)
			return;
		all[root] = all[child];
		all[child] = swap;
	}
}

/* Heap sort: qsort() may allocate. */
void process_sort_nameless(struct process *p)
{
	size_t count = p->nameless_count;

	for (size_t i = count / 2; i-- > 0;)
		sink(p->nameless, i, count);
	while (count-- > 1) {
		struct nameless last = p->nameless[count];

		p->nameless[count] = p->nameless[0];
		p->nameless[0] = last;
		sink(p->nameless, 0, count);
	}
}

const struct regset *thread_regset(const struct thread *t, uint32_t type)
{
	for (size_t i = 0; i < t->regset_count; i++)
		if (t->regsets[i].type == type)
			return &t->regsets[i];
	return NULL;
}

uint64_t process_auxv(const struct process *p, uint64_t type, uint64_t fallback)
{
	const uint64_t *pair = p->auxv;

	for (size_t n = p->auxv_size / (2 * sizeof *pair); n > 0; n--, pair += 2)
		if (pair[0] == type)
			return pair[1];
	return fallback;
}

int process_read(const struct process *p, addr_t addr, void *buf, size_t len, struct error *err)
{
	if (!p->memory.read)
		return error_set(err, ENODATA, "%s: has no memory contents", p->source);
	return p->memory.read(p->memory.context, addr, buf, len, err);
}
