/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "process/locks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>


/* ---- The ids --------------------------------------------------------------------------------- */

static int ascending(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return x < y ? -1 : x > y;
}

int locks_open(struct locks *l, const struct process *p, struct error *err)
{
	*l = (struct locks){ 0 };
	l->ids = arena_alloc(&l->arena, p->thread_count * sizeof *l->ids);
	if (!l->ids)
		return error_set(err, ENOMEM, "not enough memory");
	for (size_t i = 0; i < p->thread_count; i++)
		l->ids[l->id_count++] = p->threads[i].tid;
	qsort(l->ids, l->id_count, sizeof *l->ids, ascending);
	return 0;
}

void locks_close(struct locks *l)
{
	arena_free(&l->arena);
	*l = (struct locks){ 0 };
}

static bool is_id(const struct locks *l, uint32_t value)
{
	size_t low = 0, high = l->id_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if ((uint32_t)l->ids[middle] < value)
			low = middle + 1;
		else
			high = middle;
	}
	return low < l->id_count && (uint32_t)l->ids[low] == value;
}

/* ---- The shapes ------------------------------------------------------------------------------ */

enum mutex_word { LOCK, COUNT, OWNER, USERS, KIND, SPINS, LIST, MUTEX_WORDS = 10 };

/* nptl/pthreadP.h: the kinds and their flags. */
enum {
	KIND_BASE = 3, KIND_RECURSIVE = 1, KIND_ERRORCHECK = 2,
	KIND_ROBUST = 16, KIND_PRIORITY = 32, KIND_ALL = 0x3ff,
};

static bool is_mutex(const uint32_t *m)
{
	uint32_t base = m[KIND] & KIND_BASE;
	bool by_id = m[KIND] & (KIND_ROBUST | KIND_PRIORITY);

	if (m[KIND] & ~(uint32_t)KIND_ALL || m[USERS] != 1 ||
	    (!by_id && base != KIND_RECURSIVE && base != KIND_ERRORCHECK))
		return false;
	if (base == KIND_RECURSIVE ? m[COUNT] == 0 || m[COUNT] > 1 << 20 : m[COUNT] > 1)
		return false;
	if (by_id)
		return (m[LOCK] & LOCK_ID_MASK) == m[OWNER];
	/* Only robust ones are in a list. */
	return (m[LOCK] == 1 || m[LOCK] == 2) && !m[SPINS] && !m[LIST] && !m[LIST + 1] &&
	       !m[LIST + 2] && !m[LIST + 3];
}

enum rwlock_word {
	READERS, WRITERS, WRPHASE_FUTEX, WRITERS_FUTEX, WRITER = 6, SHARED, RWLOCK_WORDS = 14
};

/* nptl/pthread_rwlock_common.c: held for writing is two bits, waiting readers the third. */
static bool is_rwlock(const uint32_t *w)
{
	return (w[READERS] & 3) == 3 && w[READERS] >> 3 < 1 << 16 && w[WRPHASE_FUTEX] <= 3 &&
	       w[WRITERS_FUTEX] <= 3 && w[WRITERS_FUTEX] && w[SHARED] <= 1;
}

/* ---- Looking --------------------------------------------------------------------------------- */

struct view {
	addr_t addr;
	const char *bytes;
	size_t size;
	const struct memory *read;
};

/* Copies COUNT words at ADDR, of which a part may stand outside of what is seen. */
static bool get_words(const struct view *v, addr_t addr, uint32_t *words, size_t count)
{
	size_t size = count * sizeof *words;
	struct error err;

	if (addr >= v->addr && addr - v->addr <= v->size - size) {
		memcpy(words, v->bytes + (addr - v->addr), size);
		return true;
	}
	return v->read->read(v->read->context, addr, words, size, &err) == 0;
}

static void found(struct locks *l, addr_t word)
{
	if (l->count == LOCKS_MOST)
		l->overflow = true;
	if (l->overflow)
		return;
	addr_t *words = arena_grow(&l->arena, l->words, l->count, &l->capacity, sizeof *words);

	if (!words) {
		l->overflow = true;
		return;
	}
	l->words = words;
	words[l->count++] = word;
}

/* The word at ADDR, a multiple of 8, is an id: does it stand in a lock? */
static void look(struct locks *l, const struct view *v, addr_t addr)
{
	uint32_t words[RWLOCK_WORDS];
	addr_t mutex = addr - OWNER * sizeof(uint32_t), rwlock = addr - WRITER * sizeof(uint32_t);

	if (get_words(v, mutex, words, MUTEX_WORDS) && is_mutex(words)) {
		found(l, addr);
		if (words[KIND] & (KIND_ROBUST | KIND_PRIORITY))
			found(l, mutex);
	} else if (get_words(v, rwlock, words, RWLOCK_WORDS) && is_rwlock(words)) {
		found(l, addr);
	}
}

/* So many words are compared at a time, without a branch for each. */
enum { BLOCK = 64 };

static bool may_have_id(const uint64_t *words, uint32_t low, uint32_t range)
{
	uint32_t any = 0;

	for (size_t i = 0; i < BLOCK; i++)
		any |= (uint32_t)words[i] - low <= range;
	return any;
}

void locks_scan(struct locks *l, addr_t addr, const void *bytes, size_t size,
		const struct memory *read)
{
	const struct view view = { addr, bytes, size, read };
	uint32_t low = (uint32_t)l->ids[0], range = (uint32_t)l->ids[l->id_count - 1] - low;
	const uint64_t *words = bytes;

	for (size_t i = 0; i + BLOCK <= size / sizeof *words; i += BLOCK) {
		if (!may_have_id(words + i, low, range))
			continue;
		for (size_t k = i; k < i + BLOCK; k++)
			if ((uint32_t)words[k] - low <= range && is_id(l, (uint32_t)words[k]))
				look(l, &view, addr + k * sizeof *words);
	}
}
