/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "restart/refusal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "elf/core_read.h"
#include "util/format.h"

enum { NAMES_MOST = 100 };

/* ---- The text to edit ------------------------------------------------------------------------ */

bool refusal_needs_edit(const struct restore *r, const struct findings *f)
{
	/* A core of ckpt has its text inside. */
	if (r->process->origin != ORIGIN_OURS || r->options->filedes)
		return false;
	for (size_t i = 0; i < f->count; i++)
		if (f->list[i].severity == OBSTACLE && strstr(f->list[i].text, "edit the "))
			return true;
	return false;
}

const char *refusal_how_to_edit(const struct restore *r)
{
	static char line[ERROR_MESSAGE_SIZE];
	const char *core = r->options->core;

	if (core_is_streamed(r->core))
		core = "CORE";
	format(line, sizeof line, r->options->become
	       ? "to edit the text in it: restart --log %s > FILE, then CKPT_OPTIONS=-fFILE %s"
	       : "to edit the text in the core: restart --log %s > FILE, then restart -fFILE %s",
	       core, core);
	format_one_line(line);
	return line;
}

/* ---- A core that is nowhere else ------------------------------------------------------------- */

/* The folder in which the file without a name is; false when it is in memory. */
static bool find_folder(int fd, char *folder)
{
	char link[64];

	format(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t len = readlink(link, folder, PATH_MAX - 1);
	if (len <= 0)
		return false;
	folder[len] = '\0';
	char *slash = strrchr(folder, '/');
	if (!slash || strncmp(folder, "/memfd:", strlen("/memfd:")) == 0)
		return false;
	*slash = '\0';
	return true;
}

/* An older file of that name stays. */
static bool give_name(int fd, const char *folder, pid_t pid, char *name, size_t size)
{
	char link[64];

	format(link, sizeof link, "/proc/self/fd/%d", fd);
	for (int i = 0; i < NAMES_MOST; i++) {
		size_t len = format(name, size, "%s/core.%d", folder, pid);

		if (i > 0 && len < size)
			len += format(name + len, size - len, ".%d", i);
		if (len >= size)
			return false;
		if (linkat(AT_FDCWD, link, AT_FDCWD, name, AT_SYMLINK_FOLLOW) == 0)
			return true;
		if (errno != EEXIST)
			return false;
	}
	return false;
}

int refusal_keep(const struct restore *r, int status)
{
	char folder[PATH_MAX], name[PATH_MAX];

	if (!r->core || !core_is_streamed(r->core) || r->started ||
	    r->options->mode != MODE_RESTART)
		return status;
	if (find_folder(core_fd(r->core), folder) && fsync(core_fd(r->core)) == 0 &&
	    give_name(core_fd(r->core), folder, r->process->pid, name, sizeof name))
		fprintf(stderr, "restart: the core that was read is kept: restart %s, or remove "
			"it\n", name);
	else
		fprintf(stderr, "restart: the core that was read could not be kept\n");
	return status;
}
