/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the user of restart asks for. */
#ifndef RESTART_OPTIONS_H
#define RESTART_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mode { MODE_RESTART, MODE_SHOW, MODE_PLAN, MODE_CHECK, MODE_LOG, MODE_CORE };

enum pid_policy {
	PID_AUTO,       /* keep when free and permitted, else new */
	PID_NEW,
	PID_KEEP,
	PID_NAMESPACE,  /* in a user and pid namespace of its own */
};

struct path_map {
	const char *old, *new;
	size_t old_len;
};

struct options {
	enum mode mode;
	enum pid_policy pid;
	const char *program;     /* as typed, or NULL */
	const char *core;
	const char *filedes;     /* text file, or NULL */
	bool nostop, wait, verbose, select, accept_loss, strict, lazy;
	bool tcp_established;
	bool alive;              /* check: the process itself still runs, and has what it has */
	bool become;             /* this very process becomes the restored one */
	bool breakpoint;
	uint64_t breakpoint_at;
	size_t map_count;
	struct path_map *maps;   /* --map OLD=NEW, in order */
};

/*
 * Reads the command line.  Returns -1 to go on, or the exit status when all has been said (--help,
 * --version, a wrong use).
 */
int options_parse(struct options *o, int argc, char **argv);

/*
 * The same for a checkpoint that resumes itself, the program SELF: its arguments belong to the
 * restored program, so the options are words in the environment variable CKPT_OPTIONS, and
 * CKPT_SHOW=1 is --show.
 */
int options_of_self(struct options *o, const char *self);
void options_free(struct options *o);

#endif
