/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* embed PROGRAM LIBRARY OUT: the program with the library in it, when ckpt is built. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elf/embedded.h"
#include "util/copy.h"

static void give_up(const char *what)
{
	perror(what);
	exit(1);
}

static int open_whole(const char *path, uint64_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		give_up(path);
	*size = (uint64_t)st.st_size;
	return fd;
}

int main(int argc, char **argv)
{
	uint64_t program_size, library_size, offset;
	struct error err;

	if (argc != 4)
		return 2;
	int program = open_whole(argv[1], &program_size),
	    library = open_whole(argv[2], &library_size);
	unlink(argv[3]);  /* it may be running */
	int out = open(argv[3], O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0777);

	offset = (program_size + 4095) / 4096 * 4096;
	if (out < 0 || copy_sparse(program, 0, program_size, out) < 0 ||
	    ftruncate(out, (off_t)offset) < 0 || lseek(out, (off_t)offset, SEEK_SET) < 0 ||
	    copy_sparse(library, 0, library_size, out) < 0)
		give_up(argv[3]);
	if (embedded_finish(out, argv[3], EMBEDDED_LIBRARY, offset, library_size, &err) < 0) {
		fprintf(stderr, "embed: %s\n", err.message);
		return 1;
	}
	return 0;
}
