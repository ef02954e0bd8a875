/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reserves 2 GiB that are not for a fork, as V8 does for its code, and uses four pages of it.
 * Invariant: they are as they were, and what is between them is zero.
 */
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>

#include "tests/programs/restart_victim.h"

static const size_t size = (size_t)2 << 30;
static const size_t places[] = { 0, 1 << 20, (1 << 30) + 4096, (2u << 30) - 4096 };

int main(void)
{
	char *m = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	CHECK(m != MAP_FAILED && madvise(m, size, MADV_DONTFORK) == 0);
	madvise(m, size, MADV_NOHUGEPAGE);
	for (int i = 0; i < 4; i++) {
		CHECK(mprotect(m + places[i], 4096, PROT_READ | PROT_WRITE) == 0);
		memset(m + places[i], 'a' + i, 4096);
		CHECK(mprotect(m + places[i], 4096, PROT_NONE) == 0);
	}
	checkpoint();

	for (int i = 0; i < 4; i++) {
		CHECK(mprotect(m + places[i], 4096, PROT_READ) == 0);
		CHECK(m[places[i]] == 'a' + i && m[places[i] + 4095] == 'a' + i);
	}
	CHECK(mprotect(m, 1 << 20, PROT_READ) == 0 && m[4096] == 0 && m[(1 << 20) - 1] == 0);
	printf("ok\n");
	return 0;
}
