/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Finding the locks that glibc's threads hold and that name their owner by its thread id.
 *
 * A process that is restored with other ids keeps the old ones in its memory: in libc's record of
 * each thread, which pthread_kill(), pthread_getattr_np() and others use, and in locks that are
 * held.  With both changed nothing is left of them.  Which words of memory are such locks' owners
 * nobody records, but a lock is known by its shape (sysdeps/nptl/bits/struct_mutex.h,
 * struct_rwlock.h):
 *
 *	struct __pthread_mutex_s	lock  count  owner  nusers  kind  spins  list (two words)
 *	struct __pthread_rwlock_arch_t	readers  writers  wrphase_futex  writers_futex
 *					pad  pad  cur_writer  shared ...
 *
 * Looked for are those whose unlocking compares the owner: recursive, error-checking, robust and
 * priority-inheriting mutexes, and rwlocks that are held for writing.
 */
#ifndef PROCESS_LOCKS_H
#define PROCESS_LOCKS_H

#include "process/process.h"

struct locks {
	pid_t *ids;          /* of the threads, ascending */
	size_t id_count;
	addr_t *words;       /* found: 32-bit words whose lowest 30 bits are an id */
	size_t count, capacity;
	struct arena arena;
	bool overflow;       /* there were more than anybody can hold */
};

/* The part of a lock's word that is an id (linux/futex.h: FUTEX_TID_MASK). */
#define LOCK_ID_MASK 0x3fffffffu

enum { LOCKS_MOST = 1 << 16 };

MUST_CHECK int locks_open(struct locks *l, const struct process *p, struct error *err);
void locks_close(struct locks *l);

/*
 * Looks at the SIZE bytes that stand at ADDR in the process, whole
 * pages.  A lock that may reach beyond them is read with READ.
 */
void locks_scan(struct locks *l, addr_t addr, const void *bytes, size_t size,
		const struct memory *read);

#endif
