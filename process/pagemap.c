/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "process/pagemap.h"

#include <errno.h>
#include <sys/ioctl.h>

#define SCAN _IOWR('f', 16, struct pagemap_scan)

int pagemap_scan(int fd, struct pagemap_scan *scan)
{
	int count;

	scan->size = sizeof *scan;
	do
		count = ioctl(fd, SCAN, scan);
	while (count < 0 && errno == EINTR);
	return count;
}
