/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Traits of memory (process/traits.h) in the plan: what the call that maps it must know, and what
 * is done to it when it is there and has its contents.
 */
#ifndef RESTART_TRAITS_H
#define RESTART_TRAITS_H

#include "restart/restore.h"

#ifndef MAP_DROPPABLE
#define MAP_DROPPABLE 0x08
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif
#ifndef SYS_mseal
#define SYS_mseal 462
#endif

/* The trait of M's kernel mapping, or that of ordinary memory. */
const struct trait *trait_of(const struct restore *r, const struct mapping *m);

/* Flags for mmap: MAP_PRIVATE or MAP_SHARED or MAP_DROPPABLE, MAP_NORESERVE, MAP_HUGETLB. */
unsigned trait_map_flags(const struct restore *r, const struct mapping *m);

/* Whether mappings with these two can be made by one call. */
bool trait_same_mapping(const struct trait *a, const struct trait *b);

/* Whether M must be anonymous memory, as a mapping of the core could not be what it is. */
bool trait_needs_anonymous(const struct trait *t);

/*
 * What the kernel here has: the fallbacks are memory that does not vanish, ordinary pages, the
 * default key, PROT_NONE, no seal.
 */
bool trait_droppable_here(void);
bool trait_huge_pages_suffice(const struct restore *r, uint64_t page_size);
bool trait_pkeys_here(void);
bool trait_guards_here(void);
bool trait_seals_here(void);

/* Advice that tells what pages to take: before the contents come. */
void plan_page_advice(struct plan *plan, const struct trait *t, addr_t start, addr_t end);

/* Whether T is the vdso's or the like, which every process gets anew. */
bool trait_is_kernels(const struct restore *r, const struct trait *t);

/* Whether there is memory all over the range, so that something can be done to it. */
bool trait_is_mapped(const struct restore *r, addr_t start, addr_t end);

/* The rest, when all memory is there. */
void plan_traits(const struct restore *r, struct plan *plan);

/* The limit of locked memory that will hold: the old one, as far as ours allows. */
uint64_t trait_lock_limit(const struct process *p);

/* check_traits.c */
void check_traits(const struct restore *r, struct findings *f);

#endif
