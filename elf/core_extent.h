/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How large a core may be, by its headers, while it comes in piece by piece.
 */
#ifndef ELF_CORE_EXTENT_H
#define ELF_CORE_EXTENT_H

#include <stdbool.h>
#include <stdint.h>

struct core_extent {
	bool certain;   /* all headers have been seen */
	bool no_core;   /* it is none, or none that can be read: its reader will say why */
	uint64_t most;  /* bytes */
};

/*
 * Looks at the first HAVE bytes of a core, in the file FD.  Until it is certain, MOST is enough to
 * become so.
 */
void core_extent(struct core_extent *e, int fd, uint64_t have);

#endif
