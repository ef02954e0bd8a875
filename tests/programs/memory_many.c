/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * memory_many NUMBER GO [memfd]: has so many mappings, of its own or of a memfd, every other one
 * for reading only; says `ready', and when the file GO is there, whether they hold what they held.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	size_t page = 4096, number = argc > 2 ? strtoul(argv[1], NULL, 0) : 1;
	int fd = argc > 3 ? memfd_create("many", MFD_CLOEXEC) : -1;
	int same = argc <= 3 || ftruncate(fd, (off_t)(number * page)) == 0;
	char *memory = mmap(NULL, number * page, PROT_READ | PROT_WRITE,
			    argc > 3 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS, fd, 0);

	same = same && memory != MAP_FAILED;

	for (size_t i = 0; same && i < number; i++) {
		memory[i * page] = (char)i;
		same = i % 2 == 0 || mprotect(memory + i * page, page, PROT_READ) == 0;
	}
	if (!same)
		return 77;
	puts("ready");
	fflush(stdout);
	while (access(argv[2], F_OK) != 0)
		nanosleep(&pause, NULL);
	for (size_t i = 0; i < number; i++)
		same = same && memory[i * page] == (char)i;
	puts(same ? "same" : "other");
	return 0;
}
