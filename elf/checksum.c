/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "elf/checksum.h"

#include <stdbool.h>
#include <string.h>
#include <xxhash.h>

int checksum_open(struct checksum *c)
{
	c->state = XXH3_createState();
	return c->state ? 0 : -1;
}

void checksum_close(struct checksum *c)
{
	XXH3_freeState(c->state);
	c->state = NULL;
}

void checksum_begin(struct checksum *c)
{
	XXH3_64bits_reset(c->state);
	c->next = UINT64_MAX;
}

void checksum_add(struct checksum *c, uint64_t offset, const void *pages, size_t size)
{
	if (offset != c->next)
		XXH3_64bits_update(c->state, &offset, sizeof offset);
	XXH3_64bits_update(c->state, pages, size);
	c->next = offset + size;
}

uint64_t checksum_end(const struct checksum *c)
{
	return XXH3_64bits_digest(c->state);
}

uint64_t checksum_bytes(const void *bytes, size_t size)
{
	return XXH3_64bits(bytes, size);
}

/* All bytes are equal when each equals its neighbour. */
static bool is_zero(const char *page)
{
	return page[0] == 0 && memcmp(page, page + 1, CHECKSUM_PAGE - 1) == 0;
}

size_t leading_zeros(const char *pages, size_t size)
{
	size_t n = 0;

	while (n < size && is_zero(pages + n))
		n += CHECKSUM_PAGE;
	return n;
}

size_t leading_data(const char *pages, size_t size)
{
	size_t n = 0;

	while (n < size && !is_zero(pages + n))
		n += CHECKSUM_PAGE;
	return n;
}
