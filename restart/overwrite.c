/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "restart/overwrite.h"

#include <fnmatch.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "util/cleanup.h"
#include "util/format.h"
#include "util/io.h"

enum { NAME_SIZE = 4096 };

/* core_pattern as a glob: what varies is `*`, the old process id stands for itself. */
static void make_glob(const struct restore *r, const char *pattern, char *glob, size_t size)
{
	size_t len = 0;

	for (const char *p = pattern; *p && *p != '\n' && len + 16 < size; p++) {
		if (*p != '%' || !p[1])
			glob[len++] = *p;
		else if (*++p == '%')
			glob[len++] = '%';
		else if ((*p == 'p' || *p == 'P') && r->keep_ids)
			len += format(glob + len, size - len, "%d", r->process->pid);
		else if (*p != 'p' && *p != 'P')
			glob[len++] = '*';
		else
			len += format(glob + len, size - len, "-");  /* a new id: another name */
	}
	glob[len] = '\0';
}

static bool same_directory(const char *a, const char *b)
{
	struct stat sa, sb;

	return stat(a, &sa) == 0 && stat(b, &sb) == 0 && sa.st_dev == sb.st_dev &&
	       sa.st_ino == sb.st_ino;
}

/* However it was named; NULL for a copy without a name, which nothing overwrites. */
static char *path_of(int fd)
{
	char link[64];

	format(link, sizeof link, "/proc/self/fd/%d", fd);
	return realpath(link, NULL);
}

bool core_may_be_overwritten(const struct restore *r)
{
	const struct process *p = r->process;
	struct arena arena = { 0 };
	char glob[NAME_SIZE], with_pid[NAME_SIZE + 16];
	struct error err;
	char *pattern = read_file(&arena, "/proc/sys/kernel/core_pattern", NAME_SIZE, NULL, &err);
	cleanup_free char *core = path_of(core_fd(r->core));
	bool may = false;

	if (pattern && pattern[0] != '|' && core) {
		make_glob(r, pattern, glob, sizeof glob);
		char *slash = strrchr(glob, '/');
		const char *name = strrchr(core, '/') + 1;
		const char *match = slash ? slash + 1 : glob;

		/* The kernel may append the process id by itself (core_uses_pid, threads). */
		format(with_pid, sizeof with_pid, "%s.%d", match, p->pid);
		may = fnmatch(match, name, 0) == 0 ||
		      (r->keep_ids && fnmatch(with_pid, name, 0) == 0);
		if (may && !(slash && strchr(glob, '*') && strchr(glob, '*') < slash)) {
			const char *into = slash ? glob : p->have & HAVE_CWD ? p->cwd : ".";

			if (slash)
				*slash = '\0';
			may = same_directory(*into ? into : "/", dirname(core));
		}
	}
	arena_free(&arena);
	return may;
}
