/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef UTIL_BYTES_H
#define UTIL_BYTES_H

#include <stdbool.h>
#include <string.h>

static inline bool all_zero(const void *bytes, size_t len)
{
	const char *b = bytes;

	return len == 0 || (b[0] == 0 && memcmp(b, b + 1, len - 1) == 0);
}

#endif
