/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One of each kind of memory: files private and shared, read and written, deleted; holes;
 * protected; shared and without a name; a heap; a large array with a page here and there.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, PAGES = 16, SIZE = PAGES * PAGE };

static int make_file(const char *name)
{
	char page[PAGE];
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);

	for (int i = 0; i < PAGES; i++) {
		memset(page, 'a' + i, sizeof page);
		if (fd < 0 || write(fd, page, sizeof page) != sizeof page)
			exit(2);
	}
	return fd;
}

static char *map(int prot, int flags, int fd, size_t size)
{
	char *m = mmap(NULL, size, prot, flags, fd, 0);

	if (m == MAP_FAILED)
		exit(3);
	return m;
}

static void touch(char *m, const char *text)
{
	strcpy(m + 3 * PAGE, text);
	strcpy(m + 4 * PAGE + 100, text);
	strcpy(m + SIZE - 100, text);
}

int main(void)
{
	const int rw = PROT_READ | PROT_WRITE;
	const size_t large = (size_t)1 << 30;
	int file = make_file("file"), gone = make_file("gone"), shared = make_file("shared");
	char *m;

	map(PROT_READ, MAP_PRIVATE, file, SIZE);
	touch(map(rw, MAP_PRIVATE, file, SIZE), "private");
	touch(map(rw, MAP_SHARED, shared, SIZE), "shared");
	touch(map(rw, MAP_SHARED, gone, SIZE), "shared and deleted");
	unlink("gone");
	touch(map(rw, MAP_SHARED | MAP_ANONYMOUS, -1, SIZE), "without a name");
	m = map(rw, MAP_PRIVATE | MAP_ANONYMOUS, -1, SIZE);
	touch(m, "protected");
	if (mprotect(m, SIZE / 2, PROT_NONE) < 0 || mprotect(m + SIZE / 2, SIZE / 4, PROT_READ) < 0)
		return 4;
	m = map(rw, MAP_PRIVATE | MAP_ANONYMOUS, -1, SIZE);
	memset(m, 'x', SIZE);
	if (madvise(m + PAGE, 5 * PAGE, MADV_DONTNEED) < 0 || munmap(m + 8 * PAGE, PAGE) < 0)
		return 5;
	m = map(rw, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, large);
	for (size_t at = 0; at < large; at += large / 7)
		m[at] = 'y';
	memset(malloc(300000), 'm', 300000);
	memset(alloca(100000), 's', 100000);
	puts("ready");
	fflush(stdout);
	pause();
	return 1;
}
