/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "elf/core_place.h"

#include <elf.h>
#include <string.h>
#include <unistd.h>

#include "elf/embedded.h"
#include "elf/open.h"
#include "util/cleanup.h"
#include "util/io.h"

bool core_place(const char *path, uint64_t *start)
{
	struct embedded inside;
	struct error err;
	struct stat st;
	Elf64_Ehdr ehdr;
	cleanup_fd int fd = open_regular(path, &st, &err);

	if (fd < 0 || pread_full(fd, &ehdr, sizeof ehdr, 0) != sizeof ehdr ||
	    memcmp(ehdr.e_ident, ELFMAG, SELFMAG) != 0)
		return false;
	*start = 0;
	if (ehdr.e_type == ET_CORE)
		return true;
	if (embedded_find(fd, path, &inside, &err) <= 0 || inside.kind != EMBEDDED_CORE)
		return false;
	*start = inside.offset;
	return true;
}
