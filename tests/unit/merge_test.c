/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* process_merge(): what the state text adds to a core. */
#include "process/process.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "process/statelog.h"
#include "tests/unit/check.h"

static struct process core, text;
static struct error err;

enum { R = PROT_READ, W = PROT_WRITE, X = PROT_EXEC };

static struct mapping *add(addr_t start, addr_t end, uint32_t prot, enum bytes bytes)
{
	struct mapping *m = process_add_mapping(&core);

	m->start = start;
	m->end = end;
	m->prot = prot;
	m->bytes = bytes;
	return m;
}

/* Empties the core, and reads the text. */
static void begin(const char *lines)
{
	process_free(&core);
	process_free(&text);
	if (statelog_parse(&text, "log", lines, strlen(lines), NULL, NULL, &err) != 0)
		CHECK(false, "the test's own text is good: %s", err.message);
}

static bool merge(void)
{
	return process_merge(&core, &text, &err) == 0;
}

static bool is_range(size_t at, addr_t start, addr_t end)
{
	return at < core.mapping_count && core.mappings[at].start == start &&
	       core.mappings[at].end == end;
}

static void test_protection(void)
{
	begin("map : 1000-2000 : ---p : 0\n"
	      "map : 2000-3000 : rw-s : 0 : /dev/zero : deleted\n"
	      "map : 9000-a000 : rw-p : 0\n");
	add(0x1000, 0x2000, R, BYTES_SAVED)->core_offset = 0x100;
	add(0x2000, 0x3000, R | W, BYTES_SAVED);
	add(0x4000, 0x5000, R | X, BYTES_SAVED);
	CHECK(merge() && core.mapping_count == 3, "ranges that only the text knows are not added");
	CHECK(core.mappings[0].prot == 0 && core.mappings[0].prot_known &&
	      core.mappings[0].bytes == BYTES_SAVED && core.mappings[0].core_offset == 0x100,
	      "the text's protection wins, and the bytes stay");
	CHECK(core.mappings[1].shared && core.mappings[1].deleted &&
	      !strcmp(core.mappings[1].path, "/dev/zero"), "that it is shared is taken over");
	CHECK(core.mappings[2].prot == (R | X) && !core.mappings[2].prot_known &&
	      !core.mappings[2].line, "a range that only the core knows stays as it is");
	CHECK(core.mappings[1].line == 2, "the line is kept for messages");
	CHECK(core.have & HAVE_MAPPING_FLAGS, "what is known is put together");
}

/* The core's one mapping is three of the text, with a gap. */
static void test_untouched(void)
{
	begin("map : 1000-5000 : rw-p : 0\n"
	      "map : 5000-6000 : ---p : 0\n"
	      "map : 7000-8000 : r--p : 0 : /lib/x\n"
	      "map : 8000-9000 : rw-s : 0\n");
	core.origin = ORIGIN_GDB;
	add(0x2000, 0x3000, R | W, BYTES_SAVED);
	CHECK(merge() && core.mapping_count == 4,
	      "gdb's core gets what it lacks of private memory");
	CHECK(is_range(0, 0x1000, 0x2000) && core.mappings[0].bytes == BYTES_ZERO &&
	      core.mappings[0].prot == (R | W), "below what it has, as zeros");
	CHECK(is_range(1, 0x2000, 0x3000) && core.mappings[1].bytes == BYTES_SAVED,
	      "what it has stays");
	CHECK(is_range(2, 0x3000, 0x5000) && is_range(3, 0x5000, 0x6000) &&
	      core.mappings[3].prot == 0, "and above it");
}

static void test_split(void)
{
	const struct mapping *m;

	begin("map : 1000-3000 : r--p : 0\n"
	      "map : 4000-5000 : rw-p : 0\n"
	      "map : 5000-9000 : r-xp : 7000 : /new\n");
	add(0x2000, 0x6000, R | W, BYTES_SAVED)->core_offset = 0x12345;
	m = add(0x6000, 0x8000, R | W, BYTES_FILE);
	core.mappings[1].path = "/old";
	core.mappings[1].file_offset = 0x10000;
	CHECK(merge() && core.mapping_count == 5 && is_range(0, 0x2000, 0x3000) &&
	      is_range(1, 0x3000, 0x4000) && is_range(2, 0x4000, 0x5000) &&
	      is_range(3, 0x5000, 0x6000) && is_range(4, 0x6000, 0x8000),
	      "a mapping is cut where those of the text begin and end");
	m = core.mappings;
	CHECK(m[0].core_offset == 0x12345 && m[1].core_offset == 0x13345 &&
	      m[2].core_offset == 0x14345 && m[3].core_offset == 0x15345,
	      "each part finds its bytes in the core");
	CHECK(m[0].prot == R && m[1].prot == (R | W) && m[2].prot == (R | W) &&
	      m[3].prot == (R | X) && m[4].prot == (R | X), "each part has its protection");
	CHECK(!m[1].prot_known && m[1].bytes == BYTES_SAVED, "the gap is the core's");
	CHECK(m[3].bytes == BYTES_SAVED && m[3].file_offset == 0x7000 && !strcmp(m[3].path, "/new"),
	      "saved bytes stay saved where the text names a file");
	CHECK(m[4].bytes == BYTES_FILE && m[4].file_offset == 0x8000 && !strcmp(m[4].path, "/new"),
	      "a mapped file is relocated, with the offset of the part");
}

static void test_gap_of_file(void)
{
	begin("map : 2000-3000 : r--p : 1000 : /f\n");
	add(0x1000, 0x4000, R, BYTES_FILE)->path = "/f";
	CHECK(merge() && core.mapping_count == 3 && core.mappings[0].file_offset == 0 &&
	      core.mappings[1].file_offset == 0x1000 && core.mappings[2].file_offset == 0x2000,
	      "the parts around a line keep their place in the file");
}

static void test_bytes(void)
{
	begin("map : 1000-2000 : rw-s : 0 : /there\n"
	      "map : 2000-3000 : rw-s : 0 : /gone : deleted\n"
	      "map : 3000-4000 : r--p : 0 : /gone : deleted\n"
	      "map : 4000-5000 : r--p : 0\n");
	add(0x1000, 0x2000, R | W, BYTES_MISSING);
	add(0x2000, 0x3000, R | W, BYTES_MISSING);
	add(0x3000, 0x4000, R, BYTES_FILE)->path = "/gone";
	add(0x4000, 0x5000, R, BYTES_FILE)->path = "/kept";
	CHECK(merge() && core.mappings[0].bytes == BYTES_FILE,
	      "a file that the text names gives back what the core did not hold");
	CHECK(core.mappings[1].bytes == BYTES_MISSING, "a deleted one does not");
	CHECK(core.mappings[2].bytes == BYTES_MISSING, "nor when the core thought it was there");
	CHECK(core.mappings[3].bytes == BYTES_FILE && !strcmp(core.mappings[3].path, "/kept"),
	      "a line without a file does not take the core's away");
}

static void test_labels(void)
{
	begin("map : 1000-2000 : rw-p : 0 : [heap]\n"
	      "map : 2000-3000 : r-xp : 0\n"
	      "map : 5000-7000 : rw-pg : 0 : [stack]\n");
	add(0x1000, 0x2000, R | W, BYTES_SAVED);
	add(0x2000, 0x3000, R | X, BYTES_SAVED)->label = LABEL_VDSO;
	add(0x4000, 0x7000, R | W, BYTES_SAVED)->core_offset = 0x4000;
	CHECK(merge() && core.mappings[0].label == LABEL_HEAP, "a label is taken over");
	CHECK(core.mappings[1].label == LABEL_VDSO, "no label leaves the core's");
	CHECK(core.mapping_count == 3 && core.mappings[2].grows_down &&
	      is_range(2, 0x4000, 0x7000) && core.mappings[2].core_offset == 0x4000,
	      "a stack that grew between text and core stays in one piece");
	begin("map : 5000-7000 : rw-pg : 0 : [stack]\n");
	add(0x4000, 0x5000, R, BYTES_SAVED);
	add(0x5000, 0x7000, R | W, BYTES_SAVED);
	CHECK(merge() && core.mapping_count == 2 && !core.mappings[0].grows_down &&
	      core.mappings[0].prot == R, "another mapping below the stack stays another");
}

static void test_files(void)
{
	struct descriptor *d;

	begin("3 : /f : 5 : O_RDWR\n4 : /f : 5 : O_RDWR|O_CLOEXEC : dup 3\ncwd : /there\n");
	d = process_add_descriptor(&core);
	d->fd = 9;
	process_add_description(&core)->name = "old";
	core.cwd = "/here";
	core.umask = 027;
	core.have = HAVE_DESCRIPTORS | HAVE_CWD | HAVE_UMASK;
	CHECK(merge() && core.descriptor_count == 2 && core.description_count == 1 &&
	      core.descriptors[1].close_on_exec, "the text's descriptors take the others' place");
	CHECK(!strcmp(core.cwd, "/there"), "its cwd too");
	CHECK(core.umask == 027 && core.have & HAVE_UMASK, "what it does not tell stays");
	core.descriptions[0].name = "/moved";
	CHECK(!strcmp(text.descriptions[0].name, "/f"), "changing them leaves the text alone");
	CHECK(process_add_descriptor(&core) && core.descriptor_count == 3 &&
	      text.descriptor_count == 2, "more can be added");
}

static void test_no_descriptors(void)
{
	begin("cwd : /\n");
	process_add_descriptor(&core);
	process_add_description(&core);
	core.have = HAVE_DESCRIPTORS;
	CHECK(merge() && core.descriptor_count == 1, "a text without descriptors leaves them");
	begin("descriptors : none\n");
	process_add_descriptor(&core);
	CHECK(merge() && core.descriptor_count == 0 && core.have & HAVE_DESCRIPTORS,
	      "a text of none takes them away");
}

static void test_signals(void)
{
	begin("sigaction : SIGINT : caught\nsigaction : SIGUSR1 : caught\n");
	core.have = HAVE_DISPOSITIONS;
	core.dispositions[2] = (struct disposition){ DISPOSITION_HANDLER, 0x1000, 4, 0, 0x2000 };
	core.dispositions[15].kind = DISPOSITION_IGNORE;
	CHECK(merge() && core.dispositions[2].kind == DISPOSITION_HANDLER &&
	      core.dispositions[2].handler == 0x1000,
	      "a handler that is known says more than that there is one");
	CHECK(core.dispositions[10].kind == DISPOSITION_CAUGHT, "where none is known it is told");
	CHECK(core.dispositions[15].kind == DISPOSITION_DEFAULT, "what is not listed is default");
	begin("cwd : /\n");
	core.dispositions[15].kind = DISPOSITION_IGNORE;
	CHECK(merge() && core.dispositions[15].kind == DISPOSITION_IGNORE &&
	      !(core.have & HAVE_DISPOSITIONS), "without a line nothing is said of signals");
}

static void test_threads(void)
{
	begin("thread : 30 : three\nthread : 10 : one\nthread : 99 : gone\n"
	      "sigaltstack : 20 : 0x1000 : 8192 : 0\n");
	process_add_thread(&core)->tid = 10;
	process_add_thread(&core)->tid = 20;
	process_add_thread(&core)->tid = 30;
	strcpy(core.threads[1].name, "two");
	core.threads[0].altstack = (struct altstack){ true, 0x5000, 4096, 2 };
	CHECK(merge() && core.thread_count == 3, "threads that only the text knows are not added");
	CHECK(!strcmp(core.threads[0].name, "one") && !strcmp(core.threads[1].name, "two") &&
	      !strcmp(core.threads[2].name, "three"), "names go to the thread of the same id");
	CHECK(core.threads[0].altstack.sp == 0x5000 && core.threads[1].altstack.sp == 0x1000 &&
	      !core.threads[2].altstack.known, "and so do alternate stacks");
}

static void test_identity(void)
{
	begin("pid : 7 : 6 : 5 : 4\nexe : /bin/text\ncomm : text\n"
	      "mm : stack 5000 : arg 0-0\nbrk : 1000 : 2000\nrlimit : nofile : 3 : 4\n");
	core.pid = 70;
	core.exe = "/bin/core";
	core.mm.start_stack = 0x4000;
	core.mm.arg_start = 0x6000;
	core.limits[0] = (struct limit){ true, 1, 2 };
	CHECK(merge() && core.pid == 70 && core.ppid == 0 && !strcmp(core.exe, "/bin/core"),
	      "who it was the core knows better");
	CHECK(!strcmp(core.comm, "text"), "unless it does not know");
	CHECK(core.mm.start_stack == 0x5000 && core.mm.arg_start == 0x6000,
	      "the text's mm fields win where they are known");
	CHECK(core.brk == 0x2000 && core.limits[7].soft == 3 && core.limits[0].soft == 1,
	      "brk and limits are taken over");
}

/* Compares the result with looking up every page in both. */
static void test_random(void)
{
	enum { PAGES = 40, PAGE = 4096 };
	bool good = true;

	srand(7);
	for (int round = 0; good && round < 2000; round++) {
		uint32_t core_prot[PAGES], text_prot[PAGES], none = ~0u;

		process_free(&core);
		process_free(&text);
		for (int i = 0; i < PAGES; i++)
			core_prot[i] = text_prot[i] = none;
		for (int which = 0; which < 2; which++) {
			uint32_t *prot = which ? text_prot : core_prot;
			int at = rand() % 4;

			while (at < PAGES) {
				struct mapping *m = process_add_mapping(which ? &text : &core);
				int end = at + 1 + rand() % 6;

				end = end < PAGES ? end : PAGES;
				m->start = (addr_t)at * PAGE;
				m->end = (addr_t)end * PAGE;
				m->prot = (uint32_t)rand() % 8;
				m->core_offset = m->start + 77;
				for (; at < end; at++)
					prot[at] = m->prot;
				at += rand() % 3;
			}
		}
		text.have = HAVE_MAPPING_FLAGS;
		good = merge();
		for (int i = 0; good && i < PAGES; i++) {
			const struct mapping *m = process_mapping_at(&core, (addr_t)i * PAGE);

			good = core_prot[i] == none ? !m :
			       m && m->prot == (text_prot[i] == none ? core_prot[i] :
						text_prot[i]) &&
			       m->core_offset == m->start + 77;
		}
	}
	CHECK(good, "every page of random mappings has its protection and its bytes");
}

int main(void)
{
	process_init(&core);
	process_init(&text);
	test_protection();
	test_untouched();
	test_split();
	test_gap_of_file();
	test_bytes();
	test_labels();
	test_files();
	test_no_descriptors();
	test_signals();
	test_threads();
	test_identity();
	test_random();
	process_free(&core);
	process_free(&text);
	return CHECK_DONE();
}
