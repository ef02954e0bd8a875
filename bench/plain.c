/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The floors of saving memory and of restoring it: prints how many microseconds it takes
 *
 *	plain cached FILE MIB	to write that much to a new file through the page cache, and sync it
 *	plain direct FILE MIB	past the page cache, and sync it
 *	plain copy MIB		to copy as much from memory to memory
 *
 * or nothing:
 *
 *	plain read FILE MIB	reads so much of a file into new memory
 *	plain warm MIB		touches so much memory, which what comes next then has faster: a
 *				virtual machine gets memory that it has not used for a while from
 *				its host, slowly
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { CACHED_PIECE = 1 << 20, DIRECT_PIECE = 4 << 20, PAGE = 4096 };

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static char *memory(size_t size)
{
	char *m = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (m == MAP_FAILED) {
		perror("plain");
		exit(1);
	}
	madvise(m, size, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < size; i += PAGE)
		memset(m + i, (int)(i / PAGE | 1), PAGE);
	return m;
}

static double write_file(const char *name, size_t size, bool direct)
{
	size_t piece = direct ? DIRECT_PIECE : CACHED_PIECE;
	char *bytes = memory(piece);
	double start = now();
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | (direct ? O_DIRECT : 0), 0600);

	for (size_t done = 0; fd >= 0 && done < size; done += piece) {
		size_t n = size - done < piece ? size - done : piece;

		if (pwrite(fd, bytes, n, (off_t)done) != (ssize_t)n) {
			perror(name);
			exit(1);
		}
	}
	if (fd < 0 || fsync(fd) < 0) {
		perror(name);
		exit(1);
	}
	return now() - start;
}

static void read_file(const char *name, size_t size)
{
	int fd = open(name, O_RDONLY);
	char *m = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ssize_t n = 1;

	if (m != MAP_FAILED)
		madvise(m, size, MADV_NOHUGEPAGE);
	for (size_t done = 0; done < size && n > 0; done += (size_t)n)
		n = m == MAP_FAILED ? -1 : pread(fd, m + done, size - done, (off_t)done);
	if (n <= 0) {
		perror(name);
		exit(1);
	}
}

static double copy(size_t size)
{
	char *from = memory(size), *to = memory(CACHED_PIECE);
	double start = now();

	for (size_t done = 0; done < size; done += CACHED_PIECE)
		memcpy(to, from + done, CACHED_PIECE);
	return now() - start;
}

int main(int argc, char **argv)
{
	size_t size = argc > 2 ? strtoul(argv[argc - 1], NULL, 0) << 20 : 0;

	if (argc == 4 && strcmp(argv[1], "read") == 0)
		read_file(argv[2], size);
	else if (argc == 4)
		printf("%.0f\n", write_file(argv[2], size, strcmp(argv[1], "direct") == 0));
	else if (argc == 3 && strcmp(argv[1], "copy") == 0)
		printf("%.0f\n", copy(size));
	else if (argc == 3)
		memory(size);
	else
		return 2;
	return 0;
}
