/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "elf/open.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>

#include "util/cleanup.h"

static bool is_regular(const char *path, const struct stat *st, struct error *err)
{
	if (S_ISDIR(st->st_mode))
		error_set(err, EISDIR, "%s: is a directory; name the file in it", path);
	else if (!S_ISREG(st->st_mode))
		error_set(err, EINVAL, "%s: is not a regular file; copy it to one first", path);
	return S_ISREG(st->st_mode);
}

int open_regular(const char *path, struct stat *st, struct error *err)
{
	if (stat(path, st) < 0)
		return error_sys(err, errno, "%s", path);
	if (!is_regular(path, st, err))
		return -1;
	/* O_NONBLOCK: it may have become a fifo since. */
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0 && errno == EACCES)
		return error_set(err, EACCES, "%s: permission denied; read it as its owner, or "
				 "as root", path);
	if (fd < 0 || fstat(fd, st) < 0)
		return error_sys(err, errno, "%s", path);
	if (!is_regular(path, st, err))
		return -1;
	return steal_fd(&fd);
}
