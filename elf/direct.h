/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writing to a disk past the page cache (O_DIRECT): the disk takes the pages from where they are
 * while the processor does something else, and the sync at the end has nothing left to write.  1
 * GiB on ext4 with its fsync() took 0.5 s so, and 0.7 to 3 s through the cache.
 *
 * Small pieces are slow: each waits for the disk.  They are better left to the cache.
 */
#ifndef ELF_DIRECT_H
#define ELF_DIRECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	DIRECT_UNIT = 4096,       /* addresses, offsets and sizes are multiples of this */
	DIRECT_MIN = 128 * 1024,  /* bytes that are worth it */
};

/*
 * Opens the regular file of FD, which is open for writing, once more: the flags of FD itself may
 * be shared with other processes.  -1 where the file system does not do it (tmpfs has nothing but
 * a cache).
 */
int direct_open(int fd);

/* Whether SIZE bytes at BYTES may be, and had better be, written directly to OFFSET. */
bool direct_fits(const void *bytes, size_t size, uint64_t offset);

#endif
