/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ckpt/range.h"

#include <errno.h>
#include <stdlib.h>

bool parse_range(struct range *range, const char *text)
{
	char *end;

	errno = 0;
	range->start = strtoull(text, &end, 16);
	if (*end != '-')
		return false;
	range->end = strtoull(end + 1, &end, 16);
	return !*end && !errno && range->start < range->end;
}
