/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Invariant: 24 MiB with pages never touched, pages of zeros and pages that may only be read are
 * what they were, byte for byte; what was never touched still takes no memory; and no child is
 * there.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/programs/restart_victim.h"

enum { PAGE = 4096, PAGES = 24 << 20 >> 12, READ_ONLY = 5000, NO_ACCESS = 5600 };

static char *memory;

/* Of every 64 pages the last 12 are never touched, and every 1000th is zeros. */
static bool is_untouched(int page) { return page % 64 >= 52; }
static char content(int page) { return (char)(page % 1000 == 999 ? 0 : page % 251 + 1); }

static void page_holds(const char *page, char c)
{
	CHECK(page[0] == c && memcmp(page, page + 1, PAGE - 1) == 0);
}

int main(void)
{
	unsigned char resident[PAGES];
	struct rlimit limit;
	int zeros = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	if (getenv("NO_PROCESSES")) {
		CHECK(getrlimit(RLIMIT_NPROC, &limit) == 0);
		limit.rlim_cur = 0;
		CHECK(setrlimit(RLIMIT_NPROC, &limit) == 0);
	}
	memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		      -1, 0);
	CHECK(memory != MAP_FAILED && madvise(memory, PAGES * PAGE, MADV_NOHUGEPAGE) == 0);
	for (int i = 0; i < PAGES; i++)
		if (!is_untouched(i))
			memset(memory + i * PAGE, content(i), PAGE);
	CHECK(mprotect(memory + READ_ONLY * PAGE, (NO_ACCESS - READ_ONLY) * PAGE, PROT_READ) == 0);
	CHECK(mprotect(memory + NO_ACCESS * PAGE, 64 * PAGE, PROT_NONE) == 0);

	checkpoint();

	CHECK(waitpid(-1, NULL, __WALL) == -1 && errno == ECHILD);
	CHECK(mincore(memory, PAGES * PAGE, resident) == 0);
	for (int i = 0; i < PAGES; i++)
		CHECK(!is_untouched(i) || !(resident[i] & 1));
	CHECK(read(zeros, memory + READ_ONLY * PAGE, 1) == -1 && errno == EFAULT);
	CHECK(mprotect(memory + NO_ACCESS * PAGE, 64 * PAGE, PROT_READ) == 0);
	for (int i = 0; i < PAGES; i++)
		page_holds(memory + i * PAGE, is_untouched(i) ? 0 : content(i));
	CHECK(write(1, "ok\n", 3) == 3);
	return 0;
}
