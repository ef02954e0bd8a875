/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * checkpoint PROG CHECKPOINT: becomes the process of the checkpoint, if that is seen to be PROG's.
 *
 * The checkpoint holds the memory of the process as pages.  One of them is the first page of the
 * program, in which are its headers and its build-ID: no other program has the same.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PAGE = 4096, FAILED = 125 };

int main(int argc, char **argv)
{
	char first[PAGE] = "", page[PAGE], *path;

	if (argc != 3)
		errx(FAILED, "Usage: checkpoint PROG CHECKPOINT");
	FILE *prog = fopen(argv[1], "re"), *checkpoint = fopen(argv[2], "re");
	if (!prog || !checkpoint)
		err(FAILED, "%s", argv[prog ? 2 : 1]);
	if (fread(first, PAGE, 1, prog) != 1 || fread(page, PAGE, 1, checkpoint) != 1)
		errx(FAILED, "%s is no program or %s no checkpoint", argv[1], argv[2]);
	do {
		if (fread(page, PAGE, 1, checkpoint) != 1)
			errx(FAILED, "%s: is no checkpoint of %s (name the program that made it, "
			     "as it was then)", argv[2], argv[1]);
	} while (memcmp(page, first, PAGE) != 0);
	if (asprintf(&path, "%s%s", strchr(argv[2], '/') ? "" : "./", argv[2]) < 0)
		err(FAILED, NULL);
	execv(path, argv + 2);
	err(FAILED, "%s%s", argv[2], errno == EACCES ? " (chmod u+x; not on a noexec disk)" : "");
}
