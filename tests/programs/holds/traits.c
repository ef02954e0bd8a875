/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What memory has besides contents and protection: advice, locks, seals, guards. */
#define _GNU_SOURCE
#include "holds.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef MAP_DROPPABLE
#define MAP_DROPPABLE 0x08
#endif

enum { PAGE = 4096, PAGES = 16, GUARD_INSTALL = 102, MSEAL = 462 };

static char *map_pages(int flags)
{
	char *memory =
		mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);

	NEED(memory != MAP_FAILED);
	for (int i = 0; i < PAGES; i++)
		memset(memory + i * PAGE, 'a' + i, PAGE);
	return memory;
}

static bool is_filled(const char *memory, int from, int to)
{
	for (int i = from; i < to; i++)
		if (memory[i * PAGE] != 'a' + i ||
		    memcmp(memory + i * PAGE, memory + i * PAGE + 1, PAGE - 1) != 0)
			return false;
	return true;
}

/* Whether smaps shows the two letters for the mapping that begins at MEMORY. */
static bool has_flag(const char *memory, const char *letters)
{
	FILE *smaps = fopen("/proc/self/smaps", "re");
	unsigned long start, end;
	char line[512];
	bool here = false, has = false;

	while (smaps && fgets(line, sizeof line, smaps)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			here = start <= (unsigned long)memory && (unsigned long)memory < end;
		else if (here && strncmp(line, "VmFlags:", 8) == 0)
			has = strstr(line, letters) != NULL;
	}
	if (smaps)
		fclose(smaps);
	return has;
}

/* ---- Advice: of six middle pages, so that the mapping has neighbours without it ---- */

static struct advised {
	int advice;
	const char *letters;
	char *memory;
} advised[] = {
	{ MADV_DONTFORK, " dc", NULL }, { MADV_DONTDUMP, " dd", NULL },
	{ MADV_WIPEONFORK, " wf", NULL }, { MADV_HUGEPAGE, " hg", NULL },
	{ MADV_NOHUGEPAGE, " nh", NULL }, { MADV_MERGEABLE, " mg", NULL },
	{ MADV_SEQUENTIAL, " sr", NULL }, { MADV_RANDOM, " rr", NULL },
};

static void advise(struct advised *a)
{
	a->memory = map_pages(MAP_PRIVATE);
	if (madvise(a->memory + 5 * PAGE, 6 * PAGE, a->advice) < 0 ||
	    !has_flag(a->memory + 5 * PAGE, a->letters))
		leave_out("this kernel does not take the advice");
}

static const char *check_advised(const struct advised *a)
{
	EXPECT(has_flag(a->memory + 5 * PAGE, a->letters));
	EXPECT(!has_flag(a->memory, a->letters));
	EXPECT(!has_flag(a->memory + 11 * PAGE, a->letters));
	EXPECT(is_filled(a->memory, 0, PAGES));
	return NULL;
}

#define ADVICE(name, index) \
	static void name##_set_up(void) { advise(&advised[index]); } \
	static const char *name##_check(void) { return check_advised(&advised[index]); }

ADVICE(hugepage, 3)
ADVICE(nohugepage, 4)
ADVICE(mergeable, 5)
ADVICE(sequential, 6)
ADVICE(random, 7)

/* What a forked child sees of the page: 'x' when it is not there. */
static char in_child(const char *page)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		signal(SIGSEGV, SIG_DFL);
		setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
		_exit(*(volatile const char *)page);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return '?';
	return WIFEXITED(status) ? (char)WEXITSTATUS(status) : 'x';
}

static void dontfork_set_up(void)
{
	advise(&advised[0]);
}

static const char *dontfork_check(void)
{
	EXPECT(in_child(advised[0].memory + 4 * PAGE) == 'a' + 4);
	EXPECT(in_child(advised[0].memory + 5 * PAGE) == 'x');
	return check_advised(&advised[0]);
}

static void dontdump_set_up(void)
{
	advise(&advised[1]);
}

static const char *dontdump_check(void)
{
	return check_advised(&advised[1]);
}

static void wipeonfork_set_up(void)
{
	advise(&advised[2]);
}

static const char *wipeonfork_check(void)
{
	EXPECT(in_child(advised[2].memory + 4 * PAGE) == 'a' + 4);
	EXPECT(in_child(advised[2].memory + 5 * PAGE) == 0);
	return check_advised(&advised[2]);
}

/* ---- Locks ---- */

static char *locked, *onfault;

static void locked_set_up(void)
{
	locked = map_pages(MAP_PRIVATE);
	if (mlock(locked + 2 * PAGE, 3 * PAGE) < 0)
		leave_out("nothing may be locked here");
}

static const char *locked_check(void)
{
	EXPECT(has_flag(locked + 2 * PAGE, " lo") && !has_flag(locked + 2 * PAGE, " lf"));
	EXPECT(!has_flag(locked, " lo") && !has_flag(locked + 5 * PAGE, " lo"));
	EXPECT(is_filled(locked, 0, PAGES));
	EXPECT(munlock(locked + 2 * PAGE, 3 * PAGE) == 0);
	return NULL;
}

static void onfault_set_up(void)
{
	onfault = map_pages(MAP_PRIVATE);
	if (syscall(SYS_mlock2, onfault + 2 * PAGE, 3 * PAGE, 1) < 0)
		leave_out("nothing may be locked here");
}

static const char *onfault_check(void)
{
	EXPECT(has_flag(onfault + 2 * PAGE, " lo") && has_flag(onfault + 2 * PAGE, " lf"));
	EXPECT(is_filled(onfault, 0, PAGES));
	return NULL;
}

/* ---- Seals ---- */

static char *sealed;

static void sealed_set_up(void)
{
	sealed = map_pages(MAP_PRIVATE);
	if (syscall(MSEAL, sealed + PAGE, 2 * PAGE, 0) < 0)
		leave_out("this kernel has no mseal");
}

static const char *sealed_check(void)
{
	EXPECT(munmap(sealed + PAGE, PAGE) < 0 && errno == EPERM);
	EXPECT(mprotect(sealed + 2 * PAGE, PAGE, PROT_READ) < 0 && errno == EPERM);
	EXPECT(is_filled(sealed, 0, PAGES));
	EXPECT(munmap(sealed, PAGE) == 0 && munmap(sealed + 3 * PAGE, PAGE) == 0);
	return NULL;
}

/* ---- Guards ---- */

static char *guarded;
static sigjmp_buf fault;

static void on_fault(int signo)
{
	(void)signo;
	siglongjmp(fault, 1);
}

static bool faults(volatile char *at)
{
	struct sigaction old, new = { .sa_handler = on_fault };
	bool faulted = true;

	sigaction(SIGSEGV, &new, &old);
	if (sigsetjmp(fault, 1) == 0) {
		*at;
		faulted = false;
	}
	sigaction(SIGSEGV, &old, NULL);
	return faulted;
}

static void guard_set_up(void)
{
	guarded = map_pages(MAP_PRIVATE);
	if (madvise(guarded + 3 * PAGE, PAGE, GUARD_INSTALL) < 0 ||
	    madvise(guarded + 7 * PAGE, 2 * PAGE, GUARD_INSTALL) < 0)
		leave_out("this kernel has no guard regions");
}

static const char *guard_check(void)
{
	for (int i = 0; i < PAGES; i++)
		EXPECT(faults(guarded + i * PAGE) == (i == 3 || i == 7 || i == 8));
	EXPECT(is_filled(guarded, 0, 3) && is_filled(guarded, 4, 7) &&
	       is_filled(guarded, 9, PAGES));
	/* It is one mapping, and a guard is removed as it was made. */
	EXPECT(madvise(guarded + 3 * PAGE, PAGE, GUARD_INSTALL + 1) == 0 && guarded[3 * PAGE] == 0);
	return NULL;
}

/* ---- Memory that vanishes when there is not enough ---- */

static char *droppable;

static void droppable_set_up(void)
{
	droppable = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_DROPPABLE | MAP_ANONYMOUS,
			 -1, 0);
	if (droppable == MAP_FAILED)
		leave_out("this kernel has no droppable memory");
	else
		memset(droppable, 'd', PAGES * PAGE);
}

static const char *droppable_check(void)
{
	EXPECT(has_flag(droppable, " dp"));
	EXPECT(*droppable == 'd' || *droppable == 0);
	return NULL;
}

/* ---- Much more than there is ---- */

enum { GIB = 1 << 30 };
static const size_t vast_size = 64ul * GIB;
static char *vast;

static void vast_set_up(void)
{
	vast = mmap(NULL, vast_size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	NEED(vast != MAP_FAILED);
	for (size_t at = 0; at < vast_size; at += 16ul * GIB)
		vast[at + 5] = (char)(at / GIB + 1);
}

static const char *vast_check(void)
{
	EXPECT(has_flag(vast, " nr"));
	for (size_t at = 0; at < vast_size; at += 16ul * GIB)
		EXPECT(vast[at + 5] == (char)(at / GIB + 1) && vast[at + 4] == 0 &&
		       vast[at + 8ul * GIB] == 0);
	vast[vast_size - 1] = 1;
	return NULL;
}

/* Ordinary memory stays accounted for. */

static char *reserved;

static void reserved_set_up(void)
{
	reserved = map_pages(MAP_PRIVATE);
}

static const char *reserved_check(void)
{
	EXPECT(has_flag(reserved, " ac") && !has_flag(reserved, " nr"));
	return NULL;
}

const struct hold trait_holds[] = {
	{ "dontfork", "memory is kept from children (MADV_DONTFORK)", dontfork_set_up,
	  dontfork_check, 0 },
	{ "dontdump", "memory stays out of cores, and is in the checkpoint (MADV_DONTDUMP)",
	  dontdump_set_up,
	  dontdump_check, HOLD_NOT_IN_CORE },
	{ "wipeonfork", "memory is zero in children (MADV_WIPEONFORK)", wipeonfork_set_up,
	  wipeonfork_check, 0 },
	{ "hugepage", "huge pages are wanted here", hugepage_set_up, hugepage_check, 0 },
	{ "nohugepage", "no huge pages are wanted here", nohugepage_set_up, nohugepage_check, 0 },
	{ "mergeable", "equal pages may be merged here", mergeable_set_up, mergeable_check, 0 },
	{ "sequential", "reading goes forward here (MADV_SEQUENTIAL)", sequential_set_up,
	  sequential_check, 0 },
	{ "random", "reading goes anywhere here (MADV_RANDOM)", random_set_up, random_check, 0 },
	{ "mlock", "memory is locked", locked_set_up, locked_check, 0 },
	{ "mlock-onfault", "memory is locked as it is touched", onfault_set_up, onfault_check, 0 },
	{ "mseal", "memory is sealed", sealed_set_up, sealed_check, 0 },
	{ "guard", "guard regions within a mapping fault", guard_set_up, guard_check, 0 },
	{ "droppable", "memory may be dropped (MAP_DROPPABLE)", droppable_set_up, droppable_check,
	  HOLD_NOT_IN_CORE },
	{ "noreserve", "64 GiB of which little is used", vast_set_up, vast_check, 0 },
	{ "reserve", "ordinary memory is accounted for", reserved_set_up, reserved_check, 0 },
	{ 0 },
};
