/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "elf/core_locks.h"

#include <stdlib.h>

#include "elf/checksum.h"
#include "process/locks.h"
#include "util/cleanup.h"
#include "util/io.h"

uint64_t core_locks_hash(uint64_t count, const addr_t *words)
{
	uint64_t size = count == CORE_LOCKS_UNKNOWN ? 0 : count * sizeof *words;

	return checksum_bytes(words, size) ^ count;
}

uint64_t core_locks_least(void)
{
	return 2 * sizeof(uint64_t);
}

/* Where it begins in the file. */
static uint64_t place(const struct core_sums *sums)
{
	return sums->base + sums->note.offset + core_sums_size(&sums->note);
}

static uint64_t read_count(const struct core_sums *sums)
{
	uint64_t count;

	return pread_full(sums->fd, &count, sizeof count, place(sums)) == sizeof count ? count : 0;
}

uint64_t core_locks_more(const struct core_sums *sums)
{
	uint64_t count = read_count(sums);

	/* More is damage, which core_locks_sound() finds. */
	return count > LOCKS_MOST ? 0 : count * sizeof(addr_t);
}

/* Reads COUNT addresses and the hash behind them. */
static bool read_words(const struct core_sums *sums, uint64_t count, addr_t *words)
{
	uint64_t at = place(sums) + sizeof count, size = count * sizeof *words, hash;

	return pread_full(sums->fd, words, size, at) == (ssize_t)size &&
	       pread_full(sums->fd, &hash, sizeof hash, at + size) == sizeof hash &&
	       hash == core_locks_hash(count, words);
}

bool core_locks_sound(const struct core_sums *sums)
{
	uint64_t count = read_count(sums), hash;

	if (count == CORE_LOCKS_UNKNOWN)
		return pread_full(sums->fd, &hash, sizeof hash, place(sums) + sizeof count) ==
		       sizeof hash && hash == core_locks_hash(count, NULL);
	if (count > LOCKS_MOST)
		return false;
	cleanup_free addr_t *words = malloc(count * sizeof *words + 1);

	return words && read_words(sums, count, words);
}

bool core_locks(const struct core *c, struct arena *arena, const addr_t **words, size_t *count)
{
	const struct core_sums *sums = core_sums(c);
	uint64_t number;
	addr_t *list;

	if (sums->note.version != CHECKSUMS_VERSION || (number = read_count(sums)) > LOCKS_MOST)
		return false;
	list = arena_alloc(arena, number * sizeof *list + 1);
	if (!list || !read_words(sums, number, list))
		return false;
	*words = list;
	*count = number;
	return true;
}
