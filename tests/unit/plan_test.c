/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plan as it is built, put together and shown; findings; relocated paths; new threads. */
#define _GNU_SOURCE
#include <asm/unistd.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/user.h>

#include "restart/findings.h"
#include "restart/plan.h"
#include "restart/registers.h"
#include "restart/relocate.h"
#include "tests/unit/check.h"

enum { AREA = 0x40000000 };

static const char *described(const struct plan *plan, size_t index)
{
	static char line[1024];

	plan_describe(plan, index, line, sizeof line);
	return line;
}

static void test_describing(void)
{
	struct plan plan;

	plan_init(&plan, AREA);
	plan_syscall(&plan, OP_KEEP, __NR_open, plan_string(&plan, "/a b"), O_RDONLY | O_CLOEXEC);
	plan_note(&plan, "descriptor %d", 7);
	plan_syscall(&plan, OP_ARG0_IS_RESULT, __NR_close, 0);
	plan_syscall(&plan, OP_EXPECT | (OP_ARG0_IS_RESULT << 4), __NR_mmap, 0x1000, 0x2000,
		     PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED_NOREPLACE, 0,
		     0x3000)->expect = 0x1000;
	plan_syscall(&plan, 0, 9999, 1, 2);
	plan_add(&plan, OP_MOVE_FD, 0)->args[0] = 5;
	plan_last(&plan)->args[1] = O_CLOEXEC;
	plan_add(&plan, OP_END, 0)->args[0] = 3;

	CHECK(plan_next(&plan) == 6, "each operation counts");
	CHECK_TEXT(described(&plan, 0),
		   "$ = open(\"/a b\", O_RDONLY|O_CLOEXEC, 00)  # descriptor 7",
		   "a call with a path, a kept result and a note");
	CHECK_TEXT(described(&plan, 1), "close($)", "the result as an argument");
	CHECK_TEXT(described(&plan, 2),
		   "mmap(0x1000, 0x2000, r-x, MAP_PRIVATE|MAP_FIXED_NOREPLACE, $, 0x3000)",
		   "protection and flags by name");
	CHECK_TEXT(described(&plan, 3), "syscall 9999(0x1, 0x2, 0x0, 0x0, 0x0, 0x0)",
		   "an unknown call");
	CHECK_TEXT(described(&plan, 4), "move($, 5, O_CLOEXEC)", "a descriptor that is moved");
	CHECK_TEXT(described(&plan, 5), "end(3)", "the end of a thread");
	plan_free(&plan);
}

static void test_image(void)
{
	static const char text[] = "text";
	struct plan plan;
	struct error err;
	void *image = NULL;
	size_t size = 0;

	plan_init(&plan, AREA);
	plan.traced = true;
	addr_t first = plan_data(&plan, "x", 1), second = plan_string(&plan, text);
	plan_add(&plan, OP_LOAD, OP_KEEP)->args[0] = second;
	plan_add(&plan, OP_END, 0);
	CHECK(first % 64 == 0 && second % 64 == 0 && second > first, "data is aligned to 64 bytes");
	if (!CHECK(plan_finish(&plan, &image, &size, &err) == 0, "a plan is put together"))
		return;
	const struct plan_header *header = image;
	const addr_t start = AREA + AREA_PLAN;

	CHECK(header->version == PLAN_VERSION && header->op_count == 2 && header->traced == 1 &&
	      !header->failed, "its header");
	CHECK(header->ops == plan_first_op(&plan) && header->ops % 8 == 0,
	      "where the operations are");
	CHECK(header->ops - start + 2 * sizeof(struct plan_op) <= size,
	      "they are inside the image");
	CHECK(memcmp((char *)image + (second - start), text, sizeof text) == 0,
	      "data is where it said");
	const struct plan_op *op = (const void *)((char *)image + (header->ops - start));
	CHECK(op[0].kind == OP_LOAD && op[0].args[0] == second && op[1].kind == OP_END,
	      "operations are in order");
	free(image);
	plan_free(&plan);
}

static void test_findings(void)
{
	struct findings f = { 0 };

	findings_add(&f, REMARK, "%d remark", 1);
	findings_add_loss(&f, "gone");
	CHECK(findings_count(&f, OBSTACLE) == 1 && findings_count(&f, LOSS) == 0,
	      "a loss is an obstacle");
	CHECK_TEXT(f.list[0].text, "1 remark", "a finding is a line");
	CHECK_TEXT(f.list[1].text, "gone (--accept-loss goes on without it)", "with the remedy");
	findings_free(&f);
	f = (struct findings){ .accept_loss = true };
	findings_add_loss(&f, "gone");
	CHECK(findings_count(&f, OBSTACLE) == 0 && findings_count(&f, LOSS) == 1,
	      "unless it is accepted");
	CHECK_TEXT(f.list[0].text, "gone", "and needs no remedy");
	findings_free(&f);
}

static const char *relocated(const char *path)
{
	static struct path_map maps[] = {
		{ .old = "/home/a", .old_len = 7, .new = "/mnt" },
		{ .old = "/home", .old_len = 5, .new = "/other" },
		{ .old = "/x/", .old_len = 3, .new = "/" },
	};
	static char text[64];
	struct options o = { .map_count = 3, .maps = maps };
	struct process p;
	struct error err;

	process_init(&p);
	p.exe = path;
	if (relocate_paths(&p, &o, &err) < 0)
		return "(failed)";
	strncpy(text, p.exe, sizeof text - 1);
	process_free(&p);
	return text;
}

static void test_relocation(void)
{
	CHECK_TEXT(relocated("/home/a/f"), "/mnt/f", "the beginning of a path is replaced");
	CHECK_TEXT(relocated("/home/a"), "/mnt", "so is a whole path");
	CHECK_TEXT(relocated("/home/ab"), "/other/ab",
		   "only whole components fit; the next map is tried");
	CHECK_TEXT(relocated("/homely"), "/homely", "what does not fit stays");
	CHECK_TEXT(relocated("/a/home/a"), "/a/home/a", "in the middle of a path nothing fits");
	CHECK_TEXT(relocated("/x/f"), "/f", "a map may end in a slash");
}

static enum new_thread newness(uint64_t rax, uint64_t orig_rax, uint64_t depth)
{
	struct user_regs_struct regs = {
		.rax = rax, .orig_rax = orig_rax, .fs_base = 0x700000, .rsp = 0x700000 - depth,
	};
	struct thread t = {
		.regset_count = 1,
		.regsets = { { .type = NT_PRSTATUS, .size = sizeof regs, .data = &regs } },
	};

	return registers_new_thread(&t);
}

static void test_new_threads(void)
{
	const uint64_t none = UINT64_MAX;

	CHECK(newness(0, __NR_clone3, 100) == THREAD_NEW &&
	      newness(0, __NR_clone, 100000) == THREAD_NEW,
	      "a thread that returns from its clone is new");
	CHECK(newness(77, __NR_clone3, 100) == THREAD_OLD, "its maker is not");
	CHECK(newness(0, none, 100) == THREAD_PERHAPS_NEW, "with an empty stack it may be");
	CHECK(newness(0, none, 100000) == THREAD_OLD, "with a full one it is not");
	CHECK(newness((uint64_t)-512, __NR_futex, 100) == THREAD_OLD, "nor when it waits");
}

int main(void)
{
	test_describing();
	test_image();
	test_findings();
	test_relocation();
	test_new_threads();
	return CHECK_DONE();
}
