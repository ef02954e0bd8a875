/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names of single numbers: clocks, the codes of signals, scheduling policies. */
#include <string.h>

#include "process/names.h"
#include "process/timers.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

struct name {
	int number;
	const char *name;
};

/* uapi/linux/time.h; the last two are the kernel's own numbers. */
static const struct name clocks[] = {
	{ 0, "CLOCK_REALTIME" }, { 1, "CLOCK_MONOTONIC" }, { 7, "CLOCK_BOOTTIME" },
	{ 8, "CLOCK_REALTIME_ALARM" }, { 9, "CLOCK_BOOTTIME_ALARM" }, { 11, "CLOCK_TAI" },
	{ CLOCK_OF_PROCESS, "CLOCK_PROCESS_CPUTIME_ID" },
	{ CLOCK_OF_THREAD, "CLOCK_THREAD_CPUTIME_ID" },
};

/* uapi/asm-generic/siginfo.h: those that do not depend on the signal. */
static const struct name codes[] = {
	{ 0, "SI_USER" }, { 0x80, "SI_KERNEL" }, { -1, "SI_QUEUE" }, { -2, "SI_TIMER" },
	{ -3, "SI_MESGQ" }, { -4, "SI_ASYNCIO" }, { -5, "SI_SIGIO" }, { -6, "SI_TKILL" },
};

/* uapi/linux/sched.h */
static const struct name policies[] = {
	{ 0, "SCHED_OTHER" }, { 1, "SCHED_FIFO" }, { 2, "SCHED_RR" }, { 3, "SCHED_BATCH" },
	{ 5, "SCHED_IDLE" }, { 6, "SCHED_DEADLINE" }, { 7, "SCHED_EXT" },
};

static const char *name_of(const struct name *table, size_t count, int number)
{
	for (size_t i = 0; i < count; i++)
		if (table[i].number == number)
			return table[i].name;
	return NULL;
}

static bool find(const struct name *table, size_t count, const char *name, int *number)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(table[i].name, name) == 0) {
			*number = table[i].number;
			return true;
		}
	}
	return false;
}

const char *clock_id_name(int clock)
{
	return name_of(clocks, COUNT(clocks), clock);
}

bool clock_id_find(const char *name, int *clock)
{
	return find(clocks, COUNT(clocks), name, clock);
}

const char *signal_code_name(int code)
{
	return name_of(codes, COUNT(codes), code);
}

bool signal_code_find(const char *name, int *code)
{
	return find(codes, COUNT(codes), name, code);
}

const char *policy_name(uint32_t policy)
{
	return name_of(policies, COUNT(policies), (int)policy);
}

bool policy_find(const char *name, uint32_t *policy)
{
	int number;
	bool found = find(policies, COUNT(policies), name, &number);

	if (found)
		*policy = (uint32_t)number;
	return found;
}
