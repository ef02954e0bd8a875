/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Opening a core that a user names: a file, a compressed file (zstd), standard input, a pipe.
 *
 * What cannot be read at any place, or is compressed, is first written to a file without a name,
 * which is gone with the last process that has it: in $TMPDIR, /tmp or the folder of the core, or,
 * where none can have such a file, in memory.  Pages of zeros are holes there.  It is told by its
 * first bytes whether a core is compressed, not by its name.
 */
#ifndef ELF_SPOOL_H
#define ELF_SPOOL_H

#include <stdbool.h>
#include <sys/stat.h>

#include "util/error.h"

/* What messages call the core PATH: "standard input" for "-". */
const char *spool_name(const char *path);

/*
 * Opens the core PATH for reading at any place; "-" is standard input, which is read to its end.
 * *SPOOLED says whether the descriptor is of a copy.  *ST tells of the file that is read; st_mtim
 * is zero where nothing tells when the core was made.
 *
 * A compressed core that is cut off or corrupted, and one that is larger than its headers say, is
 * refused.  Whether the core itself is whole is for its reader to see.
 */
MUST_CHECK int spool_open(const char *path, struct stat *st, bool *spooled, struct error *err);

#endif
