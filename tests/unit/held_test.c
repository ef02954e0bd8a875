/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the core has, in shared mappings, of a file without a name. */
#define _GNU_SOURCE
#include <stdlib.h>

#include "restart/shared.h"
#include "tests/unit/check.h"

enum { PAGE = 4096 };

static struct process process;
static struct restore restore;

/* A mapping of pages FROM to TO of the file INODE; in memory they are in the order of the calls. */
static void add(uint64_t inode, uint64_t from, uint64_t to, enum bytes bytes)
{
	struct mapping *m = process_add_mapping(&process);

	m->start = 0x100000 * process.mapping_count;
	m->end = m->start + (to - from) * PAGE;
	m->shared = m->deleted = true;
	m->path = "/memfd:held";
	m->file = (struct file_id){ .device = 1, .inode = inode };
	m->file_offset = from * PAGE;
	m->bytes = bytes;
}

static void begin(void)
{
	process_init(&process);
	restore = (struct restore){ .process = &process };
}

static bool find(void)
{
	struct error err;

	return CHECK(index_views(&restore, &err) == 0, "the views are sorted");
}

static bool holds(uint64_t inode, uint64_t pages)
{
	return views_hold(&restore, (struct file_id){ .device = 1, .inode = inode }, pages * PAGE);
}

static void end(void)
{
	free(restore.views);
	free(restore.held);
	process_free(&process);
}

static void test_one_file(void)
{
	begin();
	add(7, 4, 6, BYTES_SAVED);
	add(7, 0, 3, BYTES_SAVED);
	add(7, 1, 2, BYTES_SAVED);
	add(7, 3, 5, BYTES_MISSING);
	add(7, 3, 4, BYTES_SAVED);
	add(7, 6, 7, BYTES_MISSING);
	if (!find())
		return;
	CHECK(holds(7, 6), "pieces that overlap or meet are all of a file, in any order");
	CHECK(!holds(7, 7), "but what is in none of them is not");
	CHECK(views_cover(&restore, &process.mappings[3]),
	      "a mapping that was not dumped is covered by others");
	CHECK(!views_cover(&restore, &process.mappings[5]), "or by none");
	CHECK(holds(7, 0) && holds(9, 0), "of no bytes nothing is missing");
	end();
}

static void test_gap(void)
{
	begin();
	add(7, 0, 8, BYTES_SAVED);
	add(7, 2, 3, BYTES_SAVED);
	add(7, 9, 10, BYTES_SAVED);
	if (!find())
		return;
	CHECK(holds(7, 8) && !holds(7, 9) && !holds(7, 10), "a gap is found behind a long piece");
	end();
}

static void test_several_files(void)
{
	begin();
	add(8, 0, 1, BYTES_SAVED);
	add(7, 1, 2, BYTES_SAVED);
	add(6, 0, 2, BYTES_SAVED);
	if (!find())
		return;
	CHECK(holds(8, 1) && !holds(8, 2), "what one file has is its own");
	CHECK(holds(6, 2) && !holds(6, 3), "and of another there is more");
	CHECK(!holds(7, 1) && !holds(7, 2), "and the beginning of one is not another's");
	CHECK(!holds(5, 1) && !holds(9, 1), "of a file without mappings nothing is there");
	end();
}

int main(void)
{
	test_one_file();
	test_gap();
	test_several_files();
	return CHECK_DONE();
}
