/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An arena: memory that is allocated piece by piece and freed all at once.
 *
 * It takes its memory from mmap() and nothing else, so it may be used inside a signal handler of a
 * program whose heap is in any state.  Pieces are zeroed and aligned to 16 bytes.
 */
#ifndef UTIL_ARENA_H
#define UTIL_ARENA_H

#include <stddef.h>

struct arena_chunk;

struct arena {
	struct arena_chunk *chunks;  /* newest first; zero-initialise the struct to begin */
};

/* Returns SIZE zeroed bytes, or NULL when there is no memory (errno ENOMEM). */
void *arena_alloc(struct arena *a, size_t size);

/* Returns a copy of the LEN bytes at TEXT with a NUL behind them, or NULL. */
char *arena_strndup(struct arena *a, const char *text, size_t len);
char *arena_strdup(struct arena *a, const char *text);

/*
 * Makes room for one more element at the end of a growing array that lives in the arena: returns
 * the array, moved to twice its capacity when it is full, or NULL when there is no memory.  The old
 * place stays allocated until the arena goes.
 */
void *arena_grow(struct arena *a, void *array, size_t count, size_t *capacity, size_t element);

/* Unmaps everything.  The arena may be used again. */
void arena_free(struct arena *a);

#endif
