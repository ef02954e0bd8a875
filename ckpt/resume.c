/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "ckpt/run.h"
#include "elf/embedded.h"
#include "util/cleanup.h"
#include "util/format.h"

enum { OLDER_MOST = 1000 };

/* 1: whole.  0: not there.  -1: something else. */
static int look_at(const char *name, struct error *err)
{
	cleanup_fd int fd = open(name, O_RDONLY | O_CLOEXEC);
	struct embedded e;

	if (fd < 0)
		return errno == ENOENT ? 0 : error_sys(err, errno, "%s", name);
	int found = embedded_find(fd, name, &e, err);
	if (found < 0)
		return -1;
	if (!found || e.kind != EMBEDDED_CORE)
		return error_set(err, ENOEXEC, "%s: is there and no checkpoint", name);
	return 1;
}

static int become(const char *name, const struct program_file *f, struct error *err)
{
	char *argv[] = { (char *)name, NULL }, *environment[] = { NULL };

	if (same_program(name, f, err) < 0)
		return -1;
	execve(name, argv, environment);
	return error_sys(err, errno, "%s: cannot be executed", name);
}

int resume(const char *name, const struct program_file *f, struct error *err)
{
	char older[PATH_MAX];
	struct error first, other;
	bool found = false;

	for (int i = 0; i < OLDER_MOST; i++) {
		if (i > 0 && format(older, sizeof older, "%s.%d", name, i) >= sizeof older)
			break;
		int is = look_at(i ? older : name, &other);

		if (is > 0 && found)
			fprintf(stderr, "ckpt: %s; an older one is whole\n", first.message);
		if (is > 0)
			return become(i ? older : name, f, err);
		if (is < 0 && !found)
			first = other;
		found |= is < 0;
		if (is == 0 && i > 0)
			break;
	}
	if (found)
		error_set(err, first.code, "%s; there is none to continue from (give another name, "
			  "or remove it to start the program afresh)", first.message);
	return found ? -1 : 0;
}
