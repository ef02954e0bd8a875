/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Guard regions, from the page tables: /proc/PID/pagemap. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include "process/arch.h"
#include "process/procfs.h"
#include "process/procfs_private.h"
#include "util/cleanup.h"

/* Since Linux 6.16, include/uapi/linux/fs.h; the rest of PAGEMAP_SCAN since 6.7. */
#ifndef PAGE_IS_GUARD
#define PAGE_IS_GUARD (1 << 8)
#endif

struct scan_region {
	uint64_t start, end, categories;
};

struct scan_arg {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
	uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};

#define SCAN _IOWR('f', 16, struct scan_arg)

static int add_guards(struct process *p, const struct scan_region *regions, size_t count,
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
	struct scan_region regions[64];
	struct scan_arg arg = {
		.size = sizeof arg, .vec = (uintptr_t)regions,
		.vec_len = sizeof regions / sizeof regions[0], .category_mask = PAGE_IS_GUARD,
		.return_mask = PAGE_IS_GUARD,
		.end = arch->address_limit - arch->page_size,  /* TASK_SIZE; it refuses more */
	};
	char name[PROC_NAME_SIZE];

	proc_name(name, pid, "pagemap");
	cleanup_fd int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return proc_error(err, errno, pid, "pagemap");
	while (arg.start < arg.end) {
		int count = ioctl(fd, SCAN, &arg);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return 0;  /* an older kernel: no guard regions, or none that it tells of */
		if (add_guards(p, regions, (size_t)count, err) < 0)
			return -1;
		if (arg.walk_end <= arg.start)
			break;
		arg.start = arg.walk_end;
	}
	return 0;
}
