/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What restart reads: the core, and the text that says what the core lacks. */
#ifndef RESTART_INPUT_H
#define RESTART_INPUT_H

#include "elf/core_read.h"
#include "process/statelog.h"
#include "restart/options.h"

struct input {
	struct core *core;
	struct process process;  /* of the core, and what the text adds */
	struct process text;     /* which it points into */
	const char *note;        /* the text inside the core, or NULL */
	size_t note_size;
};

/*
 * Reads both as the options name them, and puts them together.  WARN is told of odd lines.  Free
 * IN afterwards, on failure too.
 */
MUST_CHECK int input_read(struct input *in, const struct options *o, statelog_warning *warn,
			  struct error *err);

void input_free(struct input *in);

#endif
