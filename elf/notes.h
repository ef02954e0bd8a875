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

/*
 * The notes of our own cores: doc/core-format.md.  gdb looks at the type of a note whoever owns it,
 * so theirs are none of the small numbers that NT_PRSTATUS and its like have.
 */
#define NOTE_OWNER_OURS "RESTART"
enum {
	NOTE_STATE = 0x53544154,      /* "STAT": the text of process/statelog.h */
	NOTE_CHECKSUMS = 0x53554d53,  /* "SUMS": a struct note_checksums */
	NOTE_MACHINE = 0x4d414348,    /* "MACH": the text of elf/core_machine.h */
	NOTE_EMBEDDED = 0x454d4244,   /* "EMBD": in a program of ours, elf/embedded.h */
};

/* Where the table of checksums is.  All numbers are in the byte order of the core. */
struct note_checksums {
	uint32_t version;    /* CHECKSUMS_VERSION; 0: the core has no such note */
	uint32_t algorithm;  /* CHECKSUMS_XXH3: see elf/checksum.h */
	uint64_t offset;     /* of the table, in the file */
	uint64_t count;      /* of its entries; behind them is the hash of them all */
};

enum { CHECKSUMS_VERSION = 1, CHECKSUMS_XXH3 = 1 };

/* A range of the file.  The first entry is all that stands before the first segment. */
struct checksum_entry {
	uint64_t start, size;  /* the address, in the process; whole pages */
	uint64_t offset;       /* in the file */
	uint64_t hash;
};

/* All notes of a core together: room for 70,000 threads with the largest registers. */
enum { CORE_NOTES_MAX = 1 << 30 };

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
	bool ours;                 /* it has a note of owner NOTE_OWNER_OURS */
	const char *state;         /* the text, NUL-terminated; NULL: no such note */
	size_t state_size;
	const char *machine;       /* the text, NUL-terminated; NULL: no such note */
	struct note_checksums checksums;
};

/* What the notes are made of: notes_prepare() fills the rest from the model. */
struct note_source {
	const struct process *p;
	const char *state;    /* NULL: no such note */
	size_t state_size;
	const char *machine;  /* NULL: no such note */
	struct note_checksums checksums;
	void *files;          /* the descriptor of NT_FILE, for free(); NULL: no file is mapped */
	size_t files_size;
	char scratch[512];    /* the descriptor of the note that is being made */
};

/* Where the kernel writes a note: in these places, each time in the order of the table. */
enum note_place {
	NOTE_OF_THREAD,   /* at the head of every thread's notes; its registers follow */
	NOTE_OF_PROCESS,  /* once, before the registers of the first thread */
	NOTE_AT_END,      /* behind the last thread */
};

struct note_kind {
	const char *owner;
	uint32_t type;
	const char *name;
	enum note_place place;
	size_t size_min;  /* a shorter one is damaged */

	/* Reading: puts what the note says where it belongs. */
	int (*fill)(struct core_notes *to, const struct note *n, struct error *err);
	/* Writing: sets n->desc and n->size; false when there is nothing to say of thread T. */
	bool (*make)(struct note_source *from, const struct thread *t, struct note *n);
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

/* ---- Reading ---------------------------------------------------------------------------- */

/* Puts what the note N says where it belongs; a note that nobody knows is passed over. */
MUST_CHECK int note_fill(struct core_notes *to, const struct note *n, struct error *err);

/* After the last note: checks that what they said is whole, and puts the leader first. */
MUST_CHECK int notes_finish(struct core_notes *to, struct error *err);

/* ---- Writing ---------------------------------------------------------------------------- */

/*
 * Makes ready what several notes need; free FROM->files afterwards.  Refuses a model that no core
 * can hold.
 */
MUST_CHECK int notes_prepare(struct note_source *from, struct error *err);

/* Told of every note in turn.  Returns -1 to stop there. */
typedef int note_taker(void *context, const struct note *n, struct error *err);

/* Makes all notes, in the kernel's order, and hands them to TAKE. */
MUST_CHECK int notes_make(struct note_source *from, note_taker *take, void *context,
			  struct error *err);

/* Hands the bytes of a note, with all padding, to PUT piece by piece. */
MUST_CHECK int note_put(const struct note *n,
			int (*put)(void *context, const void *bytes, size_t size,
				   struct error *err), void *context, struct error *err);

/* The bytes that a note takes in the file. */
uint64_t note_stored_size(const struct note *n);

#endif
