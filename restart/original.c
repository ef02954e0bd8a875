/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The process that was checkpointed may still run: then two write to one file.  What is looked at
 * are the descriptors of who has its id now, so that another process than it is not accused.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "restart/plan_files.h"
#include "util/format.h"

/* Whether the process PID writes to the regular file NAME through its descriptor FD. */
static bool writes(pid_t pid, int fd, const char *name)
{
	struct stat file, theirs, access;
	char link[64];

	format(link, sizeof link, "/proc/%d/fd/%d", pid, fd);
	return stat(name, &file) == 0 && S_ISREG(file.st_mode) && stat(link, &theirs) == 0 &&
	       theirs.st_dev == file.st_dev && theirs.st_ino == file.st_ino &&
	       lstat(link, &access) == 0 && access.st_mode & S_IWUSR;
}

void check_original(const struct restore *r, struct findings *f)
{
	const struct process *p = r->process;

	/* An executable checkpoint may have the id of then. */
	if (!(p->have & HAVE_DESCRIPTORS) || p->pid <= 0 || p->pid == getpid() ||
	    r->options->alive)
		return;
	for (size_t i = 0; i < p->descriptor_count; i++) {
		const struct descriptor *d = &p->descriptors[i];
		const struct description *file = description_of(p, d);

		if (file->kind == FILE_PATH && !file->deleted && !d->in_flight &&
		    first_descriptor(r, d->description) == d && access_mode(file) != O_RDONLY &&
		    writes(p->pid, d->fd, file->name))
			findings_add(f, REMARK, "process %d still runs and writes to %s, as this "
				     "one will (end it, or name a copy with --map OLD=NEW)", p->pid,
				     file->name);
	}
}
