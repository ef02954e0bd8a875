/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "restart/lazy.h"

#include <string.h>
#include <sys/mman.h>

#include "process/arch.h"

/* A part that is smaller costs more page faults later than its copying costs now. */
enum { WORTH_MAPPING = 128 << 10 };

enum { PAGE = 4096, SEEN_BITS = 6, SEEN = 1 << SEEN_BITS };

/* Pages that were read last: the search looks at the same ones from many places. */
static struct seen {
	const struct process *of;
	addr_t page;
	bool there;
	uint8_t bytes[PAGE];
} seen[SEEN];

static const struct seen *see(const struct process *p, addr_t page)
{
	/* Many are at multiples of large powers of two: Fibonacci hashing spreads them. */
	struct seen *s = &seen[page / PAGE * 0x9e3779b97f4a7c15u >> (64 - SEEN_BITS)];
	struct error err;

	if (s->of != p || s->page != page) {
		s->of = p;
		s->page = page;
		s->there = process_mapping_at(p, page) &&
			   process_read(p, page, s->bytes, PAGE, &err) == 0;
	}
	return s;
}

/* What reaches over the end of a page is none of what is searched for. */
static bool read_words(const struct restore *r, addr_t at, uint64_t *words, size_t count)
{
	const struct seen *s = see(r->process, at & ~(addr_t)(PAGE - 1));
	size_t size = count * sizeof *words;

	if (!s->there || at % PAGE > PAGE - size)
		return false;
	memcpy(words, s->bytes + at % PAGE, size);
	return true;
}

/* ---- glibc ----------------------------------------------------------------------------------- */

/*
 * The head of a chunk (malloc/malloc.c, struct malloc_chunk): the
 * bytes before it, its own size with flags in the lowest bits.
 */
enum { CHUNK_FLAGS = 7, CHUNK_IS_MMAPPED = 2, CHUNK_ALIGNMENT = 16 };

/*
 * The size of the mmapped block whose chunk begins at BLOCK + LEAD, or 0.  Before the chunk stands
 * what memalign() skipped; newer versions keep a flag in that number, too.
 */
static uint64_t chunk_at(const struct restore *r, addr_t block, uint64_t lead, uint64_t room)
{
	uint64_t head[2], size;

	if (lead + sizeof head > room || !read_words(r, block + lead, head, 2) ||
	    (head[0] & ~(uint64_t)1) != lead || (head[1] & CHUNK_FLAGS) != CHUNK_IS_MMAPPED)
		return 0;
	size = head[1] & ~(uint64_t)CHUNK_FLAGS;
	if (size > room - lead || (lead + size) % r->process->arch->page_size)
		return 0;
	return lead + size;
}

/* A block of malloc() or, with its memory at a multiple of any power of two, of memalign(). */
static uint64_t glibc_block(const struct restore *r, addr_t at, uint64_t room)
{
	enum { LEAST_CHUNK = 32, LARGEST_ALIGNMENT = 21 };
	uint64_t size = chunk_at(r, at, 0, room);

	for (int shift = 5; !size && shift <= LARGEST_ALIGNMENT; shift++) {
		addr_t mask = ((addr_t)1 << shift) - 1;
		addr_t chunk = ((at + CHUNK_ALIGNMENT + mask) & ~mask) - CHUNK_ALIGNMENT;

		if (chunk - at < LEAST_CHUNK)
			chunk += mask + 1;
		size = chunk_at(r, at, chunk - at, room);
	}
	return size;
}

/*
 * The arena, or a further heap of one, that threads allocate from (malloc/arena.c, struct
 * heap_info): its arena, the heap before it, the bytes in use, the bytes that may be accessed.
 */
static uint64_t glibc_arena(const struct restore *r, addr_t at, uint64_t room)
{
	enum { HEAP_MAX = 64 << 20 };
	uint64_t heap[4], page = r->process->arch->page_size;

	if (at % HEAP_MAX || !read_words(r, at, heap, 4) || heap[0] % CHUNK_ALIGNMENT ||
	    heap[1] % HEAP_MAX || heap[2] % page || heap[3] % page || !heap[2] ||
	    heap[2] > heap[3] || heap[3] > HEAP_MAX || !process_mapping_at(r->process, heap[0]) ||
	    (heap[1] ? heap[0] - at < HEAP_MAX : heap[0] - at > page))
		return 0;
	return heap[3] < room ? heap[3] : room;
}

/* ---- musl ------------------------------------------------------------------------------------ */

/*
 * A group (src/malloc/mallocng/meta.h): its first word leads to a record of it, which leads back
 * and has the number of its pages above twelve other bits.
 */
static uint64_t musl_group(const struct restore *r, addr_t at, uint64_t room)
{
	uint64_t meta, record[5];

	if (!read_words(r, at, &meta, 1) || !meta || meta % 8 || !read_words(r, meta, record, 5) ||
	    record[2] != at || record[4] >> 12 > room / r->process->arch->page_size)
		return 0;
	return (record[4] >> 12) * r->process->arch->page_size;
}

/* ---- What stands at an address --------------------------------------------------------------- */

static bool known_at(const struct restore *r, addr_t at, addr_t end, struct lazy_part *part)
{
	addr_t page = r->process->arch->page_size;
	uint64_t size = glibc_block(r, at, end - at);

	if (!size)
		size = musl_group(r, at, end - at);
	if (size) {
		*part = (struct lazy_part){ at + page, at + size };
		return true;
	}
	size = glibc_arena(r, at, end - at);
	*part = (struct lazy_part){ at, at + size };
	return size;
}

/* The kernel shows the name [heap] only where there is no file: at its end, which is copied. */
static struct lazy_part heap_part(const struct restore *r, addr_t at, addr_t end)
{
	addr_t last = end - r->process->arch->page_size;

	return at < last ? (struct lazy_part){ at, last } : (struct lazy_part){ end, end };
}

/* Below the stack of a thread its libc puts a guard. */
static bool is_stack(const struct process *p, const struct mapping *m)
{
	const struct mapping *guard = m - 1;

	return m > p->mappings && guard->end == m->start && guard->prot == PROT_NONE;
}

/* The next page while there are PAGES to search, then the next mapping. */
static addr_t next_to_search(const struct restore *r, addr_t at, addr_t end, size_t *pages)
{
	const struct mapping *m = process_mapping_at(r->process, at);

	if (!m)
		return end;
	if (!*pages || is_stack(r->process, m))
		return m->end;
	--*pages;
	return at + r->process->arch->page_size;
}

/* Behind memory that is nobody's a known block may stand. */
static struct lazy_part search(const struct restore *r, addr_t at, addr_t end, size_t *pages)
{
	struct lazy_part part;

	while ((at = next_to_search(r, at, end, pages)) < end)
		if (known_at(r, at, end, &part))
			return part;
	return (struct lazy_part){ end, end };
}

struct lazy_part lazy_part_at(const struct restore *r, const struct mapping *m, addr_t at,
			      addr_t end, size_t *pages)
{
	struct lazy_part part = { end, end };

	if (m->path && !m->deleted)
		part.copied = at;  /* one file is as good as another */
	else if (m->label == LABEL_HEAP)
		part = heap_part(r, at, end);
	else if (m->prot & PROT_WRITE && !known_at(r, at, end, &part))
		part = search(r, at, end, pages);
	if (part.end - part.copied < WORTH_MAPPING)
		part.copied = part.end;
	return part;
}
