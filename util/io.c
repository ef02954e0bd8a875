/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "util/io.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "util/cleanup.h"

int write_full(int fd, const void *buf, size_t len)
{
	const char *p = buf;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = ENOSPC;
		if (n <= 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int pwrite_full(int fd, const void *buf, size_t len, uint64_t offset)
{
	const char *p = buf;

	while (len) {
		ssize_t n = pwrite(fd, p, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = ENOSPC;
		if (n <= 0)
			return -1;
		p += n;
		len -= (size_t)n;
		offset += (size_t)n;
	}
	return 0;
}

ssize_t read_full(int fd, void *buf, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = read(fd, (char *)buf + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

ssize_t pread_full(int fd, void *buf, size_t len, uint64_t offset)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, (char *)buf + done, len - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

char *read_file(struct arena *a, const char *path, size_t limit, size_t *len, struct error *err)
{
	size_t size = 64 * 1024;
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0) {
		error_sys(err, errno, "%s", path);
		return NULL;
	}
	/*
	 * A file of /proc must be read from its start in one sitting, so try again with more room.
	 */
	for (;; size *= 2) {
		char *buf = arena_alloc(a, size + 1);
		ssize_t n = buf && lseek(fd, 0, SEEK_SET) == 0 ? read_full(fd, buf, size) : -1;

		if (n < 0) {
			error_sys(err, errno, "%s", path);
			return NULL;
		}
		if ((size_t)n < size) {
			buf[n] = '\0';
			if (len)
				*len = (size_t)n;
			return buf;
		}
		if (size >= limit) {
			error_set(err, EFBIG, "%s: larger than %zu bytes", path, limit);
			return NULL;
		}
	}
}
