/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mappings KIND COUNT: has so many mappings, pages of one memory of which every other may only be
 * read, each with a byte of contents; says so, and waits.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

enum { PAGE = 4096 };

/* It ends with the process. */
static char *map_segment(size_t size)
{
	int id = shmget(IPC_PRIVATE, size, IPC_CREAT | 0600);
	char *memory = shmat(id, NULL, 0);

	shmctl(id, IPC_RMID, NULL);
	return memory;
}

static char *map(const char *kind, size_t size)
{
	int flags = MAP_SHARED, fd = -1;

	if (strcmp(kind, "segment") == 0)
		return map_segment(size);
	if (strcmp(kind, "private") == 0)
		flags = MAP_PRIVATE | MAP_ANONYMOUS;
	else if (strcmp(kind, "shared") == 0)
		flags |= MAP_ANONYMOUS;
	else if (strcmp(kind, "memfd") == 0)
		fd = memfd_create("mappings", MFD_CLOEXEC);
	else
		fd = open(kind, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd >= 0 && ftruncate(fd, (off_t)size) < 0)
		return MAP_FAILED;
	return mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);
}

int main(int argc, char **argv)
{
	size_t count = argc == 3 ? strtoul(argv[2], NULL, 0) : 0;
	char *memory = count ? map(argv[1], count * PAGE) : MAP_FAILED;

	if (memory == MAP_FAILED) {
		perror("mappings");
		return 1;
	}
	for (size_t i = 0; i < count; i++) {
		memory[i * PAGE] = 1;
		if (i % 2 && mprotect(memory + i * PAGE, PAGE, PROT_READ) < 0) {
			perror("mappings");
			return 1;
		}
	}
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
