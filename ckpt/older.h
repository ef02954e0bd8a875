/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The core that a process was restarted from, while it still maps it: an executable checkpoint, or
 * what was given to restart --lazy.
 *
 * To the kernel the code of such a process is a part of that core, or, where there was too little
 * of it to be mapped, anonymous memory.  Its note NT_FILE tells which program and which libraries
 * it was, and the next core shall tell it too: debuggers find their symbols by it, and restart
 * maps from an executable what was mapped from files.  Only the names are taken from there, never
 * a byte of memory.
 */
#ifndef CKPT_OLDER_H
#define CKPT_OLDER_H

#include "elf/core_write.h"
#include "process/process.h"

struct core;

struct older {
	bool *mapped;            /* of each mapping: it is private, and of a core */
	struct process process;  /* as it was then */
	struct core *core;       /* NULL: it is not there any more, or was not of this process */
	uint64_t inode;
};

/* Looks for it among the COUNT mappings OLD of the process PID.  Close O after a failure, too. */
MUST_CHECK int older_find(struct older *o, const struct mapping *old, size_t count, pid_t pid,
			  struct error *err);
void older_close(struct older *o);

/*
 * The first part of MAP that was mapped from a file then and still is what it was: the same place
 * of the core is mapped there, or, in anonymous memory, SOURCE has the same bytes.  Returns false
 * when there is none; otherwise *PART has the file and the offset of then, as long as O is open.
 * What may be written to is the process's own, and never such a part.
 */
bool older_next(const struct older *o, const struct mapping *map, const struct core_source *source,
		struct mapping *part);

/* MAP from START to END alone. */
struct mapping older_part(const struct mapping *map, addr_t start, addr_t end);

#endif
