/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The data of a file, without its holes. */
#ifndef UTIL_SPARSE_H
#define UTIL_SPARSE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Whether the file FD has data in [FROM, END), and where the first piece of it is.  Pieces are no
 * smaller than the file system's blocks, so there may be zeros in them; where it knows no holes,
 * all is data.  Moves the position of FD.
 *
 * A range of at most UNSEARCHED bytes is said to be data as a whole, and FD is left alone: it is
 * sooner read than searched, as tmpfs finds the next hole by looking at every page up to there.
 */
bool next_data(int fd, uint64_t from, uint64_t end, uint64_t unsearched, uint64_t *start,
	       uint64_t *stop);

#endif
