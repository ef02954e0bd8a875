/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "ckpt/pages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "process/pagemap.h"
#include "process/procfs.h"
#include "util/format.h"
#include "util/io.h"

enum { PAGE = 4096 };

/* Documentation/admin-guide/mm/pagemap.rst */
#define PAGE_PRESENT ((uint64_t)1 << 63)
#define PAGE_SWAPPED ((uint64_t)1 << 62)
#define PAGE_OF_FILE ((uint64_t)1 << 61)  /* or shared anonymous */
#define PAGE_GUARDED ((uint64_t)1 << 58)  /* MADV_GUARD_INSTALL; counts as swapped */

static int open_proc(pid_t pid, const char *what, int *fd, struct error *err)
{
	char name[64];

	format(name, sizeof name, "/proc/%d/%s", pid, what);
	*fd = open(name, O_RDONLY | O_CLOEXEC);
	return *fd < 0 ? error_sys(err, errno, "%s", name) : 0;
}

int pages_open(struct pages *p, pid_t pid, struct error *err)
{
	p->mem = p->pagemap = -1;
	p->pid = pid;
	p->sizes = NULL;
	p->window_count = 0;
	if (open_proc(pid, "mem", &p->mem, err) < 0 ||
	    open_proc(pid, "pagemap", &p->pagemap, err) < 0) {
		pages_close(p);
		return -1;
	}
	return 0;
}

void pages_close(struct pages *p)
{
	if (p->mem >= 0)
		close(p->mem);
	if (p->pagemap >= 0)
		close(p->pagemap);
	p->mem = p->pagemap = -1;
	if (p->sizes)
		process_free(p->sizes);
	free(p->sizes);
	p->sizes = NULL;
}

static int is_private(uint64_t entry)
{
	return entry & (PAGE_PRESENT | PAGE_SWAPPED) && !(entry & (PAGE_OF_FILE | PAGE_GUARDED));
}

/* Moves the window to AT, where at least one page is wanted and no more than those before END. */
static int move_window(struct pages *p, addr_t at, addr_t end, struct error *err)
{
	size_t want = (end - at) / PAGE < PAGES_WINDOW ? (end - at) / PAGE : PAGES_WINDOW;
	ssize_t n = pread_full(p->pagemap, p->window, want * sizeof *p->window,
			       at / PAGE * sizeof *p->window);

	p->window_start = at;
	p->window_count = 0;
	if (n < (ssize_t)sizeof *p->window)
		return error_sys(err, n < 0 ? errno : EFAULT, "reading page tables");
	p->window_count = (size_t)n / sizeof *p->window;
	return 0;
}

/*
 * Before Linux 6.7: END where smaps, which is read once and for large ranges only, says that there
 * is nothing in the whole mapping.
 */
static addr_t skip_empty_mapping(struct pages *p, addr_t from, addr_t end)
{
	const addr_t large = (addr_t)1 << 30;
	struct error unused;
	const struct trait *t;

	if (end - from < large)
		return from;
	if (!p->sizes) {
		p->sizes = malloc(sizeof *p->sizes);
		if (!p->sizes)
			return from;
		process_init(p->sizes);
		if (procfs_read_traits(p->sizes, p->pid, &unused) < 0)
			return from;
	}
	t = process_trait_at(p->sizes, from);
	return t && !t->resident && t->end >= end ? end : from;
}

/*
 * The first page that may be there in [FROM, END), or END: a reserve of many TiB, of which the
 * window would read an entry for every page, is a moment's work.
 */
static addr_t skip_hole(struct pages *p, addr_t from, addr_t end)
{
	struct pagemap_region region;
	struct pagemap_scan scan = {
		.start = from, .end = end, .vec = (uintptr_t)&region, .vec_len = 1, .max_pages = 1,
		.category_anyof_mask = PAGE_CATEGORY_PRESENT | PAGE_CATEGORY_SWAPPED,
		.return_mask = PAGE_CATEGORY_PRESENT | PAGE_CATEGORY_SWAPPED,
	};
	int count = pagemap_scan(p->pagemap, &scan);

	if (count < 0)
		return skip_empty_mapping(p, from, end);
	return count ? region.start : end;
}

int pages_next_private(struct pages *p, addr_t from, addr_t end, addr_t *start, addr_t *stop,
		       struct error *err)
{
	int inside = 0;

	for (addr_t at = from; at < end; at += PAGE) {
		size_t i = (at - p->window_start) / PAGE;

		if (at < p->window_start || i >= p->window_count) {
			if (!inside && (end - at) / PAGE > PAGES_WINDOW)
				at = skip_hole(p, at, end);
			if (at == end)
				break;
			if (move_window(p, at, end, err) < 0)
				return -1;
			i = 0;
		}
		if (is_private(p->window[i]) == inside)
			continue;
		if (inside) {
			*stop = at;
			return 1;
		}
		*start = at;
		inside = 1;
	}
	*stop = end;
	return inside;
}

/*
 * Not by process_vm_readv(): it pins the pages, and a page that a fork shares is copied before it
 * is pinned (gup_must_unshare()), so that the snapshot would take as much memory as its original.
 */
int pages_read(const struct pages *p, addr_t addr, void *to, size_t len, struct error *err)
{
	if (pread_full(p->mem, to, len, addr) != (ssize_t)len)
		return error_sys(err, errno, "reading memory at 0x%llx", (unsigned long long)addr);
	return 0;
}
