/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The checksum of a range of a core file (algorithm CHECKSUMS_XXH3): it guards against corruption,
 * not against malice.
 *
 * Copying a sparse file may fill its holes, or make holes of its zeros.  The checksum is therefore
 * one of the pages that are not all zero, and of where they are: for each maximal run of such
 * pages, the offset of the run within the range as 8 bytes, then the bytes of the run, all
 * through the 64-bit XXH3.
 */
#ifndef ELF_CHECKSUM_H
#define ELF_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

#include "util/error.h"

/* The unit in which zeros are told from data: the page size of the architecture. */
enum { CHECKSUM_PAGE = 4096 };

struct XXH3_state_s;

struct checksum {
	struct XXH3_state_s *state;
	uint64_t next;  /* the offset behind the last run */
};

/* Returns 0, or -1 when there is no memory. */
MUST_CHECK int checksum_open(struct checksum *c);
void checksum_close(struct checksum *c);

/* Starts another range. */
void checksum_begin(struct checksum *c);

/* Adds SIZE bytes of whole pages, none of them all zero, at OFFSET, which never goes back. */
void checksum_add(struct checksum *c, uint64_t offset, const void *pages, size_t size);

uint64_t checksum_end(const struct checksum *c);

/* The plain XXH3 of SIZE bytes. */
uint64_t checksum_bytes(const void *bytes, size_t size);

/* How many of the SIZE bytes, in whole pages from the first on, are all zero; are not all zero. */
size_t leading_zeros(const char *pages, size_t size);
size_t leading_data(const char *pages, size_t size);

#endif
