/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The numbered entries of a directory of /proc (fd, task), without opendir(), which allocates.
 */
#ifndef PROCESS_PROCFS_DIR_H
#define PROCESS_PROCFS_DIR_H

#include "process/process.h"

struct proc_dir {
	int fd;
	pid_t pid;
	const char *what;
	size_t at, len;  /* the next entry in buf, and the bytes that are there */
	char buf[8192] __attribute__((aligned(8)));
};

/* Opens /proc/PID/WHAT (PID 0: the caller).  *FD, which dir uses, is the caller's to close. */
MUST_CHECK int proc_dir_open(struct proc_dir *dir, int *fd, pid_t pid, const char *what,
			     struct error *err);

/* The next number: returns 1, or 0 at the end, or -1 with the error. */
MUST_CHECK int proc_dir_next(struct proc_dir *dir, uint64_t *number, struct error *err);

#endif
