/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fuzz harness of the state text: what parses can be written, the written text parses, and says the
 * same.  It is added to itself, too, as restart adds the text to a core.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "process/statelog.h"
#include "tests/unit/same_model.h"
#include "util/io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WRITTEN_MAX = 16 * 1024 * 1024 };

static void require(bool good, const char *what, const struct error *err)
{
	if (good)
		return;
	fprintf(stderr, "fuzz_statelog: %s: %s\n", what, err->message);
	abort();
}

/* The text of P in the arena A. */
static char *write_text(const struct process *p, struct arena *a, size_t *len)
{
	static int fd = -1;
	struct error err = { 0 };
	char path[40], *text;

	if (fd < 0)
		fd = memfd_create("statelog", MFD_CLOEXEC);
	require(fd >= 0 && ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0, "memfd", &err);
	require(statelog_write(p, fd, &err) == 0, "what was read cannot be written", &err);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	text = read_file(a, path, WRITTEN_MAX, len, &err);
	require(text, "what was written cannot be read", &err);
	return text;
}

static void unexpected_warning(void *context, const char *message)
{
	struct error err = { 0 };

	(void)context;
	snprintf(err.message, sizeof err.message, "%s", message);
	require(false, "our own text gives a warning", &err);
}

static void check_round_trip(struct process *p)
{
	struct arena a = { 0 };
	struct error err = { 0 };
	struct process again;
	size_t len;
	char *text = write_text(p, &a, &len);

	process_init(&again);
	require(statelog_parse(&again, "written", text, len, unexpected_warning, NULL, &err) == 0,
		"what was written does not parse", &err);
	require(same_model(p, &again), "what was written says something else", &err);
	require(process_merge(p, &again, &err) == 0, "cannot be merged", &err);
	require(same_model(p, &again), "merging with itself changes it", &err);
	process_free(&again);
	arena_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = { 0 };
	struct process p;

	process_init(&p);
	if (statelog_parse(&p, "input", (const char *)data, size, NULL, NULL, &err) == 0)
		check_round_trip(&p);
	else
		require(err.message[0] && !memchr(err.message, '\n', strlen(err.message)),
			"the message is not one line", &err);
	process_free(&p);
	return 0;
}
