/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * copy_core FROM [TO [STATE]]: reads a core and writes it again, to a new file or to standard
 * output, with the text STATE if given.
 * copy_core --check CORE: verifies its checksums.
 * copy_core --same CORE CORE: whether both say the same; the first difference is told.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "elf/core_read.h"
#include "elf/core_write.h"
#include "tests/unit/same_core.h"

static const char *state;
static size_t state_size;

static int say(const char *what)
{
	fprintf(stderr, "copy_core: %s\n", what);
	return 1;
}

static bool read_core(struct process *p, const char *path)
{
	struct error err;

	process_init(p);
	return core_read(p, path, &state, &state_size, &err) || (say(err.message), false);
}

static int copy(const char *from, const char *to, const char *text)
{
	struct core_write_options options = { .name = to ? to : "standard output",
					      .kernel = "6.1.0" };
	struct core_source memory;
	struct process p;
	struct error err;
	int fd = to ? open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : STDOUT_FILENO;

	if (fd < 0)
		return say(to);
	if (!read_core(&p, from))
		return 1;
	if (text) {
		state = text;
		state_size = strlen(text);
	}
	memory = core_source_of(&p);
	return core_write(&p, &memory, state, state_size, fd, &options, NULL, &err) < 0 ?
		say(err.message) : 0;
}

static int same(const char *a, const char *b)
{
	struct process p, q;
	const char *what = read_core(&p, a) && read_core(&q, b) ? different_core(&p, &q) :
								  "one cannot be read";

	return what ? say(what) : 0;
}

int main(int argc, char **argv)
{
	struct error err;

	if (argc == 3 && strcmp(argv[1], "--check") == 0)
		return core_check(argv[2], &err) < 0 ? say(err.message) : 0;
	if (argc == 4 && strcmp(argv[1], "--same") == 0)
		return same(argv[2], argv[3]);
	if (argc < 2 || argc > 4)
		return say("see the comment in its source");
	return copy(argv[1], argc > 2 ? argv[2] : NULL, argc > 3 ? argv[3] : NULL);
}
