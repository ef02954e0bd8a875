/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What of memory is found by trying: asked of a kernel that is made up, and of this one. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process/arch.h"
#include "process/questions.h"
#include "tests/unit/check.h"

/* A cpu with so many keys, of which some are allocated: the lowest free one is handed out. */
struct keys {
	unsigned count, allocated;
};

static int call_keys(void *context, long *result, struct error *e, long nr,
		     const uint64_t args[ASKER_ARGS])
{
	struct keys *k = context;

	(void)e;
	*result = -ENOSYS;
	if (nr == SYS_pkey_free) {
		*result = k->allocated >> args[0] & 1 ? 0 : -EINVAL;
		k->allocated &= ~(1u << args[0]);
	} else if (nr == SYS_pkey_alloc) {
		*result = -ENOSPC;
		for (unsigned key = 1; key < k->count && *result < 0; key++)
			if (!(k->allocated >> key & 1)) {
				k->allocated |= 1u << key;
				*result = key;
			}
	}
	return 0;
}

/* What is found out of such a cpu, or -1; and whether it is left as it was. */
static int64_t ask_keys(unsigned count, unsigned allocated, bool *same)
{
	struct keys keys = { count, allocated };
	const struct asker a = { .call = call_keys, .context = &keys };
	struct process p;
	struct error err;
	int64_t value = -1;

	process_init(&p);
	if (ask_pkeys(&p, &a, &err) < 0 || !process_attribute(&p, NULL, ATTRIBUTE_PKEYS, &value))
		value = -1;
	process_free(&p);
	*same = keys.allocated == allocated;
	return value;
}

static void test_keys(void)
{
	bool same, always = true, right = true;

	for (unsigned allocated = 1; allocated < 0xffff; allocated += 2) {
		right &= ask_keys(16, allocated, &same) == (allocated & ~1u);
		always &= same;
	}
	CHECK(right, "whichever keys are allocated are found");
	CHECK(always, "and none is allocated or freed by that");
	CHECK(ask_keys(16, 0xffff, &same) == -1 && same, "when all are, nothing is known");
	CHECK(ask_keys(1, 1, &same) == -1 && same, "nor where the cpu has none");
}

/* In a process of its own, whose memory is locked by FLAGS. */
static int ask_locks(int flags)
{
	pid_t child = fork();
	int status = 0;

	if (child == 0) {
		uint64_t data[ASKER_DATA / sizeof(uint64_t)];
		const struct asker a = asker_self(data);
		struct process p;
		struct error err;
		int64_t value = 99;

		process_init(&p);
		p.arch = arch_host();
		/* Sanitizers make the function of the C library do nothing. */
		if (flags && syscall(SYS_mlockall, flags) < 0)
			_exit(98);
		if (ask_future_locks(&p, &a, &err) < 0 ||
		    !process_attribute(&p, NULL, ATTRIBUTE_FUTURE_LOCKS, &value))
			_exit(99);
		_exit((int)value);
	}
	return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_locks(void)
{
	int locked = ask_locks(MCL_FUTURE);

	CHECK(ask_locks(0) == LOCKS_NONE, "new memory is not locked");
	if (locked == 98) {
		printf("# locked memory is not given here\n");
		return;
	}
	CHECK(locked == LOCKS_NEW, "MCL_FUTURE locks new memory");
	CHECK(ask_locks(MCL_FUTURE | MCL_ONFAULT) == LOCKS_NEW_ON_FAULT,
	      "MCL_ONFAULT locks it when it is touched");
}

int main(void)
{
	test_keys();
	test_locks();
	return CHECK_DONE();
}
