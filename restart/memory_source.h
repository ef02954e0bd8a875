/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where each mapping of the model comes from: for what is checked and for what is planned. */
#ifndef RESTART_MEMORY_SOURCE_H
#define RESTART_MEMORY_SOURCE_H

#include "restart/restore.h"

enum source {
	SOURCE_NONE,       /* not restored here: the vdso, or the user said no */
	SOURCE_CORE,       /* mapped from the core: --lazy */
	SOURCE_COPY,       /* anonymous, contents read from the core */
	SOURCE_FILE,       /* mapped from its file */
	SOURCE_ANONYMOUS,  /* zeros */
	SOURCE_SHARED,     /* made before the others: shared.h */
	SOURCE_NAMELESS,   /* mapped from a file that restart has made: shared.h */
};

/* How the mapping INDEX comes back. */
enum source source_of(const struct restore *r, size_t index);

/* No file that a path leads to. */
bool anonymous_or_gone(const struct mapping *m);

/*
 * The kernel saves the first page of an ELF file's mapping although the file has it (and
 * check_memory() has found it to be the same): mapping the file keeps one mapping one mapping, and
 * tells the next core where the program is.  A core that has what follows too does not need the
 * file.
 */
bool is_saved_header(const struct restore *r, const struct mapping *m);

/* check_mappings.c: how many mappings there will be, at least; an obstacle when LIMIT is less. */
size_t mappings_needed(const struct restore *r);
void check_mappings_allowed(const struct restore *r, struct findings *f, size_t limit);

#endif
