/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the kernel knows of a thread and no core tells: the address it clears at the thread's end,
 * its robust mutex list, its rseq area.  libc keeps all three at fixed distances from the thread
 * pointer; the distances are found in the memory of the process itself.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <linux/auxvec.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "elf/elf_file.h"
#include "process/arch.h"
#include "restart/restore.h"
#include "util/cleanup.h"

/* More than any libc's thread descriptor. */
enum { TCB_SIZE = 4096 };

/* ---- glibc ----------------------------------------------------------------------------------- */

/*
 * glibc: struct pthread holds the thread id, two pointers, then the robust list head: a list that
 * is empty when it points to itself, and the distance from its links to the futex word, -32.
 */
enum { ROBUST_AFTER_TID = 16 };

static const int64_t glibc_futex_offset = -32;

static size_t read_tcb(const struct process *p, const struct thread *t, uint8_t *tcb)
{
	addr_t tls = p->arch->tls(t);
	const struct mapping *m = tls ? process_mapping_at(p, tls) : NULL;
	size_t len = m ? m->end - tls : 0;
	struct error err;

	if (len > TCB_SIZE)
		len = TCB_SIZE;
	return len && process_read(p, tls, tcb, len, &err) == 0 ? len : 0;
}

static bool glibc_robust_head_at(const uint8_t *tcb, size_t len, size_t at)
{
	int64_t offset;

	if (at + 16 > len)
		return false;
	memcpy(&offset, tcb + at + 8, sizeof offset);
	return offset == glibc_futex_offset;
}

/* The offsets, in every thread's descriptor, of an int that equals the thread's id. */
static void find_tid(struct libc_layout *l, const struct process *p)
{
	cleanup_free uint8_t *tcb = malloc(TCB_SIZE);
	bool possible[TCB_SIZE / 4];
	size_t first = 0;

	memset(possible, true, sizeof possible);
	for (size_t i = 0; i < p->thread_count; i++) {
		size_t len = tcb ? read_tcb(p, &p->threads[i], tcb) : 0;

		for (size_t at = 0; at < TCB_SIZE; at += 4) {
			int32_t value = 0;

			if (at + 4 <= len)
				memcpy(&value, tcb + at, 4);
			if (value != p->threads[i].tid)
				possible[at / 4] = false;
			else if (possible[at / 4] &&
				 glibc_robust_head_at(tcb, len, at + ROBUST_AFTER_TID) &&
				 !l->robust_known) {
				l->robust = (int64_t)at + ROBUST_AFTER_TID;
				l->robust_known = true;
			}
		}
	}
	if (l->robust_known && possible[(l->robust - ROBUST_AFTER_TID) / 4]) {
		first = (size_t)l->robust - ROBUST_AFTER_TID;
	} else {
		l->robust_known = false;
		while (first < TCB_SIZE && !possible[first / 4])
			first += 4;
	}
	if (first < TCB_SIZE) {
		l->tid = (int64_t)first;
		l->tid_known = true;
	}
}

/*
 * After a restart with new ids the descriptors keep the old ones, on
 * purpose (ids.h), and equal none.  Then the heads of the robust
 * lists tell: they are alike in all threads, with an id before them.
 */
static void find_robust_head(struct libc_layout *l, const struct process *p)
{
	cleanup_free uint8_t *tcb = malloc(TCB_SIZE);
	bool possible[TCB_SIZE / 8];

	memset(possible, true, sizeof possible);
	for (size_t i = 0; i < p->thread_count; i++) {
		size_t len = tcb ? read_tcb(p, &p->threads[i], tcb) : 0;

		for (size_t at = ROBUST_AFTER_TID; at < TCB_SIZE; at += 8) {
			int32_t tid = 0;

			if (glibc_robust_head_at(tcb, len, at))
				memcpy(&tid, tcb + at - ROBUST_AFTER_TID, sizeof tid);
			if (tid <= 0)
				possible[at / 8] = false;
		}
	}
	for (size_t at = ROBUST_AFTER_TID; at < TCB_SIZE && !l->robust_known; at += 8) {
		if (!possible[at / 8])
			continue;
		l->robust = (int64_t)at;
		l->tid = l->robust - ROBUST_AFTER_TID;
		l->robust_known = l->tid_known = true;
	}
}

/* Reads the variable NAME of the ELF file mapped at (or for) ADDR.  False when there is none. */
static bool read_variable(const struct process *p, addr_t base, const char *name, void *value,
			  size_t size)
{
	const struct mapping *m = process_mapping_at(p, base);
	uint64_t symbol, symbol_size;
	struct elf_file file;
	struct arena arena = { 0 };
	struct error err;
	bool found = false;

	if (m && m->path && elf_file_read(&file, &arena, m->path, &err) == 0 &&
	    elf_file_symbol(m->path, name, &symbol, &symbol_size, &err) == 0) {
		addr_t bias = file.position_independent ? m->start - m->file_offset : 0;

		found = process_read(p, bias + symbol, value, size, &err) == 0;
	}
	arena_free(&arena);
	return found;
}

/*
 * rseq: glibc from 2.35 on says where its area is in __rseq_offset and __rseq_size, which ld.so
 * exports and a static program has in its symbol table.  A size of 0 means not registered.
 */
static void find_rseq(struct libc_layout *l, const struct process *p)
{
	addr_t interpreter = process_auxv(p, AT_BASE, 0);
	addr_t base = interpreter;
	uint64_t offset;
	uint32_t size;

	if (!base)
		base = process_auxv(p, AT_PHDR, 0) & ~(p->arch->page_size - 1);
	if (!base || !read_variable(p, base, "__rseq_offset", &offset, sizeof offset) ||
	    !read_variable(p, base, "__rseq_size", &size, sizeof size) || !size)
		return;
	/* The kernel's first ABI is 32 bytes; later ones grow by what AT_RSEQ_FEATURE_SIZE says. */
	uint64_t feature = process_auxv(p, 27 /* AT_RSEQ_FEATURE_SIZE */, 0);
	uint64_t registered = size < 32 ? 32 : size;
	if (feature > registered && feature <= 1024)
		registered = (feature + 31) & ~31ull;
	l->rseq = (int64_t)offset;
	l->rseq_size = (uint32_t)registered;
	l->rseq_known = true;
}

/* ---- musl ------------------------------------------------------------------------------------ */

/*
 * musl gives the kernel one address for all threads, that of its lock over the list of threads,
 * which a thread takes as it ends and the kernel releases.  The lock has no symbol in a stripped
 * libc, but start-up code names it: set_tid_address(&__thread_list_lock) is compiled to
 *
 *	b8 da 00 00 00			mov	$0xda, %eax
 *	48 8d 3d DISPLACEMENT		lea	__thread_list_lock(%rip), %rdi
 *	0f 05				syscall
 */
static addr_t find_lock_in(const struct process *p, const struct mapping *m)
{
	static const uint8_t pattern[] = { 0xb8, 0xda, 0, 0, 0, 0x48, 0x8d, 0x3d };
	enum { LENGTH = sizeof pattern + 4 + 2 };
	size_t size = m->end - m->start;
	cleanup_free uint8_t *code = malloc(size);
	struct error err;

	if (!code || process_read(p, m->start, code, size, &err) < 0)
		return 0;
	for (size_t at = 0; at + LENGTH <= size; at++) {
		const uint8_t *found = memmem(code + at, size - at, pattern, sizeof pattern);
		int32_t displacement;

		if (!found || (at = (size_t)(found - code)) + LENGTH > size)
			break;
		memcpy(&displacement, found + sizeof pattern, sizeof displacement);
		addr_t lock = m->start + at + sizeof pattern + 4 + (addr_t)(int64_t)displacement;
		const struct mapping *data = process_mapping_at(p, lock);

		if (memcmp(found + sizeof pattern + 4, "\x0f\x05", 2) == 0 && data &&
		    data->prot & PROT_WRITE)
			return lock;
	}
	return 0;
}

static void find_musl_lock(struct libc_layout *l, const struct process *p)
{
	enum { CODE_MAX = 16 << 20 };
	addr_t interpreter = process_auxv(p, AT_BASE, 0);
	const struct mapping *libc =
		process_mapping_at(p, interpreter ? interpreter : process_auxv(p, AT_ENTRY, 0));

	for (size_t i = 0; libc && libc->path && i < p->mapping_count && !l->shared_tid; i++) {
		const struct mapping *m = &p->mappings[i];

		if (m->path && strcmp(m->path, libc->path) == 0 && m->prot & PROT_EXEC &&
		    m->end - m->start <= CODE_MAX)
			l->shared_tid = find_lock_in(p, m);
	}
}

void libc_layout_find(struct libc_layout *l, const struct process *p)
{
	memset(l, 0, sizeof *l);
	find_tid(l, p);
	if (!l->tid_known)
		find_robust_head(l, p);
	if (!l->robust_known)  /* not glibc */
		find_musl_lock(l, p);
	find_rseq(l, p);
}
