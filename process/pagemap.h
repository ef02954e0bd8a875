/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Page tables, by PAGEMAP_SCAN of /proc/PID/pagemap (include/uapi/linux/fs.h, since Linux 6.7): the
 * kernel tells where there are pages of some categories, and is not kept by what has none.
 */
#ifndef PROCESS_PAGEMAP_H
#define PROCESS_PAGEMAP_H

#include <stdint.h>

enum {
	PAGE_CATEGORY_PRESENT = 1 << 3,
	PAGE_CATEGORY_SWAPPED = 1 << 4,
	PAGE_CATEGORY_GUARD = 1 << 8,  /* since Linux 6.16 */
};

struct pagemap_region {
	uint64_t start, end, categories;
};

/* The kernel's struct pm_scan_arg. */
struct pagemap_scan {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
	uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};

/* How many regions were filled in; -1 with errno: ENOTTY or EINVAL where there is no such call. */
int pagemap_scan(int fd, struct pagemap_scan *scan);

#endif
