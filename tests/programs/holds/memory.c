/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory of every kind: that it is what it was, and goes on as it did. */
#define _GNU_SOURCE
#include "holds.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, PAGES = 8, SIZE = PAGES * PAGE, RW = PROT_READ | PROT_WRITE };

static void fill(char *memory, int seed)
{
	for (int i = 0; i < SIZE; i++)
		memory[i] = (char)(i / PAGE * 31 + i % 251 + seed);
}

static bool filled(const char *memory, int seed, int from, int to)
{
	for (int i = from * PAGE; i < to * PAGE; i++)
		if (memory[i] != (char)(i / PAGE * 31 + i % 251 + seed))
			return false;
	return true;
}

static char *map(int flags, int fd)
{
	char *memory = mmap(NULL, SIZE, RW, flags, fd, 0);

	NEED(memory != MAP_FAILED);
	return memory;
}

static int make_file(const char *name, int seed)
{
	static char bytes[SIZE];
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	NEED(fd >= 0);
	fill(bytes, seed);
	NEED(write(fd, bytes, SIZE) == SIZE);
	return fd;
}

/* The line of /proc/self/maps for the mapping that MEMORY is in. */
static const char *maps_line(const void *memory)
{
	static char line[512];
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long start, end, at = (unsigned long)memory;
	bool found = false;

	while (!found && maps && fgets(line, sizeof line, maps))
		found = sscanf(line, "%lx-%lx", &start, &end) == 2 && start <= at && at < end;
	if (maps)
		fclose(maps);
	return found ? line : "";
}

/* What a forked child does to the memory is seen here: it is shared. */
static bool child_writes(char *memory)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		*(volatile char *)memory ^= 0x55;
		_exit(0);
	}
	return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

/* ---- Private memory ---- */

static char *private_memory;

static void private_set_up(void)
{
	private_memory = map(MAP_PRIVATE | MAP_ANONYMOUS, -1);
	fill(private_memory, 1);
	NEED(mprotect(private_memory + PAGE, PAGE, PROT_READ) == 0);
	NEED(mprotect(private_memory + 2 * PAGE, PAGE, PROT_READ | PROT_EXEC) == 0);
}

static const char *private_check(void)
{
	char byte = private_memory[0];

	EXPECT(filled(private_memory, 1, 0, PAGES));
	EXPECT(strstr(maps_line(private_memory + PAGE), " r--p "));
	EXPECT(strstr(maps_line(private_memory + 2 * PAGE), " r-xp "));
	EXPECT(child_writes(private_memory) && private_memory[0] == byte);
	return NULL;
}

/* ---- Written, then closed to everybody ---- */

static char *closed;

static void closed_set_up(void)
{
	closed = map(MAP_PRIVATE | MAP_ANONYMOUS, -1);
	fill(closed, 2);
	NEED(mprotect(closed, SIZE, PROT_NONE) == 0);
}

static const char *closed_check(void)
{
	EXPECT(strstr(maps_line(closed), " ---p "));
	EXPECT(mprotect(closed, SIZE, PROT_READ) == 0 && filled(closed, 2, 0, PAGES));
	return NULL;
}

/* ---- Shared memory, with one mapping and with three ---- */

static char *shared, *thrice[3];

static void shared_set_up(void)
{
	shared = map(MAP_SHARED | MAP_ANONYMOUS, -1);
	fill(shared, 3);
}

static const char *shared_check(void)
{
	char byte = shared[5];

	EXPECT(filled(shared, 3, 0, PAGES));
	EXPECT(child_writes(shared + 5) && shared[5] == (byte ^ 0x55));
	EXPECT(strstr(maps_line(shared), "/dev/zero (deleted)"));
	return NULL;
}

static void thrice_set_up(void)
{
	thrice[0] = map(MAP_SHARED | MAP_ANONYMOUS, -1);
	fill(thrice[0], 4);
	thrice[1] = mremap(thrice[0], 0, SIZE, MREMAP_MAYMOVE);
	thrice[2] = mremap(thrice[0] + PAGE, 0, 2 * PAGE, MREMAP_MAYMOVE);
	NEED(thrice[1] != MAP_FAILED && thrice[2] != MAP_FAILED);
	NEED(mprotect(thrice[2], 2 * PAGE, PROT_READ) == 0);
	NEED(munmap(thrice[0], PAGE) == 0);
}

static const char *thrice_check(void)
{
	EXPECT(filled(thrice[1], 4, 0, PAGES) && filled(thrice[0], 4, 1, PAGES));
	EXPECT(memcmp(thrice[2], thrice[1] + PAGE, 2 * PAGE) == 0);
	thrice[1][PAGE + 7] = 'x';
	EXPECT(thrice[0][PAGE + 7] == 'x' && thrice[2][7] == 'x');
	EXPECT(child_writes(thrice[0] + 3 * PAGE));
	EXPECT(thrice[0][3 * PAGE] == thrice[1][3 * PAGE] && !filled(thrice[1], 4, 3, 4));
	EXPECT(strstr(maps_line(thrice[2]), " r--s ") &&
	       strstr(maps_line(thrice[2]), "/dev/zero (deleted)"));
	return NULL;
}

/* ---- Shared memory whose lower mapping, or half of it, is kept out of cores ---- */

static char *left_out, *dumped;

static void left_out_set_up(void)
{
	char *one = map(MAP_SHARED | MAP_ANONYMOUS, -1);
	char *other = mremap(one, 0, SIZE, MREMAP_MAYMOVE);

	NEED(other != MAP_FAILED);
	fill(one, 10);
	left_out = one < other ? one : other;
	dumped = one < other ? other : one;
	NEED(madvise(left_out, SIZE / 2, MADV_DONTDUMP) == 0);
}

static const char *left_out_check(void)
{
	EXPECT(filled(dumped, 10, 0, PAGES) && filled(left_out, 10, 0, PAGES));
	left_out[7] = 'x';
	dumped[SIZE - 7] = 'y';
	EXPECT(dumped[7] == 'x' && left_out[SIZE - 7] == 'y');
	return NULL;
}

/* ---- Files ---- */

static char *file_private, *file_shared, *file_readonly;

static void file_private_set_up(void)
{
	int fd = make_file("memory-private", 5);

	file_private = map(MAP_PRIVATE, fd);
	close(fd);
	file_private[3 * PAGE] = 'y';
	memset(file_private + 5 * PAGE, 0, PAGE);
}

static const char *file_private_check(void)
{
	EXPECT(filled(file_private, 5, 0, 3) && file_private[3 * PAGE] == 'y' &&
	       filled(file_private, 5, 4, 5));
	EXPECT(file_private[5 * PAGE] == 0 && file_private[6 * PAGE - 1] == 0);
	EXPECT(file_private[3 * PAGE + 1] == (char)(3 * 31 + (3 * PAGE + 1) % 251 + 5));
	return NULL;
}

/* Every other page of a file: hundreds of pieces, and one mapping. */

enum { PIECES = 600 };
static char *pieces;

static void pieces_set_up(void)
{
	int fd = make_file("memory-pieces", 9);

	NEED(ftruncate(fd, PIECES * PAGE) == 0);
	pieces = mmap(NULL, PIECES * PAGE, RW, MAP_PRIVATE, fd, 0);
	NEED(pieces != MAP_FAILED);
	for (int i = 0; i < PIECES; i += 2)
		pieces[i * PAGE] = (char)(i / 2 % 50 + 1);
	close(fd);
}

static const char *pieces_check(void)
{
	const char *line = maps_line(pieces);

	EXPECT(strstr(line, "/memory-pieces") && strtoul(line, NULL, 16) == (unsigned long)pieces);
	EXPECT(strtoul(strchr(line, '-') + 1, NULL, 16) == (unsigned long)pieces + PIECES * PAGE);
	for (int i = PAGES; i < PIECES; i++)
		EXPECT(pieces[i * PAGE] == (i % 2 ? 0 : i / 2 % 50 + 1));
	EXPECT(filled(pieces, 9, 1, 2) && filled(pieces, 9, 7, 8));
	return NULL;
}

static void file_shared_set_up(void)
{
	int fd = make_file("memory-shared", 6);

	file_shared = map(MAP_SHARED, fd);
	file_readonly = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);
	NEED(file_readonly != MAP_FAILED);
	close(fd);
	file_shared[PAGE] = 's';
}

static const char *file_shared_check(void)
{
	char byte = 0;
	int fd = open("memory-shared", O_RDONLY | O_CLOEXEC);

	EXPECT(file_shared[PAGE] == 's' && file_readonly[PAGE] == 's' &&
	       filled(file_shared, 6, 2, PAGES));
	file_shared[2 * PAGE] = 't';
	EXPECT(fd >= 0 && pread(fd, &byte, 1, 2 * PAGE) == 1 && byte == 't');
	EXPECT(file_readonly[2 * PAGE] == 't');
	/* Its descriptor was for reading and writing. */
	EXPECT(mprotect(file_readonly, SIZE, RW) == 0);
	close(fd);
	return NULL;
}

static char *readonly_for_ever;

static void readonly_set_up(void)
{
	int fd = make_file("memory-readonly", 7);

	close(fd);
	fd = open("memory-readonly", O_RDONLY | O_CLOEXEC);
	readonly_for_ever = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);
	NEED(readonly_for_ever != MAP_FAILED);
	close(fd);
}

static const char *readonly_check(void)
{
	EXPECT(filled(readonly_for_ever, 7, 0, PAGES));
	EXPECT(mprotect(readonly_for_ever, SIZE, RW) < 0 && errno == EACCES);
	return NULL;
}

/* ---- The heap, and the memory that large blocks get ---- */

static char *heap_end, *large;

static void heap_set_up(void)
{
	heap_end = sbrk(100);
	NEED(heap_end != (char *)-1);
	memset(heap_end, 'h', 100);
	large = malloc(1 << 20);
	NEED(large);
	memset(large, 'l', 1 << 20);
}

static const char *heap_check(void)
{
	char *end = sbrk(0);

	EXPECT(heap_end[0] == 'h' && heap_end[99] == 'h');
	EXPECT(strstr(maps_line(heap_end), "[heap]") && strstr(maps_line(&end), "[stack]"));
	EXPECT(sbrk(1 << 16) == end && end[0] == 0 && end[65535] == 0);
	large = realloc(large, 8 << 20);
	EXPECT(large && large[0] == 'l' && large[(1 << 20) - 1] == 'l');
	memset(large, 'm', 8 << 20);
	return NULL;
}

/* ---- A stack of one's own ---- */

static char *grows;

static void grows_set_up(void)
{
	/*
	 * Room for it to grow, and below that, so that nobody comes near, what may not be accessed.
	 */
	char *room =
		mmap(NULL, 8 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	NEED(room != MAP_FAILED);
	munmap(room + (4 << 20), 4 << 20);
	grows = mmap(room + (6 << 20), SIZE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN, -1,
		     0);
	NEED(grows != MAP_FAILED);
	fill(grows, 8);
}

static const char *grows_check(void)
{
	EXPECT(filled(grows, 8, 0, PAGES));
	*(volatile char *)(grows - 100) = 1;
	EXPECT(grows[-100] == 1);
	return NULL;
}

const struct hold memory_holds[] = {
	{ "private", "private memory, of which parts are protected", private_set_up, private_check,
	  0 },
	{ "closed", "what was written to memory that nobody may access now", closed_set_up,
	  closed_check,
	  0 },
	{ "shared", "memory shared with children to come", shared_set_up, shared_check, 0 },
	{ "shared-thrice", "shared memory with three mappings is one memory", thrice_set_up,
	  thrice_check, 0 },
	{ "shared-left-out", "shared memory of which one of two mappings is kept out of cores",
	  left_out_set_up, left_out_check, 0 },
	{ "file-private", "a private mapping of a file, of which a page was written",
	  file_private_set_up,
	  file_private_check, 0 },
	{ "file-private-pieces",
	  "a private mapping of a file stays one however many pages were written", pieces_set_up,
	  pieces_check, HOLD_NOT_IN_CORE },
	{ "file-shared", "what is written to a shared mapping goes to its file", file_shared_set_up,
	  file_shared_check, 0 },
	{ "file-readonly", "a shared mapping through a descriptor for reading stays so",
	  readonly_set_up,
	  readonly_check, 0 },
	{ "heap", "the heap grows on, and large blocks do", heap_set_up, heap_check, 0 },
	{ "grows-down", "a mapping grows down", grows_set_up, grows_check, 0 },
	{ 0 },
};
