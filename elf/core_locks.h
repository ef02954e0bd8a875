/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The locks that process/locks.h found while a core of ours was
 * written: the end of the file, behind the table of checksums.
 *
 *	count | addresses of 32-bit words, 8 bytes each | the XXH3 of all that
 *
 * A count of CORE_LOCKS_UNKNOWN stands alone: there were too many.
 */
#ifndef ELF_CORE_LOCKS_H
#define ELF_CORE_LOCKS_H

#include "elf/core_check.h"

#define CORE_LOCKS_UNKNOWN UINT64_MAX

uint64_t core_locks_hash(uint64_t count, const addr_t *words);

/* The bytes of it that there are in any case, and those more that its count promises. */
uint64_t core_locks_least(void);
uint64_t core_locks_more(const struct core_sums *sums);

/* Whether it is as it was written. */
bool core_locks_sound(const struct core_sums *sums);

/*
 * *WORDS (in the arena of the model) and *COUNT are the
 * locks of the core C.  Returns false when it does not say.
 */
bool core_locks(const struct core *c, struct arena *arena, const addr_t **words, size_t *count);

#endif
