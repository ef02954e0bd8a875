/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Traits of memory: the lines that tell them, which of those are refused, and what smaps says. */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <unistd.h>

#include "process/procfs.h"
#include "process/statelog.h"
#include "tests/unit/check.h"
#include "tests/unit/parse_text.h"

static void test_lines(void)
{
	const struct trait *t;

	CHECK(parse("memory : none") && p.have == HAVE_TRAITS && !p.trait_count,
	      "memory may have no traits, and that be known");
	CHECK(parse("memory : 3000-5000 : locked onfault  pkey=3 pages=2097152 : a\\040b\n"
		    "memory : 0x1000-0x3000 : dontfork"), "a line has words, and may have a name");
	CHECK(p.trait_count == 2 && p.traits[0].start == 0x1000 && p.traits[0].end == 0x3000 &&
	      p.traits[0].flags == TRAIT_DONTFORK && p.traits[0].line == 2, "they come sorted");
	t = process_trait_at(&p, 0x4fff);
	CHECK(t && t->flags == (TRAIT_LOCKED | TRAIT_ONFAULT) && t->pkey == 3 &&
	      t->page_size == 2 << 20 && t->name && !strcmp(t->name, "a b"), "and are found");
	CHECK(!process_trait_at(&p, 0x5000) && !process_trait_at(&p, 0xfff), "where they are");
	CHECK(parse("memory : 1000-2000 :  : name") && !p.traits[0].flags && p.traits[0].name,
	      "a name is enough");
	CHECK(parse("guard : 5000-6000\nguard : 1000-2000") && p.guard_count == 2 &&
	      p.guards[0].start == 0x1000 && p.guards[1].end == 0x6000, "guards come sorted");
}

static void test_views(void)
{
	CHECK(parse("view : 1000-2000 : 00:01:77\n"
		    "map : 1000-2000 : rw-s : 0 : /SYSV00000007 : deleted") &&
		      p.mappings[0].file.device == 1 && p.mappings[0].file.inode == 77 &&
		      mapping_is_segment(&p.mappings[0]),
	      "a mapping shows a file that is gone");
	CHECK(parse("segment : 77 : 0x7 : 4096 : 640 : removed") && p.segment_count == 1 &&
		      p.segments[0].id == 77 && p.segments[0].key == 7 &&
		      p.segments[0].size == 4096 && p.segments[0].mode == 0640 &&
		      p.segments[0].removed,
	      "a segment has all of its state");
}

static void test_refused(void)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "memory : 1000-2000", "log:1:10: what this memory is does not stand behind it" },
		{ "memory : 1000-1800 : locked",
		  "log:1:10: range: '1000-1800' is not made of whole pages of 4096 bytes" },
		{ "memory : 2000-1000 : locked",
		  "log:1:10: range: '2000-1000' ends before it starts" },
		{ "memory : 1000-1000 : locked",
		  "log:1:10: range: '1000-1000' is not made of whole pages of 4096 bytes" },
		{ "memory : 0-ffffffffffff0000 : locked",
		  "log:1:12: range: ffffffffffff0000 is more than 0x800000000000" },
		{ "memory : 1000-2000 : locked lokced", "log:1:29: 'lokced' is nothing that memory "
		  "can be (locked, dontfork, ...)" },
		{ "memory : 1000-2000 : pkey", "log:1:22: 'pkey' is nothing that memory can be "
		  "(locked, dontfork, ...)" },
		{ "memory : 1000-2000 : pkey=16", "log:1:27: pkey: 16 is more than 15" },
		{ "memory : 1000-2000 : pages=4096",
		  "log:1:22: pages: no huge page has 4096 bytes" },
		{ "memory : 1000-2000 : pages=12288",
		  "log:1:22: pages: no huge page has 12288 bytes" },
		{ "memory : 1000-3000 : locked\nmemory : 2000-4000 : locked",
		  "log:2:1: the range overlaps that of line 1" },
		{ "guard : 2000-4000\nguard : 1000-3000",
		  "log:2:1: the range overlaps that of line 1" },
		{ "view : 1000-2000 : 00:01:77", "log:1:8: there is no map line of this range and "
		  "a deleted file" },
		{ "view : 1000-2000 : 00:01:0", "log:1:20: inode: no file has 0" },
		{ "segment : 1 : 0 : 0 : 600", "log:1:19: size: no segment has 0 bytes" },
		{ "segment : 1 : 0 : 1 : 1600", "log:1:23: mode: 1600 is more than 0777" },
		{ "segment : 1 : 0 : 1 : 600\nsegment : 1 : 0 : 1 : 600",
		  "log:2:11: segment 1 has a line already" },
		{ "segment : 1 : 0 : 1 : 600 : gone", "log:1:29: 'gone' is not 'removed'" },
		{ "guard : 1000", "log:1:9: range: '1000' is not a range START-END" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CHECK(!parse(cases[i].text), "'%s' is refused", cases[i].text);
		CHECK_TEXT(err.message, cases[i].message, "and the message says where and why");
	}
}

static void test_smaps(void)
{
	enum { PAGE = 4096 };
	char *memory =
		mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const struct trait *t;
	bool sorted = true;

	CHECK(memory != MAP_FAILED && madvise(memory + PAGE, PAGE, MADV_DONTFORK) == 0 &&
	      madvise(memory + PAGE, PAGE, MADV_RANDOM) == 0, "memory is advised");
	process_free(&p);
	CHECK(procfs_read_traits(&p, 0, &err) == 0 && p.have == HAVE_TRAITS, "traits are read");
	t = process_trait_at(&p, (uintptr_t)memory + PAGE);
	CHECK(t && t->start == (uintptr_t)memory + PAGE && t->end == t->start + PAGE &&
	      t->flags == (TRAIT_DONTFORK | TRAIT_RANDOM) && !t->page_size && !t->pkey && !t->name,
	      "they are those that were given");
	t = process_trait_at(&p, (uintptr_t)memory);
	CHECK(t && !(t->flags & (TRAIT_DONTFORK | TRAIT_RANDOM)), "other memory has them not");
	for (size_t i = 1; i < p.trait_count; i++)
		sorted = sorted && p.traits[i - 1].end <= p.traits[i].start;
	CHECK(sorted && p.trait_count > 10, "there is one for every mapping, sorted");
}

int main(void)
{
	test_lines();
	test_views();
	test_refused();
	test_smaps();
	process_free(&p);
	return CHECK_DONE();
}
