/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the kernel keeps for memory besides its protection: advice (madvise), locks (mlock), names,
 * protection keys, guard regions.
 *
 * A trait describes one mapping of the kernel's; the mappings of the model may be parts of it.
 */
#ifndef PROCESS_TRAITS_H
#define PROCESS_TRAITS_H

#include <stdint.h>

enum trait_flags {
	TRAIT_DONTFORK = 1 << 0,
	TRAIT_DONTDUMP = 1 << 1,
	TRAIT_WIPEONFORK = 1 << 2,
	TRAIT_HUGEPAGE = 1 << 3,
	TRAIT_NOHUGEPAGE = 1 << 4,
	TRAIT_MERGEABLE = 1 << 5,
	TRAIT_SEQUENTIAL = 1 << 6,
	TRAIT_RANDOM = 1 << 7,
	TRAIT_LOCKED = 1 << 8,
	TRAIT_ONFAULT = 1 << 9,     /* with LOCKED: only what is touched */
	TRAIT_NORESERVE = 1 << 10,  /* MAP_NORESERVE */
	TRAIT_DROPPABLE = 1 << 11,  /* MAP_DROPPABLE */
	TRAIT_SEALED = 1 << 12,     /* mseal() */
	TRAIT_READONLY = 1 << 13,   /* shared, and mprotect() cannot make it writable */
	TRAIT_USERFAULT = 1 << 14,  /* faults are another's business: userfaultfd */
	TRAIT_DEVICE = 1 << 15,     /* not memory but what a driver has put there */
	TRAIT_GROWSDOWN = 1 << 16,  /* read from /proc only: in the model it is the mapping's */
};

enum { TRAIT_PKEY_MAX = 15 };

struct trait {
	uint64_t start, end;
	uint32_t flags;       /* enum trait_flags */
	uint32_t pkey;        /* 0: the default key */
	uint64_t page_size;   /* of hugetlb memory, in bytes; 0: ordinary */
	uint64_t resident;    /* bytes in memory or swapped out (smaps); no part of the text */
	const char *name;     /* PR_SET_VMA_ANON_NAME; NULL: none */
	int line;             /* of the text it stands on; 0 when none */
};

/* Pages that no access may touch although the mapping allows it: MADV_GUARD_INSTALL. */
struct guard {
	uint64_t start, end;
	int line;
};

#endif
