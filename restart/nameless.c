/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files without a name: memfds, and files whose last name was removed.  restart makes each of them
 * once, with its contents, and lends it to the new process, where descriptors are opened through
 * /proc/self/fd and mappings made.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "restart/launch.h"
#include "restart/shared.h"
#include "restart/traits.h"
#include "util/format.h"
#include "util/io.h"

/* Its contents are in the text, or in the memory where it is mapped. */
static bool can_be_made(const struct restore *r, const struct nameless *n)
{
	return n->saved || views_hold(r, n->id, n->size);
}

int nameless_number(const struct restore *r, struct file_id id)
{
	const struct nameless *n = process_nameless(r->process, id);

	return n && can_be_made(r, n) ? r->fd_base + LENT_COUNT + (int)(n - r->process->nameless)
				      : -1;
}

/*
 * In the folder where the file was, so that its contents go to the same disk; without a name, or
 * with one for a moment, as the file system permits.
 */
static int make_unlinked(const char *path)
{
	char name[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;

	if (len + sizeof "/.restart-XXXXXX" > sizeof name)
		return -1;
	format(name, sizeof name, "%.*s/", (int)len, path);
	int fd = open(name, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0)
		return fd;
	format(name + len, sizeof name - len, "/.restart-XXXXXX");
	fd = mkostemp(name, O_CLOEXEC);
	if (fd >= 0)
		unlink(name);
	return fd;
}

/* Where the folder is gone or full of other people's rules, memory holds the contents as well. */
static int make_file(const struct restore *r, const struct nameless *n)
{
	int fd = n->memfd ? -1 : make_unlinked(n->name);
	const struct mapping *m = view_of(r, n->id);
	unsigned huge = n->memfd && m ? trait_map_flags(r, m) : 0;

	/* memfd_create() has the size of the pages where mmap() has it. */
	huge = huge & MAP_HUGETLB ? MFD_HUGETLB | (huge & ~0x3ffffffu) : 0;
	if (fd < 0)
		fd = memfd_create(n->memfd ? n->name : "unlinked",
				  MFD_CLOEXEC | MFD_ALLOW_SEALING | huge);
	return fd;
}

/* A file of huge pages cannot be written (fs/hugetlbfs/inode.c), but mapped, in whole pages. */
static int write_mapped(int fd, const void *bytes, size_t len, uint64_t offset)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -1;
	uint64_t page = (uint64_t)st.st_blksize, start = offset & ~(page - 1);
	size_t size = (offset + len - start + page - 1) & ~(page - 1);
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)start);

	if (memory == MAP_FAILED)
		return -1;
	memcpy(memory + (offset - start), bytes, len);
	return munmap(memory, size);
}

int nameless_write(int fd, const void *bytes, size_t len, uint64_t offset)
{
	if (pwrite_full(fd, bytes, len, offset) == 0)
		return 0;
	return errno == EINVAL ? write_mapped(fd, bytes, len, offset) : -1;
}

static int fill(const struct restore *r, int fd, const struct nameless *n, struct error *err)
{
	if (ftruncate(fd, (off_t)n->size) < 0)
		return -1;
	if (!n->saved)
		return views_write(r, n, fd, err);
	for (size_t i = 0; i < n->extent_count; i++) {
		const struct extent *e = &n->extents[i];

		if (nameless_write(fd, e->bytes, e->size, e->offset) < 0)
			return -1;
	}
	return 0;
}

int nameless_make(struct restore *r, struct error *err)
{
	const struct process *p = r->process;

	r->nameless = calloc(p->nameless_count + 1, sizeof *r->nameless);
	if (!r->nameless)
		return error_set(err, ENOMEM, "not enough memory");
	for (size_t i = 0; i < p->nameless_count; i++) {
		const struct nameless *n = &p->nameless[i];

		bool can = can_be_made(r, n);

		r->nameless[i] = can ? make_file(r, n) : -1;
		if (can && (r->nameless[i] < 0 || fill(r, r->nameless[i], n, err) < 0))
			return error_sys(err, errno, "making %s%s again, of %llu bytes",
					 n->memfd ? "memfd " : "the unlinked file ", n->name,
					 (unsigned long long)n->size);
	}
	return 0;
}

int nameless_lend(const struct restore *r)
{
	size_t count = r->nameless ? r->process->nameless_count : 0;

	/* First out of the way of all numbers that are lent. */
	for (size_t i = 0; i < count; i++)
		if (r->nameless[i] >= 0 &&
		    (r->nameless[i] = fcntl(r->nameless[i], F_DUPFD_CLOEXEC, lent_end(r))) < 0)
			return -1;
	for (size_t i = 0; i < count; i++)
		if (r->nameless[i] >= 0 &&
		    dup2(r->nameless[i], r->fd_base + LENT_COUNT + (int)i) < 0)
			return -1;
	return 0;
}
