/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "util/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/format.h"

static int open_directory(const char *path, const char *name)
{
	enum { FLAGS = O_PATH | O_DIRECTORY | O_CLOEXEC };
	size_t len = (size_t)(name - path);
	char directory[PATH_MAX];

	if (!len)
		return open(".", FLAGS);
	if (len >= sizeof directory) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(directory, path, len);
	directory[len] = '\0';
	return open(directory, FLAGS);
}

/* A name that nobody can foresee. */
static int open_temporary(struct replacement *r, mode_t mode)
{
	for (int tries = 0; tries < 100; tries++) {
		uint64_t random;

		if (getrandom(&random, sizeof random, GRND_NONBLOCK) != sizeof random)
			return -1;
		format(r->temporary, sizeof r->temporary, ".restart-%016llx",
		       (unsigned long long)random);
		int fd = openat(r->directory, r->temporary,
				O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);

		if (fd >= 0 || errno != EEXIST)
			return fd;
	}
	return -1;
}

/* /dev/null, a link to it, a directory: nothing that a text or a core should take the place of. */
static bool may_replace(const struct replacement *r)
{
	struct stat st;

	return fstatat(r->directory, r->name, &st, AT_SYMLINK_NOFOLLOW) < 0 || S_ISREG(st.st_mode);
}

int replacement_begin(struct replacement *r, const char *path, mode_t mode, struct error *err)
{
	const char *slash = strrchr(path, '/');

	r->path = path;
	r->name = slash ? slash + 1 : path;
	if (!*r->name)
		return error_set(err, EISDIR, "%s: is not the name of a file", path);
	r->directory = open_directory(path, r->name);
	if (r->directory < 0)
		return error_sys(err, errno, "%s: cannot open its directory", path);
	if (!may_replace(r)) {
		close(r->directory);
		return error_set(err, EEXIST, "%s: is there and not a regular file; "
				 "give another name", path);
	}
	r->fd = open_temporary(r, mode);
	if (r->fd < 0) {
		int code = errno;

		close(r->directory);
		return error_sys(err, code, "%s: cannot create a file beside it", path);
	}
	return 0;
}

void replacement_abandon(struct replacement *r)
{
	if (r->fd >= 0)
		close(r->fd);
	unlinkat(r->directory, r->temporary, 0);
	close(r->directory);
}

int replacement_commit(struct replacement *r, struct error *err)
{
	bool synced = fsync(r->fd) == 0 || errno == EINVAL;

	if (!synced)
		error_sys(err, errno, "%s: cannot write it to the disk", r->path);
	/*
	 * Closed first: a program that somebody has open for writing cannot be executed (ETXTBSY).
	 */
	close(r->fd);
	r->fd = -1;
	if (synced && renameat(r->directory, r->temporary, r->directory, r->name) == 0) {
		close(r->directory);
		return 0;
	}
	if (synced)
		error_sys(err, errno, "%s: cannot replace it", r->path);
	replacement_abandon(r);
	return -1;
}
