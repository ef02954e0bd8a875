/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ckpt PROGRAM ARGS...: becomes a program with checkpointing enabled.
 *
 *   run_options.c   the command line
 *   resume.c        --resume: continues from a checkpoint instead
 *   same_program.c  whether that is one of the same program
 *   find_program.c  which file PROGRAM is, and of what kind
 *   library.c       libckpt.so, which this program carries along
 *   run.c           the environment, and the exec
 *
 * Nothing stays between the program and who started it: it has our process id, terminal, process
 * group and exit status.
 */
#ifndef CKPT_RUN_H
#define CKPT_RUN_H

#include <limits.h>
#include <stdbool.h>

#include "util/error.h"

/* As env(1) and restart have them. */
enum run_status { RUN_FAILED = 125, RUN_CANNOT = 126, RUN_NOT_FOUND = 127 };

struct run_options {
	const char *name;    /* -n, or NULL */
	bool continues;      /* -c */
	const char *signal;  /* -a, or NULL */
	const char *period;  /* -z, in milliseconds, or NULL */
	unsigned keep;       /* 0: not given */
	bool resume;
	char **program;      /* and its arguments */
};

/*
 * Whether the command line is one of this use; -p PID is the other.  *STATUS is -1 to go on, or the
 * exit status when all has been said.
 */
bool run_options_parse(struct run_options *o, int argc, char **argv, int *status);

/* Becomes the program, or returns the exit status, having said why. */
int run_program(const struct run_options *o);

/* ---- find_program.c ---- */

struct program_file {
	char found[PATH_MAX];  /* as it was found, absolute; a script itself.  "": unknown */
	char path[PATH_MAX];
	bool script;     /* path is its interpreter's, by which it is run */
	bool is_static;  /* has no dynamic linker that could load the library */
	bool musl;       /* has one that would fail to */
	bool set_uid;    /* runs with other rights than who starts it */
	bool foreign;    /* not of this architecture */
};

/* What NAME is, found as the shell finds it.  Returns 0 or -1 (code ENOENT: there is none). */
MUST_CHECK int program_find(struct program_file *f, const char *name, struct error *err);

/* ---- library.c ---- */

/* Where libckpt.so is, put there if need be. */
MUST_CHECK int library_place(char path[PATH_MAX], struct error *err);

/* ---- resume.c ---- */

/*
 * Becomes the program of the checkpoint NAME or, when it is not whole, of the next older one that
 * is. Returns 0 when there is none, -1 when there is one that cannot be used, or of another program
 * than F.
 */
MUST_CHECK int resume(const char *name, const struct program_file *f, struct error *err);

/* ---- same_program.c ---- */

/* How a program was found when it was started, for those that it executes as well. */
#define PROGRAM_VARIABLE "CKPT_PROGRAM"

/*
 * Refuses when the checkpoint NAME is one of another program than F; otherwise says that it goes
 * on, and in which build.
 */
MUST_CHECK int same_program(const char *name, const struct program_file *f, struct error *err);

#endif
