/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "process/procfs_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "process/procfs_private.h"

int proc_dir_open(struct proc_dir *dir, int *fd, pid_t pid, const char *what, struct error *err)
{
	char name[PROC_NAME_SIZE];

	proc_name(name, pid, "%s", what);
	*fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd < 0)
		return proc_error(err, errno, pid, what);
	dir->fd = *fd;
	dir->pid = pid;
	dir->what = what;
	dir->at = dir->len = 0;
	return 0;
}

int proc_dir_next(struct proc_dir *dir, uint64_t *number, struct error *err)
{
	for (;;) {
		if (dir->at >= dir->len) {
			long n = syscall(SYS_getdents64, dir->fd, dir->buf, sizeof dir->buf);

			if (n < 0)
				return proc_error(err, errno, dir->pid, dir->what);
			if (n == 0)
				return 0;
			dir->at = 0;
			dir->len = (size_t)n;
		}
		const struct dirent64 *d = (const void *)(dir->buf + dir->at);
		const char *name = d->d_name;

		dir->at += d->d_reclen;
		if (*name >= '0' && *name <= '9') {
			*number = parse_number(&name, 10);
			return 1;
		}
	}
}
