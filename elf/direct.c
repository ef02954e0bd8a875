/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "elf/direct.h"

#include <fcntl.h>
#include <linux/stat.h>  /* libc's own has no STATX_DIOALIGN */
#include <sys/syscall.h>
#include <unistd.h>

#include "util/format.h"

int direct_open(int fd)
{
	struct statx file;
	char name[64];

	if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &file) < 0 ||
	    !(file.stx_mask & STATX_DIOALIGN) || !file.stx_dio_offset_align ||
	    DIRECT_UNIT % file.stx_dio_offset_align || DIRECT_UNIT % file.stx_dio_mem_align)
		return -1;
	format(name, sizeof name, "/proc/self/fd/%d", fd);
	return open(name, O_WRONLY | O_DIRECT | O_CLOEXEC);
}

bool direct_fits(const void *bytes, size_t size, uint64_t offset)
{
	return size >= DIRECT_MIN && ((uintptr_t)bytes | size | offset) % DIRECT_UNIT == 0;
}
