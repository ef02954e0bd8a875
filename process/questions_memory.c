/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the kernel keeps for memory that is not there yet: it is found by trying. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "process/arch.h"
#include "process/questions.h"

#define call(a, result, err, nr, ...) call_(a, result, err, nr, __VA_ARGS__, 0, 0, 0)
#define call_(a, result, err, nr, x, y, z, w, ...) \
	(a)->call((a)->context, result, err, nr, \
		  (const uint64_t[ASKER_ARGS]){ (uint64_t)(x), (uint64_t)(y), (uint64_t)(z), \
						(uint64_t)(w) })

/* ---- mlockall(MCL_FUTURE) -------------------------------------------------------------------- */

/*
 * madvise() throws no page away that is locked (EINVAL); and of memory that is locked at once, but
 * not with MCL_ONFAULT, the page is there without having been touched.
 */
static int look_at_page(const struct asker *a, addr_t page, size_t size, int64_t *locks,
			struct error *err)
{
	unsigned char there = 0;
	long result;

	if (call(a, &result, err, SYS_mincore, page, size, a->data) < 0 ||
	    a->read(a->context, a->data, &there, sizeof there, err) < 0 ||
	    call(a, &result, err, SYS_madvise, page, size, MADV_DONTNEED) < 0)
		return -1;
	*locks = result != -EINVAL ? LOCKS_NONE : there & 1 ? LOCKS_NEW : LOCKS_NEW_ON_FAULT;
	return 0;
}

/* A page is mapped for a moment.  Where even one is too much for a limit nothing is known. */
int ask_future_locks(struct process *p, const struct asker *a, struct error *err)
{
	size_t size = p->arch->page_size;
	int64_t locks;
	long page, result;

	if (call(a, &page, err, SYS_mmap, 0, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS) < 0)
		return -1;
	if (page < 0 && page > -4096)
		return 0;
	if (look_at_page(a, (addr_t)page, size, &locks, err) < 0 ||
	    call(a, &result, err, SYS_munmap, page, size) < 0)
		return -1;
	attribute_set(&p->attributes, ATTRIBUTE_FUTURE_LOCKS, locks);
	return 0;
}

/* ---- Protection keys ------------------------------------------------------------------------- */

/*
 * The keys that can still be had are taken for a moment: the others are allocated.  A cpu without
 * keys has none to give.  The rights that the calling thread is given by that are those which it
 * has from the start (init_pkru_value, arch/x86/mm/pkeys.c).
 */
int ask_pkeys(struct process *p, const struct asker *a, struct error *err)
{
	uint32_t free = 0;
	long key, result;

	for (;;) {
		if (call(a, &key, err, SYS_pkey_alloc, 0, PKEY_DISABLE_ACCESS) < 0)
			return -1;
		if (key < 1 || key > TRAIT_PKEY_MAX || free >> key & 1)
			break;
		free |= 1u << key;
	}
	for (uint32_t k = 1; k <= TRAIT_PKEY_MAX; k++)
		if (free >> k & 1 && call(a, &result, err, SYS_pkey_free, k) < 0)
			return -1;
	/* ENOSPC from the first on: all are allocated, or there are none here. */
	if (free)
		attribute_set(&p->attributes, ATTRIBUTE_PKEYS, PKEYS_ALL & ~free);
	return 0;
}
