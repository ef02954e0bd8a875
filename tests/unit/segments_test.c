/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* System V segments: a second try finds what the first one found, and what was made is removed. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

#include "process/arch.h"
#include "restart/plan.h"
#include "restart/segments.h"
#include "restart/shared.h"
#include "tests/unit/check.h"

enum { PAGE = 4096, SIZE = 2 * PAGE, ID = 0x7ffffff0 /* which nothing has */ };

static struct process process;
static struct restore restore;

static key_t key(void)
{
	return (key_t)(0x54000000 | getpid());
}

static void describe_process(void)
{
	process_init(&process);
	process.arch = arch_host();
	process.have = HAVE_TRAITS;
	*process_add_segment(&process) = (struct segment){
		.id = ID, .key = (uint32_t)key(), .size = SIZE, .mode = 0600,
	};
	*process_add_mapping(&process) = (struct mapping){
		.start = 0x7000000, .end = 0x7000000 + SIZE, .prot = PROT_READ | PROT_WRITE,
		.prot_known = true, .shared = true, .deleted = true, .bytes = BYTES_SAVED,
		.path = "/SYSV54000000", .file = { .device = 1, .inode = ID },
	};
	restore = (struct restore){ .process = &process };
}

/* The plan for segments, as text; the caller's. */
static char *planned(void)
{
	struct plan plan;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	plan_init(&plan, 0x40000000);
	plan_segments(&restore, &plan);
	plan_print(&plan, out);
	fclose(out);
	plan_free(&plan);
	return text;
}

static void test_two_tries(void)
{
	struct error err;

	if (!CHECK(segments_make(&restore, &err) == 0, "a segment that is gone is made"))
		return;
	int id = restore.segments[0].id;
	CHECK(shmget(key(), SIZE, 0) == id, "it has the key and the size");
	char *first = planned(), *second = planned();
	CHECK(strstr(first, "shmat("), "the plan attaches it");
	CHECK_TEXT(second, first, "a second try has the same plan");
	free(first);
	free(second);
	segments_remove(&restore);
	CHECK(shmget(key(), 0, 0) < 0, "when restart gives up it is gone again");
}

int main(void)
{
	struct error err;

	describe_process();
	if (CHECK(index_views(&restore, &err) == 0 && index_segments(&restore, &err) == 0 &&
		  restore.segments[0].fate == SEGMENT_NEW, "nothing has this key"))
		test_two_tries();
	free(restore.views);
	free(restore.held);
	free(restore.segments);
	process_free(&process);
	return CHECK_DONE();
}
