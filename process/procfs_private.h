/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Shared by the procfs*.c files: names below /proc/PID, small files, links, and reading numbers.
 * Async-signal-safe, as all of procfs is.
 */
#ifndef PROCESS_PROCFS_PRIVATE_H
#define PROCESS_PROCFS_PRIVATE_H

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "process/process.h"

enum { PROC_NAME_SIZE = 80 };

/* Puts "/proc/PID/" and the formatted rest into NAME; PID 0 is the caller ("/proc/self/"). */
void proc_name(char name[PROC_NAME_SIZE], pid_t pid, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Why /proc/PID/WHAT could not be had, from errno CODE: one line that names the process.  -1. */
int proc_error(struct error *err, int code, pid_t pid, const char *what);

/* Whether the error says that the thread or descriptor has gone while we were reading. */
bool proc_vanished(const struct error *err);

/* Reads at most SIZE - 1 bytes of /proc/PID/WHAT and a NUL.  The length, or -1 with the error. */
MUST_CHECK ssize_t proc_read(pid_t pid, const char *what, char *buf, size_t size,
			     struct error *err);

/* Reads the link /proc/PID/WHAT.  A name longer than PATH_MAX is an error. */
MUST_CHECK int proc_link(pid_t pid, const char *what, char path[PATH_MAX], struct error *err);

/*
 * The open file description behind descriptor FD of PID, through a descriptor of ours: nothing may
 * be changed through it.  -1 with errno.  For the caller itself (PID 0) it is FD, as closing a
 * duplicate would drop the file's POSIX locks.
 */
int proc_borrow(pid_t pid, int fd);
void proc_give_back(pid_t pid, int fd);

/*
 * A name from the kernel that ends in " (deleted)": true, having cut the ending, when that is the
 * kernel's remark and not the end of the file's own name.  FILE is what stat() told of the file, or
 * NULL when it could not be asked; without a device number in it the inode number alone decides.
 */
bool proc_strip_deleted(pid_t pid, char *path, const struct stat *file);

/* Reads the number at *TEXT in BASE (8, 10, 16) after any blanks, and moves *TEXT behind it. */
uint64_t parse_number(const char **text, unsigned base);

/* Behind PREFIX when TEXT begins with it, else NULL. */
const char *after(const char *text, const char *prefix);

/* Behind the line of TEXT that begins with KEY, after the key; NULL when there is none. */
const char *find_line(const char *text, const char *key);

/*
 * Whether the contents of N are in a mapping that every core has (a kernel's, too): they need not
 * be in the text as well, unless they are small.
 */
bool procfs_is_mapped(const struct process *p, const struct nameless *n);

/* Adds the files without a name that are only mapped; their contents are in the memory. */
MUST_CHECK int procfs_note_mapped(struct process *p, struct error *err);

/* The segments that the mappings of P show. */
MUST_CHECK int procfs_read_segments(struct process *p, struct error *err);

/* The error of an arena that is full.  Returns -1. */
int no_memory(struct error *err);

#endif
