/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Guard regions, from the page tables: /proc/PID/pagemap. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>

#include "process/arch.h"
#include "process/pagemap.h"
#include "process/procfs.h"
#include "process/procfs_private.h"
#include "util/cleanup.h"

static int add_guards(struct process *p, const struct pagemap_region *regions, size_t count,
		      struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		struct guard *last = p->guard_count ? &p->guards[p->guard_count - 1] : NULL;

		if (last && last->end == regions[i].start) {
			last->end = regions[i].end;
			continue;
		}
		struct guard *g = process_add_guard(p);
		if (!g)
			return no_memory(err);
		*g = (struct guard){ .start = regions[i].start, .end = regions[i].end };
	}
	return 0;
}

int procfs_read_guards(struct process *p, pid_t pid, struct error *err)
{
	const struct arch *arch = arch_host();
	struct pagemap_region regions[64];
	struct pagemap_scan scan = {
		.vec = (uintptr_t)regions, .vec_len = sizeof regions / sizeof regions[0],
		.category_mask = PAGE_CATEGORY_GUARD, .return_mask = PAGE_CATEGORY_GUARD,
		.end = arch->address_limit - arch->page_size,  /* TASK_SIZE; it refuses more */
	};
	char name[PROC_NAME_SIZE];

	proc_name(name, pid, "pagemap");
	cleanup_fd int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return proc_error(err, errno, pid, "pagemap");
	while (scan.start < scan.end) {
		int count = pagemap_scan(fd, &scan);

		if (count < 0)
			return 0;  /* an older kernel: no guard regions, or none that it tells of */
		if (add_guards(p, regions, (size_t)count, err) < 0)
			return -1;
		if (scan.walk_end <= scan.start)
			break;
		scan.start = scan.walk_end;
	}
	return 0;
}
