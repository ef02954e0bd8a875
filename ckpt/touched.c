/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "ckpt/touched.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>

#include "process/traced.h"

enum { PAGE = 4096, ANSWER = 64 << 10 /* bytes of the process that a call answers in */ };

/* mincore() calls a page that is swapped out one that is not there (mincore_page()). */
static bool is_swapping(void)
{
	struct sysinfo info;

	return sysinfo(&info) < 0 || info.freeswap != info.totalswap;
}

/* Of hugetlb memory mincore() tells what this process has touched, not what there is. */
static bool is_hugetlb(const struct process *p, const struct mapping *map)
{
	for (size_t i = 0; i < p->trait_count; i++)
		if (p->traits[i].page_size && p->traits[i].start < map->end &&
		    map->start < p->traits[i].end)
			return true;
	return false;
}

/* Memory that is nowhere else.  A file that was removed may have pages on its disk. */
static bool is_candidate(const struct process *p, const struct mapping *map)
{
	return map->shared && map->end - map->start >= TOUCHED_LEAST &&
	       (!map->path || (map->deleted && strcmp(map->path, "/dev/zero") == 0)) &&
	       map->label == LABEL_NONE && !is_hugetlb(p, map);
}

static size_t count_candidates(const struct process *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->mapping_count; i++)
		n += is_candidate(p, &p->mappings[i]);
	return n;
}

/* 1: R is known, 0: the kernel does not say, -1. */
static int ask_range(const struct touched_range *r, struct tracee *t, addr_t answer,
		     struct error *err)
{
	size_t pages = (r->end - r->start) / PAGE, n;
	long result;

	for (size_t i = 0; i < pages; i += n) {
		n = pages - i < ANSWER ? pages - i : ANSWER;
		if (tracee_call(t, &result, err, SYS_mincore, r->start + i * PAGE, n * PAGE, answer,
				0, 0, 0) < 0)
			return -1;
		if (result != 0)
			return 0;
		if (traced_read(t->pid, answer, r->pages + i, n, err) < 0)
			return -1;
	}
	return 1;
}

static int ask_ranges(struct touched *touched, const struct process *p, struct tracee *t,
		      addr_t answer, struct error *err)
{
	for (size_t i = 0; i < p->mapping_count; i++) {
		const struct mapping *map = &p->mappings[i];
		struct touched_range r = { .start = map->start, .end = map->end };
		int known;

		if (!is_candidate(p, map))
			continue;
		r.pages = malloc((map->end - map->start) / PAGE);
		if (!r.pages)
			return error_set(err, ENOMEM, "not enough memory");
		known = ask_range(&r, t, answer, err);
		if (known > 0)
			touched->ranges[touched->count++] = r;
		else
			free(r.pages);
		if (known < 0)
			return -1;
	}
	return 0;
}

static int ask_all(struct touched *touched, const struct process *p, struct tracee *t,
		   struct error *err)
{
	long answer, unmapped;
	int result;

	if (tracee_call(t, &answer, err, SYS_mmap, 0, ANSWER, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, (uint64_t)-1, 0) < 0)
		return -1;
	if (answer < 0 && answer > -4096)
		return 0;
	result = ask_ranges(touched, p, t, (addr_t)answer, err);
	if (tracee_call(t, &unmapped, err, SYS_munmap, (uint64_t)answer, ANSWER, 0, 0, 0, 0) < 0)
		return -1;
	return result;
}

int touched_ask(struct touched *touched, const struct process *p, struct tracee *t,
		struct error *err)
{
	size_t count = count_candidates(p);
	int result = 0;

	if (!count || is_swapping())
		return 0;
	touched->ranges = calloc(count, sizeof *touched->ranges);
	if (!touched->ranges)
		return error_set(err, ENOMEM, "not enough memory");
	if (tracee_begin_calls(t, 0, p, err) < 0)
		result = err->code == ENOTSUP ? 0 : -1;
	else
		result = ask_all(touched, p, t, err);
	tracee_end_calls(t);
	if (result < 0 || is_swapping())
		touched_free(touched);
	return result;
}

void touched_free(struct touched *touched)
{
	for (size_t i = 0; i < touched->count; i++)
		free(touched->ranges[i].pages);
	free(touched->ranges);
	*touched = (struct touched){ 0 };
}

const struct touched_range *touched_at(const struct touched *touched, addr_t addr)
{
	for (size_t i = 0; i < touched->count; i++)
		if (addr >= touched->ranges[i].start && addr < touched->ranges[i].end)
			return &touched->ranges[i];
	return NULL;
}

bool touched_next(const struct touched_range *r, addr_t from, addr_t end, addr_t *start,
		  addr_t *stop)
{
	size_t last = ((end < r->end ? end : r->end) - r->start) / PAGE;
	size_t i = (from - r->start) / PAGE;

	while (i < last && !(r->pages[i] & 1))
		i++;
	*start = r->start + i * PAGE;
	if (i >= last)
		return false;
	while (i < last && r->pages[i] & 1)
		i++;
	*stop = r->start + i * PAGE;
	return true;
}
