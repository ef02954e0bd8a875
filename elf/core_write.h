/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writing the model as a core file, from which core_read() fills an equal one.
 *
 * The file is an ordinary core, laid out as the kernel lays out its own, so that gdb, eu-readelf
 * and readelf read it; doc/core-format.md has the whole of it, with our own notes.
 *
 *     ELF header | program headers | (section header) | notes | zeros to the next page
 *     the bytes of each SAVED mapping, page aligned
 *     the table of checksums
 *
 * The file is written from its start to its end, once: to a pipe as well as to a disk.  In a
 * regular file pages that are zero are left as holes.  Compressed, it is what zstd(1) makes of it.
 *
 * A mapping becomes one PT_LOAD:
 *
 *     SAVED                 p_filesz = p_memsz; the bytes are asked from the source
 *     FILE, ZERO, MISSING   p_filesz 0; what has a path stands in NT_FILE
 *
 * [vsyscall] and whatever else lies above the user's addresses is left out: every process has it.
 *
 * The writer takes 8 MiB of buffers and the size of one copy of NT_FILE.
 */
#ifndef ELF_CORE_WRITE_H
#define ELF_CORE_WRITE_H

#include "process/process.h"

/* Where the bytes of the SAVED mappings come from.  Called from the writer's own thread only. */
struct core_source {
	/*
	 * Finds the next run of pages in [FROM, END) that may not be zero: returns 1 and sets
	 * [*START, *STOP), whole pages; 0 when there is none; or -1.  What it passes over is zero.
	 * Zero pages in a run cost a read and no room in the file.
	 */
	int (*next)(void *context, addr_t from, addr_t end, addr_t *start, addr_t *stop,
		    struct error *err);
	/* Reads the LEN bytes at ADDR, whole pages of a run. */
	int (*read)(void *context, addr_t addr, void *buf, size_t len, struct error *err);
	void *context;
};

/* The source that reads the whole of each mapping through process_read(). */
struct core_source core_source_of(const struct process *p);

struct core_write_options {
	const char *name;    /* of the file, for messages */
	int compress;        /* the level, of elf/compress.h; 0: not */
	const char *kernel;  /* the release of the kernel that the process ran on, or NULL */
	const char *cpu;     /* the features of its cpu (elf/cpu_features.h), or NULL */
	/* Told now and then how many bytes of the SAVED mappings have been dealt with; or NULL. */
	void (*progress)(void *context, uint64_t done, uint64_t total);
	void *context;
};

struct core_write_stats {
	uint64_t size;         /* of the file, with its holes, before it is compressed */
	uint64_t written;      /* bytes of it that were written, compressed if it is */
	uint64_t pages_saved;  /* of memory */
	uint64_t pages_zero;   /* of SAVED mappings, left out */
	uint64_t segments;     /* PT_LOAD */
};

/*
 * Writes P as a core to FD, from the descriptor's position on.  STATE is the text of
 * statelog_write() for the state note, or NULL for none.  STATS may be NULL.
 *
 * Nothing is synced; on failure part of a core has been written, which the caller throws away.
 */
MUST_CHECK int core_write(const struct process *p, const struct core_source *memory,
			  const char *state, size_t state_size, int fd,
			  const struct core_write_options *o, struct core_write_stats *stats,
			  struct error *err);

#endif
