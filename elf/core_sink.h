/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The file that a core is written to: bytes at offsets that only grow.
 *
 * What is never put stays a hole in a regular file and is written as zeros to anything else (a
 * pipe, a device, a file opened for appending or positioned before its end).  The whole may be
 * compressed on its way.
 *
 * The caller fills one buffer while a thread of the sink's own writes the others, so that reading
 * memory and writing the file take the time of the slower, not of both.  Where no thread can be had
 * the caller writes.
 */
#ifndef ELF_CORE_SINK_H
#define ELF_CORE_SINK_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "elf/compress.h"
#include "util/error.h"

enum {
	SINK_PAGE = 4096,
	/*
	 * Bytes: what a disk takes at once, and what stays
	 * in the processor's cache until it is written.
	 */
	SINK_BUFFER = 1 << 20,
	SINK_BUFFERS = 8,
	SINK_EXTENTS = SINK_BUFFER / SINK_PAGE,
};

/* Bytes of a buffer that are contiguous in the file. */
struct sink_extent {
	uint64_t offset;    /* in the file */
	uint32_t at, size;  /* in the buffer */
};

struct sink_buffer {
	char *bytes;  /* SINK_BUFFER of them */
	size_t used;
	bool last;    /* nothing comes after it */
	size_t extent_count;
	struct sink_extent extents[SINK_EXTENTS];
};

struct core_sink {
	int fd;
	int direct;          /* for large writes to a disk, or -1: elf/direct.h */
	const char *name;    /* of the file, for messages */
	bool sparse;         /* holes may be left */
	bool packed;         /* it is compressed, by packer */
	struct packer packer;
	uint64_t base;       /* where our bytes begin in the file */
	uint64_t position;   /* from there, up to where they are written, before compression */
	uint64_t written;    /* bytes that were written, without the holes left */
	struct sink_buffer *buffers;

	/* The caller's: the buffer it fills, and what it knows. */
	size_t filling;
	bool threaded;
	int failure;         /* errno of the first write that failed, or 0 */

	/* Under the lock: the queue of full buffers, from oldest on. */
	size_t oldest, full;
	bool closing;
	int thread_failure;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
};

/*
 * Prepares to write to FD from its current position on, compressed with LEVEL of compress.h, or as
 * it is with 0.  Offsets count from there.
 */
MUST_CHECK int sink_open(struct core_sink *s, int fd, const char *name, int level,
			 struct error *err);

/*
 * Returns room for the caller to fill, page aligned, *SIZE bytes (whole pages, at least one); or
 * NULL with the error when writing has failed meanwhile.
 */
MUST_CHECK char *sink_room(struct core_sink *s, size_t *size, struct error *err);

/* Puts the SIZE bytes at AT (page aligned, as OFFSET) of the room to OFFSET in the file. */
void sink_put(struct core_sink *s, uint64_t offset, size_t at, size_t size);

/* The first SIZE bytes of the room have been dealt with; the room is no longer valid. */
void sink_advance(struct core_sink *s, size_t size);

/* Waits until all is written, and leaves FD positioned behind it. */
MUST_CHECK int sink_flush(struct core_sink *s, struct error *err);

/* Ends the thread and frees the buffers.  What was not flushed may be lost. */
void sink_close(struct core_sink *s);

#endif
