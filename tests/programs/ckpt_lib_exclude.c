/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Leaves a descriptor and the middle page of three out of its checkpoint
 * `saved', and prints after the restart what is there of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libckpt/ckpt.h"

enum { PAGE = 4096 };

int main(void)
{
	char *pages = aligned_alloc(PAGE, 3 * PAGE);
	int kept = open("/dev/null", O_RDONLY), left = open("/dev/zero", O_RDONLY);

	memset(pages, 'x', 3 * PAGE);
	/* A byte more on each side: only whole pages are left out. */
	if (ckpt_exclude_fd(left) < 0 || ckpt_exclude_memory(pages + PAGE - 1, PAGE + 2) < 0 ||
	    ckpt_exclude_fd(999) == 0 || errno != EBADF || ckpt_ckpt("./saved") != 1)
		return 1;
	printf("%d %d %d %d %d\n", fcntl(kept, F_GETFD) >= 0, fcntl(left, F_GETFD) >= 0,
	       pages[PAGE - 1], pages[PAGE], pages[2 * PAGE]);
	return 0;
}
