/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Has every kind of page that the page tables tell apart.  Invariant: a range of which every second
 * page was written, a page that nobody may read, the neighbours of a guard page and the one page of
 * a large reserve, are as they were.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/programs/restart_victim.h"

enum {
	PAGE = 4096,
	PAGES = 10000,         /* more than are read of the page tables at once */
	GUARD_INSTALL = 102,   /* MADV_GUARD_INSTALL, Linux 6.13 */
};

static char *map(size_t pages)
{
	char *m = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);

	CHECK(m != MAP_FAILED);
	madvise(m, pages * PAGE, MADV_NOHUGEPAGE);
	return m;
}

/* Address space that costs nothing, as many runtimes have it. */
static char *reserve(size_t size, int prot)
{
	char *m = mmap(NULL, size, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	CHECK(m != MAP_FAILED);
	return m;
}

int main(void)
{
	const size_t GIB = (size_t)1 << 30;
	char *nothing = reserve(8192 * GIB, PROT_NONE);
	char *little = reserve(64 * GIB, PROT_READ | PROT_WRITE);
	char *every_second = map(PAGES), *closed = map(1), *guarded = map(3);

	for (int i = 0; i < PAGES; i += 2) {
		memcpy(every_second + i * PAGE, &i, sizeof i);
		every_second[i * PAGE + PAGE - 1] = 'e';
	}
	little[32 * GIB] = 'l';
	strcpy(closed, "closed");
	CHECK(mprotect(closed, PAGE, PROT_NONE) == 0);
	memset(guarded, 'g', 3 * PAGE);
	CHECK(madvise(guarded + PAGE, PAGE, GUARD_INSTALL) == 0 || errno == EINVAL);
	checkpoint();

	for (int i = 0; i < PAGES; i++) {
		const char *page = every_second + i * PAGE;

		CHECK(memcmp(page, i % 2 ? &(int){ 0 } : &i, sizeof i) == 0);
		CHECK(page[PAGE - 1] == (i % 2 ? 0 : 'e'));
	}
	CHECK(mprotect(nothing, PAGE, PROT_READ) == 0 && !nothing[0]);
	CHECK(!little[0] && little[32 * GIB] == 'l' && !little[64 * GIB - 1]);
	CHECK(mprotect(closed, PAGE, PROT_READ) == 0 && strcmp(closed, "closed") == 0);
	CHECK(guarded[PAGE - 1] == 'g' && guarded[2 * PAGE] == 'g');
	printf("ok\n");
	return 0;
}
