/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Shared by the files that read the open files of a process: procfs_files.c lists the descriptors,
 * procfs_kinds.c knows their kinds, procfs_shared.c finds those that share a description,
 * procfs_fdinfo.c reads what fdinfo tells, procfs_pipes.c looks into pipes.
 */
#ifndef PROCESS_PROCFS_FILES_H
#define PROCESS_PROCFS_FILES_H

#include <sys/stat.h>

#include "process/process.h"

/* A descriptor with its own copy of the description, before those that are shared are joined. */
struct entry {
	struct descriptor descriptor;
	struct description description;
	mode_t mode;        /* of the file; 0: not known */
	ino_t inode;
	bool other_reads, other_writes;  /* a pipe or fifo: some descriptor of the process does */
	bool has_contents;  /* of the descriptors of a pipe, the one that tells what is in it */
	pid_t pid;          /* where to look at it: this process (0: ours) ... */
	int at;             /* ... has it as this descriptor */
	bool in_flight;     /* the process has none: it came out of a socket of its own */
	size_t index;       /* of its descriptor in the model */
};

struct entries {
	struct entry *all;  /* by descriptor */
	size_t count, capacity;
	bool locks;         /* some of them have file locks */
	size_t searches;    /* entries of directories that may still be looked at for inotify */
	pid_t pid;
};

/*
 * Sets the kind of D, which PID has open, by NAME, the target of its link, and ST, NULL when that
 * is not known.  NAME, which has room for PATH_MAX, becomes what the text calls it.
 */
void procfs_take_kind(struct description *d, pid_t pid, char *name, const struct stat *st);

/*
 * Finds for every entry the first one with the same description: first[i] <= i.  Marks the ends of
 * each pipe with what the process has of it.
 */
MUST_CHECK int procfs_find_shared(struct process *p, const struct entries *entries, size_t **first,
				  struct error *err);

/* Fills E's description with what fdinfo tells of it. */
MUST_CHECK int procfs_read_fdinfo(struct process *p, struct entry *e, struct error *err);

/*
 * Adds our descriptor FD, which was on its way in a socket of the process, and sets *INDEX to its
 * place in ENTRIES.  All of them are let go in the end.
 */
MUST_CHECK int procfs_add_in_flight(struct process *p, struct entries *entries, int fd,
				    size_t *index, struct error *err);

/* Whether it is a pipe, or a fifo. */
bool entry_is_pipe(const struct entry *e);

/*
 * Adds to D, the description of E, what waits in the pipe, its size, and whether its other end is
 * closed.
 */
MUST_CHECK int procfs_read_pipe(struct process *p, const struct entry *e, struct description *d,
				struct error *err);

/*
 * Notes how the regular file of E is, by ST; and that it has no name, when no path opens it.  Once
 * all are noted, adds the contents of those, up to p->contents_max bytes.
 */
MUST_CHECK int procfs_note_file(struct process *p, struct entry *e, const struct stat *st,
				struct error *err);
MUST_CHECK int procfs_read_contents(struct process *p, const struct entries *entries,
				    struct error *err);

/*
 * procfs_terminals.c: whether D is a terminal or the master of one; and
 * adds to D, which is one and that of E, what is known of it in process PID.
 */
bool procfs_is_terminal(const struct description *d);
MUST_CHECK int procfs_read_terminal(struct process *p, pid_t pid, const struct entry *e,
				    struct description *d, struct error *err);

/* Adds to D who gets the signals of the borrowed descriptor FD. */
void procfs_read_owner(int fd, struct description *d);

/* Adds to D, the description of E, what an epoll or inotify tells of its watches beyond fdinfo. */
void procfs_read_watches(struct process *p, struct entries *entries, const struct entry *e,
			 struct description *d);

/*
 * Looks for the paths of what the inotify D watches, among *LEFT entries of directories at most,
 * which are counted down.  Those of which none is found stay NULL.
 */
void procfs_find_paths(struct process *p, pid_t pid, struct description *d, size_t *left);

#endif
