/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Invariant: memory that was never touched before the dump is there after the restart: anonymous,
 * between guard pages, at the end of the program's own data, and the heap, which gdb leaves out
 * as long as none of it was written.
 */
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>

#include "tests/programs/restart_victim.h"

enum { PAGE = 4096, SIZE = 64 * PAGE };

static char untouched[1 << 20];

static void use(volatile char *memory, size_t size)
{
	for (size_t i = 0; i < size; i += PAGE) {
		CHECK(memory[i] == 0);
		memory[i] = 1;
	}
}

int main(void)
{
	char *heap = sbrk(SIZE),
	     *memory = mmap(NULL, SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(heap != (void *)-1 && memory != MAP_FAILED &&
	      mprotect(memory + PAGE, SIZE - 2 * PAGE, PROT_READ | PROT_WRITE) == 0);
	checkpoint();
	use(memory + PAGE, SIZE - 2 * PAGE);
	use(untouched, sizeof untouched);
	use(heap, SIZE);
	CHECK(mprotect(memory, SIZE, PROT_READ | PROT_WRITE) == 0);
	use(memory, PAGE);
	printf("ok\n");
	return 0;
}
