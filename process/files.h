/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The model of open files, in detail: what an open file description of each kind holds beyond its
 * offset and its flags.  Part of process.h.
 */
#ifndef PROCESS_FILES_H
#define PROCESS_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

struct file_handle;

/* What tells a file from all others: the numbers that stat() shows. */
struct file_id {
	uint64_t device, inode;
};

struct epoll_watch {
	int fd;          /* the descriptor watched, by the number it had when the watch began */
	int through;     /* a descriptor that has the file now: FD as a rule */
	bool seen;       /* EPOLLET: what there is to report has been reported */
	uint32_t events; /* without any but flags: an EPOLLONESHOT that has gone off */
	uint64_t data;
};

struct timerfd {
	int clock;              /* CLOCK_* */
	uint64_t ticks;         /* expirations that nobody has read */
	uint32_t flags;         /* TFD_TIMER_*; the time is absolute with TFD_TIMER_ABSTIME */
	struct timespec value;  /* the next expiration: from now on, or absolute; zero: none */
	struct timespec interval;
};

struct inotify_watch {
	int wd;
	uint32_t mask;       /* IN_* */
	/* As the source saw them; the text does not have them. */
	struct file_id id;
	const struct file_handle *handle;
	const char *path;    /* NULL: not found */
	int line;            /* of the text it stands on; 0 when none */
};

/* A regular file as it was, so that a restart can say how it has changed. */
struct file_stamp {
	bool known;
	struct file_id id;
	uint64_t size;
	struct timespec modified;
};

struct extent {
	uint64_t offset, size;
	const uint8_t *bytes;
};

/*
 * A regular file that no path opens: a memfd, or a file whose last name was removed.  The
 * descriptions (struct file_stamp) and mappings of it have its id.
 */
struct nameless {
	struct file_id id;
	bool memfd;
	const char *name;   /* that the memfd was given, or the path that the file had */
	uint64_t size;
	uint32_t mode;      /* permissions */
	uint32_t seals;     /* F_SEAL_* */
	bool saved;         /* the extents are its contents; what is between them is zeros */
	size_t extent_count, extent_capacity;
	struct extent *extents;  /* sorted, disjoint */
};

enum lock_kind { LOCK_FLOCK, LOCK_POSIX, LOCK_OFD, LOCK_LEASE };

struct file_lock {
	enum lock_kind kind;
	bool exclusive;       /* for writing */
	uint64_t start, end;  /* the last byte; UINT64_MAX: whatever the end of the file is */
};

/* Who gets the signals of a descriptor that can send some (fcntl(2), F_SETOWN and F_SETSIG). */
struct file_owner {
	enum { OWNER_NONE, OWNER_THREAD, OWNER_PROCESS, OWNER_GROUP } kind;
	pid_t id;
	int signal;           /* 0: SIGIO */
};

#endif
