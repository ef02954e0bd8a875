/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Opening a file that a core file or a user names.
 *
 * A hostile core may name a fifo, a tape or a terminal as a mapped file: merely opening one can
 * block or do something, so only regular files are opened.
 */
#ifndef ELF_OPEN_H
#define ELF_OPEN_H

#include <sys/stat.h>

#include "util/error.h"

/* Opens the regular file PATH for reading.  Returns the descriptor with *ST filled, or -1. */
MUST_CHECK int open_regular(const char *path, struct stat *st, struct error *err);

#endif
