/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/check.h"
#include "util/io.h"
#include "util/replace.h"

static int entries(void)
{
	DIR *d = opendir(".");
	int count = -2;  /* . and .. */

	while (readdir(d))
		count++;
	closedir(d);
	return count;
}

static const char *contents(const char *path)
{
	static char text[64];
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read_full(fd, text, sizeof text - 1);

	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static bool begin(struct replacement *r, const char *path, const char *text)
{
	struct error err;

	return replacement_begin(r, path, 0600, &err) == 0 &&
	       write_full(r->fd, text, strlen(text)) == 0;
}

static void test_replacing(void)
{
	struct replacement r;
	struct error err;
	struct stat st;

	CHECK(begin(&r, "file", "old"), "a file can be begun");
	CHECK(access("file", F_OK) < 0, "it has no name before it is committed");
	CHECK(replacement_commit(&r, &err) == 0, "it can be committed");
	CHECK_TEXT(contents("file"), "old", "then it is there");
	CHECK(stat("file", &st) == 0 && (st.st_mode & 0777) == 0600, "for its owner only");

	int before = open("file", O_RDONLY);

	CHECK(begin(&r, "./file", "new"), "a path may have a directory");
	CHECK_TEXT(contents("file"), "old", "the old file is whole until the commit");
	CHECK(replacement_commit(&r, &err) == 0, "the commit replaces it");
	CHECK_TEXT(contents("file"), "new", "then the name is that of the new one");
	CHECK(fstat(before, &st) == 0 && st.st_size == 3 && st.st_nlink == 0,
	      "who had the old one open keeps it");
	close(before);

	CHECK(begin(&r, "file", "third"), "another one");
	replacement_abandon(&r);
	CHECK_TEXT(contents("file"), "new", "abandoned, leaves the old file");
	CHECK(entries() == 1, "and nothing else in the directory");
}

static void refuse(const char *path, const char *message)
{
	struct replacement r;
	struct error err;

	if (CHECK(replacement_begin(&r, path, 0600, &err) < 0, "%s is refused", path))
		CHECK_TEXT(err.message, message, "and the message says why");
}

static void test_refusals(void)
{
	struct stat st;

	mkdir("directory", 0700);
	CHECK(symlink("/etc/passwd", "link") == 0, "a link is laid");
	refuse("directory", "directory: is there and not a regular file; give another name");
	refuse("link", "link: is there and not a regular file; give another name");
	refuse("directory/", "directory/: is not the name of a file");
	refuse("none/file", "none/file: cannot open its directory: No such file or directory");
	refuse("/dev/null", "/dev/null: is there and not a regular file; give another name");
	CHECK(lstat("link", &st) == 0 && S_ISLNK(st.st_mode), "the link is as it was");
}

int main(void)
{
	char directory[] = "/tmp/replace_test.XXXXXX";

	if (!mkdtemp(directory) || chdir(directory) < 0)
		return 1;
	test_replacing();
	test_refusals();
	unlink("file");
	unlink("link");
	rmdir("directory");
	CHECK(rmdir(directory) == 0, "nothing is left behind");
	return CHECK_DONE();
}
