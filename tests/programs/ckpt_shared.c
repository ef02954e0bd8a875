/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Has 100 MiB of memory that a fork shares: every second
 * MiB of it written to.  Invariant: it is as it was.
 */
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>

#include "tests/programs/restart_victim.h"

enum { MIB = 1 << 20, SIZE = 100 };

int main(void)
{
	char *m = mmap(NULL, (size_t)SIZE * MIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);

	CHECK(m != MAP_FAILED);
	for (int i = 0; i < SIZE; i += 2)
		memset(m + (size_t)i * MIB, i + 1, MIB);
	checkpoint();

	for (size_t i = 0; i < (size_t)SIZE * MIB; i++)
		CHECK(m[i] == (char)(i / MIB % 2 ? 0 : i / MIB + 1));
	printf("ok\n");
	return 0;
}
