/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Replacing a file whole: what is written goes to a file with another, unpredictable name in the
 * same directory, and takes the place of the old file only when it is complete and on the disk.  A
 * crash leaves the old file or the new one, never half of one; nobody can put a link in the way; a
 * process that maps the old file keeps it.
 *
 * Async-signal-safe.
 */
#ifndef UTIL_REPLACE_H
#define UTIL_REPLACE_H

#include <limits.h>
#include <sys/types.h>

#include "util/error.h"

struct replacement {
	int fd;         /* to be written; closed by commit or abandon */
	int directory;  /* held, so that all happens in the same one */
	const char *path;
	const char *name;  /* the last component of path */
	char temporary[NAME_MAX + 1];
};

/* Begins to replace PATH, which must outlive R, by a file with mode MODE. */
MUST_CHECK int replacement_begin(struct replacement *r, const char *path, mode_t mode,
				 struct error *err);

/* Syncs what was written and gives it its name.  On failure the old file is as it was. */
MUST_CHECK int replacement_commit(struct replacement *r, struct error *err);

/* Leaves the old file as it was. */
void replacement_abandon(struct replacement *r);

#endif
