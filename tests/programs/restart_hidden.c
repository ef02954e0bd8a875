/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Has shared memory that no file holds.  Invariant: it is there again, with zeros when HIDDEN is
 * set (the core was made without it); and the N descriptors from 3 on, whose files cannot come
 * back, are open, but have nothing to read.
 */
#define _GNU_SOURCE
#include <sys/mman.h>

#include "tests/programs/restart_victim.h"

int main(int argc, char **argv)
{
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int files = argc > 1 ? atoi(argv[1]) : 0;

	page[0] = 'x';
	checkpoint();

	CHECK(page[0] == (getenv("HIDDEN") ? 0 : 'x'));
	for (int fd = 3; fd < 3 + files; fd++)
		CHECK(read(fd, page, 1) == 0);
	printf("ok\n");
	return 0;
}
