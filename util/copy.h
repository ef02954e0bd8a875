/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copying a part of a file, with its holes. */
#ifndef UTIL_COPY_H
#define UTIL_COPY_H

#include <stdint.h>

#include "util/error.h"

/*
 * Copies SIZE bytes from OFFSET on of the regular file FROM to TO, at its position.  Holes stay
 * holes when TO is a regular file that ends at its position; elsewhere they are written as zeros.
 * Returns 0, or -1 with errno set (ENODATA when FROM is shorter).
 */
MUST_CHECK int copy_sparse(int from, uint64_t offset, uint64_t size, int to);

#endif
