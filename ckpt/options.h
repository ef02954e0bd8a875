/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the user of ckpt asks for. */
#ifndef CKPT_OPTIONS_H
#define CKPT_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "ckpt/leave_out.h"
#include "ckpt/terminal.h"

struct options {
	pid_t pid;
	const char *output;  /* file, or "-" */
	bool executable;     /* one that resumes itself */
	unsigned keep;       /* older checkpoints to keep */
	char default_output[32];
	int compress;        /* the level, of elf/compress.h; 0: not */
	uint64_t unlinked_max;  /* bytes of files without a name to keep */
	const char *log;     /* file for the state text, or NULL */
	bool accept_loss;    /* end it although a restart will be without something */
	bool kill, stop, verbose, stats, json;
	bool tcp_established;

	/* Asked for by libckpt, from inside the process. */
	bool exit;           /* as kill, but the process ends by exit_group(0) */
	int status_fd;       /* where it reads how far this is, or -1 */
	struct leave_out leave_out;
	struct range spare;
	bool has_modes;      /* that the terminal gets back as the process ends */
	unsigned char modes[TERMINAL_MODES];
};

/*
 * Reads the command line.  Returns -1 to go on, or the exit status when all has been said (--help,
 * --version, a wrong use).
 */
int options_parse(struct options *o, int argc, char **argv);

#endif
