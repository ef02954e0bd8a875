/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A file inside a program.  A checkpoint that resumes itself is a program of ours with a core
 * behind it; the command ckpt carries libckpt.so in the same way.
 *
 *	the program, an ELF file; its note of owner RESTART, type NOTE_EMBEDDED, tells of
 *	    zeros, to a whole page
 *	    the embedded file, to the end
 *
 * The note is in the program from the start, with zeros in it: elf/embedded_note.S.
 */
#ifndef ELF_EMBEDDED_H
#define ELF_EMBEDDED_H

#include <stdint.h>

#include "util/error.h"

enum embedded_kind { EMBEDDED_NOTHING, EMBEDDED_CORE, EMBEDDED_LIBRARY };

/* The descriptor of the note. */
struct embedded {
	uint32_t version;  /* EMBEDDED_VERSION */
	uint32_t kind;     /* enum embedded_kind */
	uint64_t offset;   /* of the embedded file, whole pages; 0 while there is none */
	uint64_t size;
};

enum { EMBEDDED_VERSION = 1 };

/*
 * Looks into the file FD, called PATH in messages: whether it is a program of ours with something
 * in it.  Returns 1 with *E filled, 0 when it is anything else (a core, another program), or -1
 * when what it should hold is cut off or damaged.
 */
MUST_CHECK int embedded_find(int fd, const char *path, struct embedded *e, struct error *err);

/*
 * The path of the program that is running, when it holds something
 * of KIND (whole or cut off); or NULL.  Works without /proc.
 */
const char *embedded_self(enum embedded_kind kind);

/*
 * Writes to the empty file FD the program that is running, without what it may hold, and positions
 * FD where the embedded file begins, at *OFFSET.
 */
MUST_CHECK int embedded_begin(int fd, const char *path, uint64_t *offset, struct error *err);

/* Tells the program in FD that SIZE bytes of KIND stand at OFFSET. */
MUST_CHECK int embedded_finish(int fd, const char *path, enum embedded_kind kind, uint64_t offset,
			       uint64_t size, struct error *err);

#endif
