/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files without a name: unlinked ones, memfds. */
#define _GNU_SOURCE
#include "holds.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static char expected(size_t i)
{
	return (char)(i * 31 + i / 4099);
}

static bool fill(int fd, size_t from, size_t to)
{
	char bytes[4096];

	for (size_t n; from < to; from += n) {
		for (n = 0; n < sizeof bytes && from + n < to; n++)
			bytes[n] = expected(from + n);
		if (pwrite(fd, bytes, n, (off_t)from) != (ssize_t)n)
			return false;
	}
	return true;
}

static bool is_filled(int fd, size_t from, size_t to)
{
	char byte;

	for (; from < to; from += 97)
		if (pread(fd, &byte, 1, (off_t)from) != 1 || byte != expected(from))
			return false;
	return true;
}

static off_t size_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? st.st_size : -1;
}

/* ---- Unlinked ---- */

static int unlinked;

static void unlinked_set_up(void)
{
	unlinked = open("holds.unlinked", O_RDWR | O_CREAT | O_CLOEXEC | O_APPEND, 0640);
	NEED(unlinked >= 0 && unlink("holds.unlinked") == 0);
	NEED(fill(unlinked, 0, 300001) && lseek(unlinked, 777, SEEK_SET) == 777);
}

static const char *unlinked_check(void)
{
	struct stat st;
	char byte;

	EXPECT(read(unlinked, &byte, 1) == 1 && byte == expected(777));
	EXPECT(is_filled(unlinked, 0, 300001) && fstat(unlinked, &st) == 0);
	EXPECT(st.st_size == 300001 && st.st_nlink == 0 && (st.st_mode & 07777) == 0640);
	EXPECT(fcntl(unlinked, F_GETFL) == (O_RDWR | O_APPEND | 0100000));
	EXPECT(fcntl(unlinked, F_GETFD) == FD_CLOEXEC && access("holds.unlinked", F_OK) < 0);
	EXPECT(write(unlinked, "more", 4) == 4 && size_of(unlinked) == 300005);
	return NULL;
}

static int twice_writer, twice_reader;

static void twice_set_up(void)
{
	twice_writer = open("holds.twice", O_WRONLY | O_CREAT, 0600);
	twice_reader = open("holds.twice", O_RDONLY);
	NEED(twice_writer >= 0 && twice_reader >= 0 && fchmod(twice_reader, 0) == 0);
	NEED(write(twice_writer, "first ", 6) == 6 && unlink("holds.twice") == 0);
}

static const char *twice_check(void)
{
	char bytes[32];
	struct stat st;

	EXPECT(write(twice_writer, "second", 6) == 6);
	EXPECT(read(twice_reader, bytes, sizeof bytes) == 12 &&
	       memcmp(bytes, "first second", 12) == 0);
	EXPECT(write(twice_reader, "x", 1) == -1 && errno == EBADF);
	EXPECT(fstat(twice_writer, &st) == 0 && (st.st_mode & 07777) == 0);
	return NULL;
}

static int sparse;
enum { SPARSE = 1 << 30 };

static void sparse_set_up(void)
{
	sparse = open("holds.sparse", O_RDWR | O_CREAT, 0600);
	NEED(sparse >= 0 && unlink("holds.sparse") == 0 && ftruncate(sparse, SPARSE) == 0);
	NEED(fill(sparse, 5000, 6000) && fill(sparse, SPARSE - 10, SPARSE));
}

static const char *sparse_check(void)
{
	struct stat st;
	char byte;

	EXPECT(fstat(sparse, &st) == 0 && st.st_size == SPARSE && st.st_blocks < 2048);
	EXPECT(is_filled(sparse, 5000, 6000) && is_filled(sparse, SPARSE - 10, SPARSE));
	EXPECT(pread(sparse, &byte, 1, 100000) == 1 && byte == 0);
	return NULL;
}

static FILE *temporary;

static void temporary_set_up(void)
{
	temporary = tmpfile();
	NEED(temporary && fputs("written ", temporary) >= 0 && fflush(temporary) == 0);
	NEED(fputs("buffered", temporary) >= 0);
}

static const char *temporary_check(void)
{
	char line[64];

	rewind(temporary);
	EXPECT(fgets(line, sizeof line, temporary) && strcmp(line, "written buffered") == 0);
	return NULL;
}

/* ---- memfd ---- */

static int memory, memory_reader;

static void memory_set_up(void)
{
	char name[40];

	memory = memfd_create("holds: a #name", MFD_CLOEXEC);
	NEED(memory >= 0 && fill(memory, 0, 70000) && lseek(memory, 0, SEEK_END) == 70000);
	snprintf(name, sizeof name, "/proc/self/fd/%d", memory);
	memory_reader = open(name, O_RDONLY);
	NEED(memory_reader >= 0);
}

static const char *memory_check(void)
{
	char name[40], target[80] = "", bytes[8];

	EXPECT(is_filled(memory, 0, 70000) && size_of(memory) == 70000);
	EXPECT(write(memory, "tail", 4) == 4 && pread(memory_reader, bytes, 8, 70000) == 4);
	EXPECT(write(memory_reader, "x", 1) == -1 && errno == EBADF);
	snprintf(name, sizeof name, "/proc/self/fd/%d", memory);
	EXPECT(readlink(name, target, sizeof target - 1) > 0);
	EXPECT(strcmp(target, "/memfd:holds: a #name (deleted)") == 0);
	EXPECT(fcntl(memory, F_GET_SEALS) == F_SEAL_SEAL && fcntl(memory, F_GETFD) == FD_CLOEXEC);
	return NULL;
}

static int sealed;

static void sealed_set_up(void)
{
	sealed = memfd_create("sealed", MFD_ALLOW_SEALING);
	NEED(sealed >= 0 && write(sealed, "for ever", 8) == 8);
	NEED(fcntl(sealed, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW) == 0);
}

static const char *sealed_check(void)
{
	char bytes[16];

	EXPECT(fcntl(sealed, F_GET_SEALS) == (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW));
	EXPECT(pread(sealed, bytes, sizeof bytes, 0) == 8 && memcmp(bytes, "for ever", 8) == 0);
	EXPECT(write(sealed, "x", 1) == -1 && errno == EPERM && ftruncate(sealed, 0) == -1);
	EXPECT(fcntl(sealed, F_ADD_SEALS, F_SEAL_SEAL) == 0);
	return NULL;
}

static int empty;

static void empty_set_up(void)
{
	empty = memfd_create("empty", MFD_ALLOW_SEALING);
	NEED(empty >= 0);
}

static const char *empty_check(void)
{
	EXPECT(size_of(empty) == 0 && fcntl(empty, F_GET_SEALS) == 0);
	EXPECT(ftruncate(empty, 4096) == 0);
	return NULL;
}

/* ---- A memfd that may not be executed ---- */

enum { NOEXEC_SEAL = 8, SEAL_EXEC = 0x20 };  /* since Linux 6.3 */
static int not_executed;

static void noexec_set_up(void)
{
	not_executed = memfd_create("data", NOEXEC_SEAL);
	if (not_executed < 0)
		leave_out("this kernel has no MFD_NOEXEC_SEAL");
}

static const char *noexec_check(void)
{
	struct stat st;

	EXPECT(fstat(not_executed, &st) == 0 && (st.st_mode & 07777) == 0666);
	EXPECT(fcntl(not_executed, F_GET_SEALS) == SEAL_EXEC && fchmod(not_executed, 0777) == -1);
	return NULL;
}

const struct hold nameless_holds[] = {
	{ "unlinked", "an unlinked file has its contents, and no name", unlinked_set_up,
	  unlinked_check, 0 },
	{ "unlinked-twice", "two descriptions of an unlinked file are of one file", twice_set_up,
	  twice_check, 0 },
	{ "unlinked-sparse", "an unlinked file has its holes", sparse_set_up, sparse_check, 0 },
	{ "tmpfile", "what was written to tmpfile() is there", temporary_set_up, temporary_check,
	  0 },
	{ "memfd", "a memfd has its contents and its name", memory_set_up, memory_check, 0 },
	{ "memfd-sealed", "a sealed memfd is sealed", sealed_set_up, sealed_check, 0 },
	{ "memfd-empty", "an empty memfd may grow and be sealed", empty_set_up, empty_check, 0 },
	{ "memfd-noexec", "a memfd that may not be executed may not", noexec_set_up, noexec_check,
	  0 },
	{ 0 },
};
