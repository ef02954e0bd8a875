/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where a checkpoint goes: standard output, a core file, or an executable.  A file takes the place
 * of an older one only when it is complete and on the disk.
 */
#ifndef CKPT_OUTPUT_H
#define CKPT_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "util/replace.h"

struct output {
	const char *name;   /* of the file; "-" is standard output */
	bool executable;    /* a program that resumes the core in it: see elf/embedded.h */
	unsigned keep;      /* older checkpoints to keep as NAME.1, NAME.2, ... */
	uint64_t core;      /* where the core begins in the file */
	struct replacement file;
};

/*
 * Opens O, whose name, executable and keep are set, before the process
 * is stopped, so that it stands still for no file that cannot be had.
 * A signal that ends ckpt from now on leaves no unfinished file.
 */
MUST_CHECK int output_open(struct output *o, struct error *err);

/* Where the core is to be written to, at its position. */
int output_fd(const struct output *o);

/*
 * The core of SIZE bytes is complete: syncs the file and gives it its name.  On failure as abandon.
 */
MUST_CHECK int output_finish(struct output *o, uint64_t size, struct error *err);

/* Leaves the old file as it was. */
void output_abandon(struct output *o);

#endif
