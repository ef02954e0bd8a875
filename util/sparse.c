/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "util/sparse.h"

#include <errno.h>
#include <unistd.h>

bool next_data(int fd, uint64_t from, uint64_t end, uint64_t unsearched, uint64_t *start,
	       uint64_t *stop)
{
	off_t data, hole;

	*start = from;
	*stop = end;
	if (from >= end || end - from <= unsearched)
		return from < end;
	data = lseek(fd, (off_t)from, SEEK_DATA);
	if ((data < 0 && errno == ENXIO) || (data >= 0 && (uint64_t)data >= end))
		return false;
	if (data >= 0)
		*start = (uint64_t)data;
	hole = lseek(fd, (off_t)*start, SEEK_HOLE);
	if (hole > 0 && (uint64_t)hole > *start && (uint64_t)hole < end)
		*stop = (uint64_t)hole;
	return true;
}
