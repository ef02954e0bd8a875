/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "restart/program.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "restart/exit.h"

static bool is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* The first file NAME in PATH that may be executed, or NULL. */
static char *search_path(const char *name)
{
	const char *path = getenv("PATH");

	for (const char *p = path, *end; p; p = *end ? end + 1 : NULL) {
		char *candidate;

		end = strchrnul(p, ':');
		if (asprintf(&candidate, "%.*s%s%s", (int)(end - p), p, end > p ? "/" : "", name) <
		    0)
			return NULL;
		if (is_file(candidate) && access(candidate, X_OK) == 0)
			return candidate;
		free(candidate);
	}
	return NULL;
}

int program_find(struct restore *r, struct error *err)
{
	const char *typed = r->options->program;

	/* What needs no file of the old machine takes none that has its name here. */
	if (!typed && core_is_embedded(r->core))
		return 0;
	if (!typed) {
		const char *exe = r->process->exe;

		/*
		 * Read as well as executed: ptrace cannot look into a program that may not be read.
		 */
		if (exe && is_file(exe) && access(exe, R_OK | X_OK) == 0)
			r->program = strdup(exe);
		return 0;
	}
	r->program = strchr(typed, '/') || is_file(typed) ? strdup(typed) : search_path(typed);
	if (!r->program || !is_file(r->program)) {
		error_sys(err, r->program && errno ? errno : ENOENT, "%s", typed);
		return EXIT_NOT_FOUND;
	}
	if (access(r->program, X_OK) < 0) {
		error_sys(err, errno, "%s: cannot be executed", typed);
		return EXIT_CANNOT_RUN;
	}
	if (access(r->program, R_OK) < 0) {
		free(r->program);
		r->program = NULL;
	}
	return 0;
}
