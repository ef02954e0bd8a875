/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which memory may be mapped from the core instead of being copied (--lazy).
 *
 * A private mapping of a file is not anonymous memory:
 *
 *	mremap()	lets it grow into the file's next bytes, or past its end, which kills it
 *	MADV_DONTNEED	brings back the file's bytes; programs rely on zeros (jemalloc's calloc)
 *	MADV_FREE, MADV_WIPEONFORK, names of anonymous memory: refused
 *
 * So only memory is mapped whose owner is known and does none of this, or is stopped from it: the
 * heap that grows by brk(), and the blocks and arenas of glibc's and musl's malloc, recognised by
 * their own records in the memory; and what was a private mapping of a file already, which only an
 * executable checkpoint saves.  All else is copied.
 *
 * A block that realloc() enlarges by mremap() has its first page copied.  It then is two mappings
 * of the kernel at least, for which mremap() fails (mm/mremap.c: EFAULT), and realloc() copies the
 * block to a new one.  The first page, not the last: a block that was shrunk before loses its last
 * one.
 */
#ifndef RESTART_LAZY_H
#define RESTART_LAZY_H

#include "restart/restore.h"

struct lazy_part {
	addr_t copied;  /* up to here it must be copied... */
	addr_t end;     /* ...and from there up to here it may be mapped; nothing when equal */
};

/* How many pages of a process are searched for blocks that stand behind unknown memory. */
enum { LAZY_SEARCHED_PAGES = 1024 };

/*
 * What begins at AT, in a range of the process that is saved, is mapped like M, and ends at END.
 * *PAGES is how many pages may yet be searched.
 */
struct lazy_part lazy_part_at(const struct restore *r, const struct mapping *m, addr_t at,
			      addr_t end, size_t *pages);

#endif
