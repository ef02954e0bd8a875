/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The notes of a core file, as one table that its reader and its writer share.
 *
 * A note is matched by owner *and* type: the types of "CORE" and "LINUX" overlap.  Name and
 * descriptor are padded to 4 bytes (8 in some notes of programs).
 *
 *     namesz | descsz | type | owner, padded | descriptor, padded
 *
 * The kernel and gdb write NT_PRSTATUS at the head of each thread's notes; those that belong to
 * the whole process stand before, or among those of the first thread.
 *
 * Registers besides the general ones come from the table of the architecture (process/arch.h).
 */
#ifndef ELF_NOTES_H
#define ELF_NOTES_H

#include <stdbool.h>

#include "process/process.h"

/* The note of our own cores that holds the text of process/statelog.h. */
#define NOTE_OWNER_STATE "RESTART"
enum { NOTE_STATE = 1 };

/* Offsets and sizes of the XSAVE components (linux/elf.h has it since Linux 6.12). */
enum { NOTE_XSAVE_LAYOUT = 0x205 };

struct note {
	const char *owner;  /* owner_size bytes, with their NUL as a rule */
	size_t owner_size;
	uint32_t type;
	const void *desc;   /* any alignment */
	size_t size;
};

/* A range of NT_FILE: memory that is mapped from a file. */
struct file_range {
	addr_t start, end;
	uint64_t offset;   /* in bytes */
	const char *path;  /* without " (deleted)" */
	bool deleted;      /* no path opens it: unlinked, memfd, anonymous shared memory, ... */
};

/* What the notes say beyond what struct process has a place for. */
struct core_notes {
	struct process *p;
	struct file_range *files;  /* sorted by start, disjoint */
	size_t file_count;
	uint64_t file_unit;        /* NT_FILE's page_size field; 0: no such note */
	bool has_psinfo;
	const char *state;         /* the text, NUL-terminated; NULL: no such note */
	size_t state_size;
};

struct note_kind {
	const char *owner;
	uint32_t type;
	const char *name;
	bool thread;      /* of one thread, not of the process */
	size_t size_min;  /* a shorter one is damaged */
	int (*fill)(struct core_notes *to, const struct note *n, struct error *err);
};

extern const struct note_kind note_kinds[];
extern const size_t note_kind_count;

/*
 * Takes the note at *AT of the SIZE bytes of NOTES and moves *AT behind it.  Returns 1, 0 at the
 * end, or -1 when the note reaches beyond it.  ALIGN is 4 or 8.
 */
MUST_CHECK int note_next(const void *notes, size_t size, size_t align, size_t *at,
			 struct note *n);

bool note_is(const struct note *n, const char *owner, uint32_t type);

/* Puts what the note N says where it belongs; a note that nobody knows is passed over. */
MUST_CHECK int note_fill(struct core_notes *to, const struct note *n, struct error *err);

/* After the last note: checks that what they said is whole, and puts the leader first. */
MUST_CHECK int notes_finish(struct core_notes *to, struct error *err);

#endif
