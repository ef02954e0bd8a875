/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fuzz harness of the core writer and of the checksums: whatever core can be read can be written,
 * is read back equal and is found sound.  Verifying the input itself ends with a line at most.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "elf/core_machine.h"
#include "elf/core_read.h"
#include "elf/core_write.h"
#include "tests/unit/same_core.h"
#include "util/io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool good, const char *what, const char *detail)
{
	if (good)
		return;
	fprintf(stderr, "fuzz_copy: %s: %s\n", what, detail);
	abort();
}

static const char *new_file(int *fd, char path[40])
{
	if (*fd < 0)
		*fd = memfd_create("core", MFD_CLOEXEC);
	require(*fd >= 0 && ftruncate(*fd, 0) == 0 && lseek(*fd, 0, SEEK_SET) == 0, "memfd",
		"cannot be emptied");
	snprintf(path, 40, "/proc/self/fd/%d", *fd);
	return path;
}

/* Reads the copy and compares it.  A command line is written with a NUL, as the kernel does. */
static void compare(const struct process *p, const char *copy)
{
	struct error err = { 0 };
	struct process q;
	const char *state, *what;
	size_t state_size;

	process_init(&q);
	struct core *core = core_read(&q, copy, &state, &state_size, &err);

	require(core, "the copy cannot be read", err.message);
	if (!p->command_line || strlen(p->command_line) < 80) {
		what = different_core(p, &q);
		require(!what, "the copy is not equal", what ? what : "");
	}
	require(q.origin == ORIGIN_OURS, "the copy is not ours", copy);
	core_close(core);
	process_free(&q);
}

static void copy_core(const char *path)
{
	static int fd = -1;
	struct core_write_options options = { .name = "copy" };
	struct error err = { 0 };
	struct process p;
	const char *state;
	size_t state_size;
	char copy[40], value[8];

	process_init(&p);
	struct core *core = core_read(&p, path, &state, &state_size, &err);

	if (core) {
		struct core_source memory = core_source_of(&p);

		core_machine_value(core_machine(core), "arch", value, sizeof value);
		new_file(&fd, copy);
		require(core_write(&p, &memory, state, state_size, fd, &options, NULL, &err) == 0,
			"a core that can be read cannot be written", err.message);
		compare(&p, copy);
		require(core_check(copy, &err) == 0, "the copy is not sound", err.message);
	}
	core_close(core);
	process_free(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	struct error err = { 0 };
	char path[40];

	new_file(&fd, path);
	require(write_full(fd, data, size) == 0, "memfd", "cannot be written");
	if (core_check(path, &err) < 0)
		require(err.message[0] && !memchr(err.message, '\n', strlen(err.message)),
			"the message is not one line", err.message);
	copy_core(path);
	return 0;
}
