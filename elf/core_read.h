/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading a core file, of the kernel's or of gdb's dialect, into the model.
 */
#ifndef ELF_CORE_READ_H
#define ELF_CORE_READ_H

#include "process/process.h"

/* An open core file: what the model's memory is read from. */
struct core;

/*
 * Fills the empty model P from the core PATH, which may be compressed, and `-` for standard input
 * (elf/spool.h): identity, threads with all their regsets, mappings (each with where its bytes
 * are), auxiliary vector, memory.  Every number in the file is checked against the file's size
 * before use; a truncated core is refused with what is missing.  When the core holds a state note
 * (owner RESTART), *STATE points to its text and *STATE_SIZE is its length; otherwise *STATE is
 * NULL.
 *
 * Returns the core, which must outlive P, or NULL with the error.  Reading memory goes through
 * p->mappings as they are at that time, so P must stay where it is; it may be refined by a text.
 */
struct core *core_read(struct process *p, const char *path, const char **state,
		       size_t *state_size, struct error *err);

/* The core's descriptor, for mapping its segments.  It stays the core's. */
int core_fd(const struct core *c);

/* The text of elf/core_machine.h, in the arena of the model; NULL when the core has none. */
const char *core_machine(const struct core *c);

/*
 * Whether it is inside a program that resumes it: then it holds the pages of mapped files too, and
 * needs none of them.
 */
bool core_is_embedded(const struct core *c);

/* Whether it came through a pipe, and the file that core_fd() has is all there is of it. */
bool core_is_streamed(const struct core *c);

/* Writes the core alone to FD; holes stay holes where FD can have them. */
MUST_CHECK int core_extract(const struct core *c, int fd, struct error *err);

void core_close(struct core *c);

/*
 * Whether the core file PATH is as core_write() left it: compares every checksum in it with what it
 * protects.  Refuses a core that has none (the kernel's, gdb's).
 */
MUST_CHECK int core_check(const char *path, struct error *err);

/* The same for the headers and notes alone, and for the memory alone, of a core that was read. */
MUST_CHECK int core_check_head(const struct core *c, struct error *err);
MUST_CHECK int core_check_memory(const struct core *c, struct error *err);

/* Whether the core has checksums. */
bool core_has_checksums(const struct core *c);

#endif
