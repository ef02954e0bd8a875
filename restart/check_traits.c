/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which traits of memory can be had here. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "process/arch.h"
#include "restart/caps.h"
#include "restart/shared.h"
#include "restart/traits.h"

/* ---- What the kernel here has ---------------------------------------------------------------- */

/* Whether ADVICE can be given to a page of memory that is mapped with FLAGS. */
static bool can_map(unsigned flags, int advice)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *probe = mmap(NULL, page, PROT_READ | PROT_WRITE, (int)flags | MAP_ANONYMOUS, -1, 0);
	bool can = probe != MAP_FAILED && madvise(probe, page, advice) == 0;

	if (probe != MAP_FAILED)
		munmap(probe, page);
	return can;
}

bool trait_droppable_here(void)
{
	return can_map(MAP_DROPPABLE, MADV_NORMAL);
}

bool trait_guards_here(void)
{
	return can_map(MAP_PRIVATE, MADV_GUARD_INSTALL);
}

/* An address inside a page is refused by a kernel that knows the call. */
bool trait_seals_here(void)
{
	return syscall(SYS_mseal, 1, 1, 0) < 0 && errno == EINVAL;
}

bool trait_pkeys_here(void)
{
	long key = syscall(SYS_pkey_alloc, 0, 0);

	if (key > 0)
		syscall(SYS_pkey_free, key);
	return key > 0;
}

static uint64_t huge_page_number(uint64_t page_size, const char *what)
{
	char path[128];
	unsigned long long n = 0;

	snprintf(path, sizeof path, "/sys/kernel/mm/hugepages/hugepages-%llukB/%s",
		 (unsigned long long)page_size / 1024, what);
	FILE *file = fopen(path, "re");
	if (file) {
		if (fscanf(file, "%llu", &n) != 1)
			n = 0;
		fclose(file);
	}
	return n;
}

static bool huge_pages_suffice(const struct process *p, uint64_t page_size)
{
	uint64_t free = huge_page_number(page_size, "free_hugepages");
	uint64_t reserved = huge_page_number(page_size, "resv_hugepages"), needed = 0;

	for (size_t i = 0; i < p->trait_count; i++)
		if (p->traits[i].page_size == page_size)
			needed += (p->traits[i].end - p->traits[i].start) / page_size;
	return free >= reserved && free - reserved >= needed;
}

/* Decided once: what is made before there is a new process takes some of the pages itself. */
bool trait_huge_pages_suffice(const struct restore *r, uint64_t page_size)
{
	/* A machine has few sizes. */
	static struct { uint64_t page_size; bool suffice; } decided[8];
	static size_t count;

	for (size_t i = 0; i < count; i++)
		if (decided[i].page_size == page_size)
			return decided[i].suffice;
	bool suffice = huge_pages_suffice(r->process, page_size);

	if (count < sizeof decided / sizeof decided[0]) {
		decided[count].page_size = page_size;
		decided[count++].suffice = suffice;
	}
	return suffice;
}

/* ---- Checks ---------------------------------------------------------------------------------- */

bool trait_is_kernels(const struct restore *r, const struct trait *t)
{
	const struct mapping *m = process_mapping_at(r->process, t->start);

	return m &&
	       (m->label == LABEL_VDSO || m->label == LABEL_VVAR || m->label == LABEL_VSYSCALL);
}

bool trait_is_mapped(const struct restore *r, addr_t start, addr_t end)
{
	while (start < end) {
		const struct mapping *m = process_mapping_at(r->process, start);

		if (!m)
			return false;
		start = m->end;
	}
	return true;
}

static bool is_aligned(const struct restore *r, const struct trait *t)
{
	const struct mapping *m = process_mapping_at(r->process, t->start);

	return !t->page_size || !m || m->bytes == BYTES_FILE ||
	       ((m->start | m->end) % t->page_size == 0);
}

/* Of the whole process, what is lost here of one kind, told once with the first place. */
struct lost {
	uint32_t flag;
	bool (*here)(void);
	const char *was, *will;
};

static const struct lost lost[] = {
	{ TRAIT_DROPPABLE, trait_droppable_here,
	  "was droppable", "would be ordinary memory (needs Linux 6.11)" },
	{ TRAIT_SEALED, trait_seals_here,
	  "was sealed", "would not be (needs Linux 6.10)" },
	{ TRAIT_USERFAULT, NULL,
	  "had its page faults handled through userfaultfd", "would be ordinary memory" },
	{ TRAIT_DEVICE, NULL,
	  "was a device's", "would be ordinary memory" },
};

static void check_lost(const struct restore *r, struct findings *f)
{
	const struct process *p = r->process;

	for (size_t k = 0; k < sizeof lost / sizeof lost[0]; k++) {
		for (size_t i = 0; i < p->trait_count; i++) {
			const struct trait *t = &p->traits[i];

			if (!(t->flags & lost[k].flag) || trait_is_kernels(r, t) ||
			    (lost[k].here && lost[k].here()))
				continue;
			findings_add_loss(f, "memory at %llx-%llx %s and %s",
					  (unsigned long long)t->start, (unsigned long long)t->end,
					  lost[k].was, lost[k].will);
			break;
		}
	}
}

/* The kernel, and gdb, leave it out; ckpt does not. */
static void check_left_out(const struct restore *r, struct findings *f)
{
	const struct process *p = r->process;

	for (size_t i = 0; i < p->mapping_count; i++) {
		const struct mapping *m = &p->mappings[i];

		if (p->origin == ORIGIN_OURS || m->bytes == BYTES_SAVED || m->bytes == BYTES_FILE ||
		    is_mapped_nameless(r, m) || views_cover(r, m) ||
		    (trait_of(r, m)->flags & (TRAIT_DONTDUMP | TRAIT_DROPPABLE)) !=
			    TRAIT_DONTDUMP ||
		    trait_is_kernels(r, trait_of(r, m)))
			continue;
		findings_add(f, LOSS, "memory at %llx-%llx was kept out of the core by "
			     "MADV_DONTDUMP and is zeros (ckpt -p saves it)",
			     (unsigned long long)m->start,
			     (unsigned long long)m->end);
	}
}

static void check_huge_pages(const struct restore *r, struct findings *f)
{
	const struct process *p = r->process;
	uint64_t told = 0;

	for (size_t i = 0; i < p->trait_count; i++) {
		const struct trait *t = &p->traits[i];

		if (!t->page_size || t->page_size == told ||
		    trait_huge_pages_suffice(r, t->page_size))
			continue;
		told = t->page_size;
		findings_add(f, LOSS, "there are not enough free huge pages of %llu KiB: memory at "
			     "%llx-%llx gets ordinary pages (reserve some: vm.nr_hugepages)",
			     (unsigned long long)told >> 10, (unsigned long long)t->start,
			     (unsigned long long)t->end);
	}
}

static void check_keys(const struct restore *r, struct findings *f)
{
	const struct process *p = r->process;

	for (size_t i = 0; i < p->trait_count; i++) {
		if (!p->traits[i].pkey || trait_pkeys_here())
			continue;
		findings_add_loss(f, "memory at %llx-%llx had protection key %u, and this cpu or "
				  "kernel has none: it would have its ordinary protection",
				  (unsigned long long)p->traits[i].start,
				  (unsigned long long)p->traits[i].end, p->traits[i].pkey);
		return;
	}
}

uint64_t trait_lock_limit(const struct process *p)
{
	const struct limit *old = &p->limits[RLIMIT_MEMLOCK];
	struct rlimit now;

	if (getrlimit(RLIMIT_MEMLOCK, &now) < 0)
		return UINT64_MAX;
	if (!(p->have & HAVE_LIMITS) || !old->known)
		return now.rlim_cur;
	return old->soft < now.rlim_max ? old->soft : now.rlim_max;
}

static void check_locks(const struct restore *r, struct findings *f)
{
	const struct process *p = r->process;
	uint64_t total = 0, limit = trait_lock_limit(p);

	for (size_t i = 0; i < p->trait_count; i++)
		if (p->traits[i].flags & TRAIT_LOCKED && !trait_is_kernels(r, &p->traits[i]))
			total += p->traits[i].end - p->traits[i].start;
	if (total > limit && !caps_have(CAP_IPC_LOCK))
		findings_add_loss(f, "%llu KiB of memory were locked and the limit is %llu KiB: "
				  "some would not be locked (raise it: ulimit -l)",
				  (unsigned long long)total >> 10,
				  (unsigned long long)limit >> 10);
}

static void check_guards(const struct restore *r, struct findings *f)
{
	const struct process *p = r->process;

	for (size_t i = 0; i < p->guard_count; i++)
		if (!trait_is_mapped(r, p->guards[i].start, p->guards[i].end))
			findings_add(f, REMARK, "line %d of the text tells of a guard where there "
				     "is no memory", p->guards[i].line);
	/*
	 * Its gcore reads memory in large pieces, and
	 * writes zeros for one that cannot be read whole.
	 */
	if (p->guard_count && p->origin == ORIGIN_GDB)
		findings_add_loss(f, "gdb writes zeros for memory around guard regions, as at "
				  "%llx-%llx: it is lost (ckpt -p saves it)",
				  (unsigned long long)p->guards[0].start,
				  (unsigned long long)p->guards[0].end);
	if (p->guard_count && !trait_guards_here())
		findings_add(f, LOSS, "guard regions as at %llx-%llx become mappings of their own "
			     "(needs Linux 6.13)", (unsigned long long)p->guards[0].start,
			     (unsigned long long)p->guards[0].end);
}

void check_traits(const struct restore *r, struct findings *f)
{
	const struct process *p = r->process;

	for (size_t i = 0; i < p->trait_count; i++) {
		const struct trait *t = &p->traits[i];

		if (!trait_is_mapped(r, t->start, t->end))
			findings_add(f, REMARK, "line %d of the text tells of memory at %llx-%llx "
				     "that the core does not have", t->line,
				     (unsigned long long)t->start,
				     (unsigned long long)t->end);
		else if (!is_aligned(r, t))
			findings_add(f, OBSTACLE, "line %d of the text: memory at %llx-%llx is not "
				     "made of pages of that size (correct the line)", t->line,
				     (unsigned long long)t->start, (unsigned long long)t->end);
	}
	check_lost(r, f);
	check_left_out(r, f);
	check_huge_pages(r, f);
	check_keys(r, f);
	check_locks(r, f);
	check_guards(r, f);
}
