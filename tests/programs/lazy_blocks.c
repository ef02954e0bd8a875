/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Invariant: large blocks of malloc, which are one mapping of the kernel's, keep their contents
 * when they grow after the restart, also when they were shrunk before; memory that the program gave
 * back with madvise() reads as zeros; a new page of the heap and of an arena is zeros.
 */
#define _GNU_SOURCE
#include <malloc.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/programs/restart_victim.h"

enum { BLOCKS = 4, SIZE = 3 << 20, MUCH = 64 << 20 };

static char *blocks[BLOCKS], *aligned, *own, *many[400], *in_arena[400];

static void is_filled(const char *block, size_t size, char with)
{
	CHECK(block && block[0] == with && memcmp(block, block + 1, size - 1) == 0);
}

static void *fill_arena(void *arg)
{
	for (int i = 0; i < 400; i++)
		in_arena[i] = memset(malloc(100000), 'r', 100000);
	return arg;
}

static char *grow(char *block, size_t from, size_t to, char with)
{
	block = realloc(block, to);
	is_filled(block, from, with);
	memset(block, with, to);  /* SIGBUS behind the end of a file */
	return block;
}

int main(void)
{
	pthread_t thread;

	for (int i = 0; i < BLOCKS; i++)
		blocks[i] = memset(malloc(SIZE), 'a' + i, SIZE);
	aligned = memset(memalign(1 << 16, SIZE), 'l', SIZE);
	own = memset(mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
		     'o', SIZE);
	for (int i = 0; i < 400; i++)
		many[i] = memset(malloc(10000), 'm', 10000);
	CHECK(pthread_create(&thread, NULL, fill_arena, NULL) == 0 &&
	      pthread_join(thread, NULL) == 0);

	checkpoint();

	CHECK(madvise(own + 4096, SIZE - 4096, MADV_DONTNEED) == 0 && own[4095] == 'o');
	is_filled(own + 4096, SIZE - 4096, 0);
	blocks[0] = grow(blocks[0], SIZE, MUCH, 'a');
	CHECK((blocks[1] = realloc(blocks[1], SIZE / 4)));
	blocks[1] = grow(blocks[1], SIZE / 4, MUCH, 'b');
	aligned = grow(aligned, SIZE, MUCH, 'l');
	is_filled(blocks[2], SIZE, 'c');
	is_filled(blocks[3], SIZE, 'd');
	for (int i = 0; i < 400; i++) {
		is_filled(many[i], 10000, 'm');
		is_filled(in_arena[i], 100000, 'r');
		free(many[i]);
	}
#ifdef __GLIBC__
	malloc_trim(0);
	is_filled((char *)sbrk(1 << 20) + 4096, 1 << 19, 0);
#endif
	is_filled(memset(calloc(1, 50000), 0, 1), 50000, 0);
	printf("ok\n");
	return 0;
}
