/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files that have a name, directories, devices. */
#define _GNU_SOURCE
#include "holds.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int create(const char *name, int flags, const char *contents)
{
	int fd = open(name, flags | O_CREAT | O_TRUNC, 0600);
	int writer = open(name, O_WRONLY);

	NEED(fd >= 0 && writer >= 0);
	NEED(write(writer, contents, strlen(contents)) == (ssize_t)strlen(contents));
	NEED(close(writer) == 0);
	return fd;
}

static bool reads(int fd, const char *wanted)
{
	char bytes[128];
	ssize_t n = read(fd, bytes, sizeof bytes);

	return n == (ssize_t)strlen(wanted) && memcmp(bytes, wanted, strlen(wanted)) == 0;
}

/* ---- Offsets ---- */

static int middle;

static void offset_set_up(void)
{
	middle = create("holds.middle", O_RDWR, "0123456789");
	NEED(lseek(middle, 4, SEEK_SET) == 4);
}

static const char *offset_check(void)
{
	EXPECT(lseek(middle, 0, SEEK_CUR) == 4 && fcntl(middle, F_GETFL) == (O_RDWR | 0100000));
	EXPECT(write(middle, "abc", 3) == 3 && reads(middle, "789"));
	EXPECT(lseek(middle, 0, SEEK_SET) == 0 && reads(middle, "0123abc789"));
	return NULL;
}

static int beyond;

static void beyond_set_up(void)
{
	beyond = create("holds.large", O_RDWR, "");
	NEED(ftruncate(beyond, (off_t)5 << 32) == 0);
	NEED(lseek(beyond, ((off_t)5 << 32) - 3, SEEK_SET) > 0);
}

static const char *beyond_check(void)
{
	char bytes[8];

	EXPECT(read(beyond, bytes, sizeof bytes) == 3);
	EXPECT(lseek(beyond, 0, SEEK_CUR) == (off_t)5 << 32);
	return NULL;
}

static int both, both_copy, apart;

static void sharing_set_up(void)
{
	both = create("holds.shared", O_RDONLY, "abcdefgh");
	both_copy = fcntl(both, F_DUPFD_CLOEXEC, 500);
	apart = open("holds.shared", O_RDONLY);
	NEED(both_copy >= 500 && apart >= 0);
}

static const char *sharing_check(void)
{
	char byte;

	EXPECT(read(both, &byte, 1) == 1 && byte == 'a');
	EXPECT(read(both_copy, &byte, 1) == 1 && byte == 'b');
	EXPECT(read(apart, &byte, 1) == 1 && byte == 'a');
	EXPECT(fcntl(both_copy, F_GETFD) == FD_CLOEXEC && fcntl(both, F_GETFD) == 0);
	return NULL;
}

static FILE *stream;

static void stream_set_up(void)
{
	stream = fopen("holds.stream", "w+");
	NEED(stream && fprintf(stream, "in the buffer") == 13);
}

static const char *stream_check(void)
{
	char line[64];

	EXPECT(fprintf(stream, " and after\n") == 11 && fseek(stream, 0, SEEK_SET) == 0);
	EXPECT(fgets(line, sizeof line, stream));
	EXPECT(strcmp(line, "in the buffer and after\n") == 0);
	return NULL;
}

/* ---- Flags ---- */

static int append;

static void append_set_up(void)
{
	append = create("holds.log", O_WRONLY | O_APPEND, "before\n");
	NEED(write(append, "more\n", 5) == 5);
}

static const char *append_check(void)
{
	int reader = open("holds.log", O_RDONLY);

	EXPECT(lseek(append, 0, SEEK_SET) == 0 && write(append, "after\n", 6) == 6);
	EXPECT(reader >= 0 && reads(reader, "before\nmore\nafter\n") && close(reader) == 0);
	return NULL;
}

static int flagged;

static void flags_set_up(void)
{
	flagged =
		create("holds.flags", O_RDONLY | O_SYNC | O_NONBLOCK | O_NOATIME | O_NOFOLLOW, "");
	NEED(fcntl(flagged, F_SETFL, O_NOATIME | O_APPEND) == 0);
}

static const char *flags_check(void)
{
	EXPECT(fcntl(flagged, F_GETFL) == (O_SYNC | O_NOATIME | O_APPEND | O_NOFOLLOW | 0100000));
	return NULL;
}

static int direct;

static void direct_set_up(void)
{
	direct = open("holds.direct", O_RDWR | O_CREAT | O_DIRECT, 0600);
	if (direct < 0)
		leave_out("this file system has no O_DIRECT");
}

static const char *direct_check(void)
{
	void *page;

	EXPECT(fcntl(direct, F_GETFL) & O_DIRECT);
	EXPECT(posix_memalign(&page, 4096, 4096) == 0);
	EXPECT(write(direct, memset(page, 1, 4096), 4096) == 4096);
	return NULL;
}

static int written_only;

static void write_only_set_up(void)
{
	written_only = create("holds.secret", O_WRONLY, "x");
	NEED(fchmod(written_only, 0200) == 0);
}

static const char *write_only_check(void)
{
	char byte;

	EXPECT(read(written_only, &byte, 1) == -1 && errno == EBADF);
	EXPECT(write(written_only, "y", 1) == 1);
	return NULL;
}

/* ---- O_PATH ---- */

static int place, folder_place, link_itself;

static void place_set_up(void)
{
	close(create("holds.place", O_RDWR, "found"));
	place = open("holds.place", O_PATH | O_CLOEXEC);
	NEED(mkdir("holds.places", 0700) == 0);
	folder_place = open("holds.places", O_PATH | O_DIRECTORY);
	NEED(symlink("holds.nowhere", "holds.link") == 0);
	link_itself = open("holds.link", O_PATH | O_NOFOLLOW);
	NEED(place >= 0 && folder_place >= 0 && link_itself >= 0);
}

static const char *place_check(void)
{
	char byte, name[40], target[40];
	int fd;

	EXPECT(read(place, &byte, 1) == -1 && errno == EBADF);
	EXPECT(fcntl(place, F_GETFL) & O_PATH && fcntl(place, F_GETFD) == FD_CLOEXEC);
	snprintf(name, sizeof name, "/proc/self/fd/%d", place);
	fd = open(name, O_RDONLY);
	EXPECT(fd >= 0 && reads(fd, "found") && close(fd) == 0);
	EXPECT(mkdirat(folder_place, "inside", 0700) == 0 &&
	       access("holds.places/inside", F_OK) == 0);
	EXPECT(readlinkat(link_itself, "", target, sizeof target) == 13);
	return NULL;
}

/* ---- Directories ---- */

enum { LISTED = 300 };
static DIR *listing;
static bool listed[LISTED];

static bool list(int most)
{
	const struct dirent *e;

	while (most-- && (e = readdir(listing))) {
		int n = atoi(e->d_name);

		if (*e->d_name == '.')
			continue;
		if (n < 0 || n >= LISTED || listed[n])
			return false;
		listed[n] = true;
	}
	return true;
}

static void listing_set_up(void)
{
	char name[40];

	NEED(mkdir("holds.list", 0700) == 0);
	for (int i = 0; i < LISTED; i++) {
		snprintf(name, sizeof name, "holds.list/%d", i);
		close(create(name, O_WRONLY, ""));
	}
	listing = opendir("holds.list");
	NEED(listing && list(10));
	/*
	 * The position of the descriptor is behind libc's buffer; an entry by hand leaves it there.
	 */
	seekdir(listing, telldir(listing));
	NEED(list(50));
}

static const char *listing_check(void)
{
	EXPECT(list(LISTED));
	for (int i = 0; i < LISTED; i++)
		EXPECT(listed[i]);
	return NULL;
}

static int folder;

static void folder_set_up(void)
{
	NEED(mkdir("holds.folder", 0700) == 0);
	folder = open("holds.folder", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	NEED(folder >= 0);
}

static const char *folder_check(void)
{
	int fd = openat(folder, "new", O_WRONLY | O_CREAT, 0600);

	EXPECT(fd >= 0 && close(fd) == 0 && access("holds.folder/new", F_OK) == 0);
	return NULL;
}

/* ---- Renamed ---- */

static int renamed;

static void renamed_set_up(void)
{
	renamed = create("holds.old", O_RDONLY, "the same");
	NEED(rename("holds.old", "holds.new name (deleted)") == 0);
}

static const char *renamed_check(void)
{
	struct stat by_name, by_descriptor;

	EXPECT(reads(renamed, "the same"));
	EXPECT(stat("holds.new name (deleted)", &by_name) == 0 &&
	       fstat(renamed, &by_descriptor) == 0);
	EXPECT(by_name.st_ino == by_descriptor.st_ino);
	return NULL;
}

/* ---- Devices, /proc ---- */

static int null, zero, full, chance;

static void devices_set_up(void)
{
	null = open("/dev/null", O_RDWR);
	zero = open("/dev/zero", O_RDONLY);
	full = open("/dev/full", O_WRONLY);
	chance = open("/dev/urandom", O_RDONLY);
	NEED(null >= 0 && zero >= 0 && full >= 0 && chance >= 0);
}

static const char *devices_check(void)
{
	char byte = 1, bytes[32] = "";

	EXPECT(write(null, &byte, 1) == 1 && read(null, &byte, 1) == 0);
	EXPECT(read(zero, &byte, 1) == 1 && byte == 0);
	EXPECT(write(full, &byte, 1) == -1 && errno == ENOSPC);
	EXPECT(read(chance, bytes, sizeof bytes) == sizeof bytes);
	EXPECT(memcmp(bytes, (char[sizeof bytes]){ 0 }, sizeof bytes) != 0);
	return NULL;
}

static int status, uptime;

static void proc_set_up(void)
{
	status = open("/proc/self/status", O_RDONLY);
	uptime = open("/proc/uptime", O_RDONLY);
	NEED(status >= 0 && uptime >= 0 && lseek(status, 6, SEEK_SET) == 6);
	NEED(lseek(uptime, 2, SEEK_SET) == 2);
}

static const char *proc_check(void)
{
	char text[64] = "";

	EXPECT(read(status, text, 5) == 5 && strncmp(text, "holds", 5) == 0);
	EXPECT(lseek(uptime, 0, SEEK_CUR) == 2 && read(uptime, text, sizeof text) > 0);
	return NULL;
}

const struct hold file_holds[] = {
	{ "file-offset", "a file is read and written on from where it was", offset_set_up,
	  offset_check, 0 },
	{ "file-large", "offsets may be large", beyond_set_up, beyond_check, 0 },
	{ "file-shared", "two descriptors share an offset, a third has its own", sharing_set_up,
	  sharing_check, 0 },
	{ "file-stream", "what is in a stream's buffer gets to its file", stream_set_up,
	  stream_check, 0 },
	{ "file-append", "a log is appended to", append_set_up, append_check, 0 },
	{ "file-flags", "a file has its status flags", flags_set_up, flags_check, 0 },
	{ "file-direct", "O_DIRECT goes on", direct_set_up, direct_check, 0 },
	{ "file-write-only", "a file that may only be written is", write_only_set_up,
	  write_only_check, 0 },
	{ "file-place", "O_PATH descriptors are places, of links too", place_set_up, place_check,
	  0 },
	{ "directory-listing", "a listing goes on in its middle", listing_set_up, listing_check,
	  0 },
	{ "directory", "files are made in an open directory", folder_set_up, folder_check, 0 },
	{ "file-renamed", "a renamed file is followed", renamed_set_up, renamed_check, 0 },
	{ "devices", "/dev/null, zero, full and urandom are themselves", devices_set_up,
	  devices_check, 0 },
	{ "proc-self", "files of /proc are those of the process", proc_set_up, proc_check, 0 },
	{ 0 },
};
