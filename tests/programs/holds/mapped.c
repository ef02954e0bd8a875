/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mapped files without a name: memfds and files that were removed. */
#define _GNU_SOURCE
#include "holds.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE = 4096, SIZE = 6 * PAGE, RW = PROT_READ | PROT_WRITE, FUTURE_WRITE = 0x10 };

static char *map(int prot, int flags, int fd)
{
	char *memory = mmap(NULL, SIZE, prot, flags, fd, 0);

	NEED(memory != MAP_FAILED);
	return memory;
}

static int make_memfd(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	NEED(fd >= 0 && ftruncate(fd, SIZE) == 0);
	return fd;
}

static bool has_byte(int fd, long at, char byte)
{
	char found;

	return pread(fd, &found, 1, at) == 1 && found == byte;
}

/* ---- A memfd with a descriptor and two mappings ---- */

static int open_memfd;
static char *writable, *readonly;

static void both_set_up(void)
{
	open_memfd = make_memfd("mapped and open");
	writable = map(RW, MAP_SHARED, open_memfd);
	memset(writable, 'w', SIZE);
	NEED(fcntl(open_memfd, F_ADD_SEALS, F_SEAL_SHRINK | FUTURE_WRITE) == 0);
	readonly = map(PROT_READ, MAP_SHARED, open_memfd);
}

static const char *both_check(void)
{
	EXPECT(writable[0] == 'w' && readonly[SIZE - 1] == 'w');
	writable[PAGE] = 'x';
	EXPECT(readonly[PAGE] == 'x' && has_byte(open_memfd, PAGE, 'x'));
	EXPECT(fcntl(open_memfd, F_GET_SEALS) == (F_SEAL_SHRINK | FUTURE_WRITE));
	EXPECT(pwrite(open_memfd, "y", 1, 0) < 0 && errno == EPERM);
	EXPECT(ftruncate(open_memfd, PAGE) < 0 && ftruncate(open_memfd, 2 * SIZE) == 0);
	EXPECT(mprotect(readonly, SIZE, RW) < 0);
	return NULL;
}

/* ---- A memfd that is only mapped, in parts ---- */

static char *upper, *lower;

static void only_set_up(void)
{
	int fd = make_memfd("only mapped");

	lower = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);
	upper = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 2 * PAGE);
	NEED(lower != MAP_FAILED && upper != MAP_FAILED);
	memset(lower, 'l', 4 * PAGE);
	memset(upper + PAGE, 'u', 3 * PAGE);
	close(fd);
}

static const char *only_check(void)
{
	EXPECT(lower[0] == 'l' && upper[0] == 'l' && lower[3 * PAGE] == 'u' &&
	       upper[4 * PAGE - 1] == 'u');
	lower[2 * PAGE + 1] = 'x';
	upper[PAGE + 1] = 'y';
	EXPECT(upper[1] == 'x' && lower[3 * PAGE + 1] == 'y');
	return NULL;
}

/* ---- A sealed memfd: nobody may write ---- */

static int sealed_memfd;
static char *sealed;

static void sealed_set_up(void)
{
	sealed_memfd = make_memfd("sealed");
	NEED(pwrite(sealed_memfd, "constant", 8, PAGE) == 8);
	NEED(fcntl(sealed_memfd, F_ADD_SEALS,
		   F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) == 0);
	sealed = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, sealed_memfd, 0);
	if (sealed == MAP_FAILED)  /* before Linux 6.7 */
		sealed = map(PROT_READ, MAP_PRIVATE, sealed_memfd);
}

static const char *sealed_check(void)
{
	EXPECT(memcmp(sealed + PAGE, "constant", 8) == 0 && sealed[0] == 0);
	EXPECT(fcntl(sealed_memfd, F_GET_SEALS) ==
	       (F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL));
	EXPECT(pwrite(sealed_memfd, "y", 1, 0) < 0 && errno == EPERM);
	return NULL;
}

/* ---- A file that was removed, mapped and open ---- */

static int removed_file;
static char *removed, *removed_private;

static void removed_set_up(void)
{
	removed_file = open("mapped-removed", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	NEED(removed_file >= 0 && ftruncate(removed_file, SIZE) == 0 &&
	     unlink("mapped-removed") == 0);
	removed = map(RW, MAP_SHARED, removed_file);
	memset(removed, 'r', SIZE);
	removed_private = map(RW, MAP_PRIVATE, removed_file);
	removed_private[PAGE] = 'p';
}

static const char *removed_check(void)
{
	struct stat st;

	EXPECT(removed[0] == 'r' && removed[SIZE - 1] == 'r' && has_byte(removed_file, 7, 'r'));
	removed[7] = 's';
	EXPECT(has_byte(removed_file, 7, 's'));
	EXPECT(pwrite(removed_file, "t", 1, PAGE) == 1 && removed[PAGE] == 't');
	EXPECT(removed_private[PAGE] == 'p' && removed_private[PAGE + 1] == 'r' &&
	       removed_private[0] == 'r');
	EXPECT(fstat(removed_file, &st) == 0 && st.st_nlink == 0);
	return NULL;
}

/* ---- Much of a memfd, more than a text should hold ---- */

enum { MUCH = 40 << 20 };
static char *much;
static int much_memfd;

static void much_set_up(void)
{
	much_memfd = memfd_create("much", MFD_CLOEXEC);
	NEED(much_memfd >= 0 && ftruncate(much_memfd, MUCH) == 0);
	much = mmap(NULL, MUCH, RW, MAP_SHARED, much_memfd, 0);
	NEED(much != MAP_FAILED);
	for (int at = 0; at < MUCH; at += PAGE)
		much[at] = (char)(at / PAGE % 100 + 1);
}

static const char *much_check(void)
{
	for (int at = 0; at < MUCH; at += PAGE)
		EXPECT(much[at] == (char)(at / PAGE % 100 + 1));
	much[5] = 'm';
	EXPECT(has_byte(much_memfd, 5, 'm') && has_byte(much_memfd, PAGE, 2));
	return NULL;
}

const struct hold mapped_holds[] = {
	{ "memfd-mapped", "a memfd with seals is one for its descriptor and its mappings",
	  both_set_up,
	  both_check, 0 },
	{ "memfd-only-mapped", "a memfd is one for its mappings", only_set_up, only_check, 0 },
	{ "memfd-sealed-mapped", "a sealed memfd that is mapped", sealed_set_up, sealed_check, 0 },
	{ "removed-mapped", "a removed file is one for its descriptor and its mapping",
	  removed_set_up,
	  removed_check, 0 },
	{ "memfd-much", "a large memfd that is mapped", much_set_up, much_check, 0 },
	{ 0 },
};
