/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Invariant: mapped memory is after the restart what it was: a private view of a file with a
 * change of its own, code made at run time, protected pages.  With the argument `shared' also a
 * shared view of a file, through which changes still reach the file, and shared anonymous memory.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/programs/restart_victim.h"

enum { PAGE = 4096, PAGES = 4 };

static char *map_file(const char *name, int flags)
{
	int fd = open(name, O_RDWR | O_CREAT, 0600);
	char page[PAGE], *map;

	for (int i = 0; i < PAGES; i++)
		CHECK(write(fd, memset(page, 'a' + i, PAGE), PAGE) == PAGE);
	map = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, flags, fd, 0);
	CHECK(map != MAP_FAILED && close(fd) == 0);
	return map;
}

static char *map_memory(size_t size, int prot, int flags)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE | prot, flags | MAP_ANONYMOUS, -1, 0);
}

int main(int argc, char **argv)
{
	/* mov $42, %eax; ret */
	static const unsigned char code[] = { 0xb8, 42, 0, 0, 0, 0xc3 };
	bool with_shared = argc > 1 && strcmp(argv[1], "shared") == 0;
	char *private = map_file("private", MAP_PRIVATE), *shared = map_file("shared", MAP_SHARED);
	char *jit = map_memory(PAGE, PROT_EXEC, MAP_PRIVATE);
	char *memory = map_memory(PAGE, 0, MAP_SHARED);
	char *guard = map_memory(3 * PAGE, 0, MAP_PRIVATE);
	char byte;
	int fd;

	memcpy(jit, code, sizeof code);
	private[PAGE] = 'P';
	shared[PAGE] = memory[0] = 'S';
	guard[0] = guard[2 * PAGE] = 'G';
	CHECK(mprotect(guard + PAGE, PAGE, PROT_NONE) == 0);
	CHECK(mprotect(guard, PAGE, PROT_READ) == 0);

	checkpoint();

	CHECK(((int (*)(void))jit)() == 42);
	jit[1] = 43;
	CHECK(((int (*)(void))jit)() == 43);
	CHECK(private[0] == 'a' && private[PAGE] == 'P' && private[PAGE + 1] == 'b' &&
	      private[3 * PAGE] == 'd');
	CHECK(memory[0] == 'S' && guard[0] == 'G' && guard[2 * PAGE] == 'G');
	/* A system call that may not touch memory says so, where a program would die. */
	fd = open("/dev/zero", O_RDONLY);
	CHECK(read(fd, guard, 1) < 0 && read(fd, guard + PAGE, 1) < 0 &&
	      read(fd, guard + 2 * PAGE, 1) == 1);
	if (with_shared) {
		CHECK(shared[0] == 'a' && shared[PAGE] == 'S' && shared[PAGE + 1] == 'b');
		shared[2 * PAGE] = 'T';
		CHECK((fd = open("shared", O_RDONLY)) >= 0);
		CHECK(pread(fd, &byte, 1, 2 * PAGE) == 1 && byte == 'T');
	}
	printf("ok\n");
	return 0;
}
