/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/io.h"
#include "util/sparse.h"

enum { CHUNK = 1 << 16 };

static bool takes_holes(int fd)
{
	int flags = fcntl(fd, F_GETFL);
	struct stat st;

	return flags >= 0 && !(flags & O_APPEND) && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	       lseek(fd, 0, SEEK_CUR) == st.st_size;
}

static int write_zeros(int to, uint64_t size)
{
	static const char zeros[CHUNK];

	for (uint64_t n; size; size -= n) {
		n = size < CHUNK ? size : CHUNK;
		if (write_full(to, zeros, n) < 0)
			return -1;
	}
	return 0;
}

static int copy_data(int from, uint64_t at, uint64_t end, int to)
{
	char bytes[CHUNK];

	while (at < end) {
		ssize_t n = pread_full(from, bytes, end - at < CHUNK ? end - at : CHUNK, at);

		if (n == 0)
			errno = ENODATA;
		if (n <= 0 || write_full(to, bytes, (size_t)n) < 0)
			return -1;
		at += (uint64_t)n;
	}
	return 0;
}

int copy_sparse(int from, uint64_t offset, uint64_t size, int to)
{
	uint64_t at = offset, end = offset + size, start, stop;
	bool holes = takes_holes(to);
	struct stat st;

	if (fstat(from, &st) < 0)
		return -1;
	if (end < offset || end > (uint64_t)st.st_size) {
		errno = ENODATA;
		return -1;
	}
	for (; at < end; at = stop) {
		if (!next_data(from, at, end, 0, &start, &stop))
			start = stop = end;
		if (holes ? lseek(to, (off_t)(start - at), SEEK_CUR) < 0
			  : write_zeros(to, start - at) < 0)
			return -1;
		if (copy_data(from, start, stop, to) < 0)
			return -1;
	}
	/* There may be a hole at the end. */
	return holes ? ftruncate(to, lseek(to, 0, SEEK_CUR)) : 0;
}
