/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Has memory at an address that only root may map. */
#define _GNU_SOURCE
#include <sys/mman.h>

#include "tests/programs/restart_victim.h"

int main(void)
{
	CHECK(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == NULL);
	checkpoint();
	printf("ok\n");
	return 0;
}
