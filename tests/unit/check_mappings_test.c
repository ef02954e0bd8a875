/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How many mappings a process will have, and when that is refused. */
#define _GNU_SOURCE
#include <sys/mman.h>

#include "process/arch.h"
#include "restart/findings.h"
#include "restart/memory_source.h"
#include "tests/unit/check.h"

enum { PAGE = 4096, BASE = 0x100000, RW = PROT_READ | PROT_WRITE };

static struct process process;
static const struct restore restore = { .process = &process };

static struct mapping *add(unsigned long page, unsigned long pages)
{
	struct mapping *m = process_add_mapping(&process);

	m->start = BASE + page * PAGE;
	m->end = m->start + pages * PAGE;
	m->prot = RW;
	m->prot_known = true;
	return m;
}

static void begin(void)
{
	process_init(&process);
	process.have = HAVE_TRAITS;
}

static void test_counting(void)
{
	begin();
	CHECK(mappings_needed(&restore) == 0, "no memory is no mapping");
	add(0, 1);
	add(1, 1)->bytes = BYTES_ZERO;
	CHECK(mappings_needed(&restore) == 1, "bytes in two places are in one mapping");
	add(2, 1)->prot = PROT_READ;
	CHECK(mappings_needed(&restore) == 2, "another protection is another mapping");
	add(4, 1)->prot = PROT_READ;
	CHECK(mappings_needed(&restore) == 3, "and so is what lies behind a gap");
	add(5, 1)->label = LABEL_VSYSCALL;
	CHECK(mappings_needed(&restore) == 3, "what the kernel maps for itself does not count");
	process_free(&process);
}

static void test_files(void)
{
	static const uint64_t offsets[] = { 0, PAGE, 3 * PAGE };

	begin();
	for (unsigned long i = 0; i < 3; i++) {
		struct mapping *m = add(i, 1);

		m->path = "/file";
		m->file_offset = offsets[i];
	}
	CHECK(mappings_needed(&restore) == 2, "a file that goes on is one mapping, others are not");
	process_free(&process);
}

static void test_traits(void)
{
	begin();
	add(0, 1);
	add(1, 1);
	struct trait *t = process_add_trait(&process);
	t->start = BASE + PAGE;
	t->end = t->start + PAGE;
	t->flags = TRAIT_DONTFORK;
	CHECK(mappings_needed(&restore) == 2, "what is advised for a part makes it a mapping");
	process_free(&process);
}

static void test_limit(void)
{
	struct findings none = { 0 }, one = { 0 };

	begin();
	for (unsigned long i = 0; i < 100; i++)
		add(2 * i, 1);
	check_mappings_allowed(&restore, &none, 107);
	CHECK(none.count == 0, "a hundred mappings and seven of restart's are allowed");
	check_mappings_allowed(&restore, &one, 106);
	CHECK(one.count == 1 && one.list[0].severity == OBSTACLE, "one less is refused");
	if (one.count)
		CHECK_TEXT(one.list[0].text, "the process has 100 mappings, and with those of a "
			   "restart this machine allows 106 (sysctl -w vm.max_map_count=107)",
			   "with the remedy");
	findings_free(&one);
	process_free(&process);
}

int main(void)
{
	test_counting();
	test_files();
	test_traits();
	test_limit();
	return CHECK_DONE();
}
