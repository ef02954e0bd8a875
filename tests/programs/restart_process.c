/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Invariant: the memory of a process (data, bss, heap, a large block, the stack, thread-local) and
 * its identity in /proc (name, command line, environment, program) are after the restart what they
 * were; time goes on.  With INPLACE set the program in /proc may be another one.
 */
#include <fcntl.h>
#include <string.h>
#include <time.h>

#include "tests/programs/restart_victim.h"

enum { LARGE = 8 << 20, FILES = 4 };

static const char *const names[FILES] = { "comm", "cmdline", "environ", "exe" };
static int data[1000] = { 1 }, bss[1000];
static __thread int local = 5;

struct text {
	char bytes[16384];
	ssize_t size;
};

static void read_own(const char *name, struct text *t)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/self/%s", name);
	t->size = readlink(path, t->bytes, sizeof t->bytes);
	if (t->size < 0) {
		int fd = open(path, O_RDONLY);

		t->size = read(fd, t->bytes, sizeof t->bytes);
		close(fd);
	}
	CHECK(t->size > 0);
}

int main(int argc, char **argv)
{
	static struct text before[FILES], after;
	struct timespec then, now;
	volatile int stack[1000];
	char *heap = strdup("heap"), *large = malloc(LARGE);

	for (int i = 0; i < 1000; i++)
		data[i] = bss[i] = stack[i] = i * argc;
	memset(large, 'x', LARGE);
	local = argc;
	for (int i = 0; i < FILES; i++)
		read_own(names[i], &before[i]);
	clock_gettime(CLOCK_MONOTONIC, &then);

	checkpoint();

	clock_gettime(CLOCK_MONOTONIC, &now);
	CHECK(now.tv_sec * 1000000000 + now.tv_nsec > then.tv_sec * 1000000000 + then.tv_nsec);
	for (int i = 0; i < 1000; i++)
		CHECK(data[i] == i * argc && bss[i] == i * argc && stack[i] == i * argc);
	for (int i = 0; i < LARGE; i++)
		CHECK(large[i] == 'x');
	CHECK(strcmp(heap, "heap") == 0 && local == argc);
	CHECK(strcmp(argv[argc - 1], "last argument") == 0 && strcmp(getenv("MARK"), "here") == 0);
	for (int i = 0; i < FILES - !!getenv("INPLACE"); i++) {
		read_own(names[i], &after);
		CHECK(after.size == before[i].size &&
		      !memcmp(after.bytes, before[i].bytes, after.size));
	}
	free(large);
	printf("ok\n");
	return 0;
}
