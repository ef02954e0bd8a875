/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading and writing whole buffers: interrupted and partial transfers are continued.
 * Async-signal-safe.
 */
#ifndef UTIL_IO_H
#define UTIL_IO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/arena.h"
#include "util/error.h"

/* Writes LEN bytes.  Returns 0, or -1 with errno set (ENOSPC when nothing more fits). */
MUST_CHECK int write_full(int fd, const void *buf, size_t len);
MUST_CHECK int pwrite_full(int fd, const void *buf, size_t len, uint64_t offset);

/* Reads until LEN bytes or the end of file.  Returns the bytes read, or -1 with errno set. */
MUST_CHECK ssize_t read_full(int fd, void *buf, size_t len);
MUST_CHECK ssize_t pread_full(int fd, void *buf, size_t len, uint64_t offset);

/*
 * Reads the whole of a file whose size is not known before (as in /proc) into the arena, with a NUL
 * behind it.  *LEN, when asked for, is its length without the NUL.  Refuses more than LIMIT bytes.
 */
MUST_CHECK char *read_file(struct arena *a, const char *path, size_t limit, size_t *len,
			   struct error *err);

#endif
