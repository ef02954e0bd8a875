/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "util/arena.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

enum { ALIGNMENT = 16, CHUNK_SIZE = 256 * 1024 };

struct arena_chunk {
	struct arena_chunk *older;
	size_t size;  /* of the whole mapping */
	size_t used;  /* from its start, this header included */
};

_Static_assert(sizeof(struct arena_chunk) % 8 == 0, "the header keeps what follows aligned");

static size_t round_up(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

static struct arena_chunk *new_chunk(struct arena *a, size_t need)
{
	size_t size = need > CHUNK_SIZE ? round_up(need, 4096) : CHUNK_SIZE;
	struct arena_chunk *c = mmap(NULL, size, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (c == MAP_FAILED)
		return NULL;
	c->older = a->chunks;
	c->size = size;
	c->used = round_up(sizeof *c, ALIGNMENT);
	a->chunks = c;
	return c;
}

void *arena_alloc(struct arena *a, size_t size)
{
	struct arena_chunk *c = a->chunks;

	if (size > SIZE_MAX / 2) {
		errno = ENOMEM;
		return NULL;
	}
	size = round_up(size ? size : 1, ALIGNMENT);
	if (!c || c->size - c->used < size) {
		c = new_chunk(a, size + round_up(sizeof *c, ALIGNMENT));
		if (!c)
			return NULL;
	}
	void *p = (char *)c + c->used;
	c->used += size;
	return p;
}

char *arena_strndup(struct arena *a, const char *text, size_t len)
{
	char *copy = arena_alloc(a, len + 1);

	if (copy)
		memcpy(copy, text, len);
	return copy;
}

char *arena_strdup(struct arena *a, const char *text)
{
	return arena_strndup(a, text, strlen(text));
}

void *arena_grow(struct arena *a, void *array, size_t count, size_t *capacity, size_t element)
{
	if (count < *capacity)
		return array;
	size_t wider = *capacity ? *capacity * 2 : 8;
	void *moved = wider <= SIZE_MAX / 2 / element ? arena_alloc(a, wider * element) : NULL;

	if (!moved)
		return NULL;
	if (count)
		memcpy(moved, array, count * element);
	*capacity = wider;
	return moved;
}

void arena_free(struct arena *a)
{
	for (struct arena_chunk *c = a->chunks, *older; c; c = older) {
		older = c->older;
		munmap(c, c->size);
	}
	a->chunks = NULL;
}
