/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For the tests of state texts: one text at a time, its model, its last warning and its error. */
#ifndef TESTS_UNIT_PARSE_TEXT_H
#define TESTS_UNIT_PARSE_TEXT_H

#include <stdio.h>
#include <string.h>

#include "process/statelog.h"

static struct process p;
static struct error err;
static char warning[ERROR_MESSAGE_SIZE];

static void keep_warning(void *context, const char *message)
{
	(void)context;
	snprintf(warning, sizeof warning, "%s", message);
}

/* Parses TEXT into p, which is emptied first. */
__attribute__((unused))
static bool parse(const char *text)
{
	process_free(&p);
	warning[0] = '\0';
	err.message[0] = '\0';
	return statelog_parse(&p, "log", text, strlen(text), keep_warning, NULL, &err) == 0;
}

/* What descriptor FD is open on; something that is nothing when there is none. */
__attribute__((unused))
static const struct description *file_of(int fd)
{
	static const struct description none = { .kind = (enum file_kind)-1, .name = "" };
	const struct descriptor *d = process_descriptor(&p, fd);

	return d ? &p.descriptions[d->description] : &none;
}

#endif
