/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "elf/cpu_features.h"
#include "elf/core_machine.h"
#include "tests/unit/check.h"

static void check_missing(const char *needed, const char *here, size_t count, const char *want)
{
	char missing[64];

	CHECK(cpu_features_missing(needed, here, missing, sizeof missing) == count,
	      "%zu of \"%.20s\" are missing in \"%s\"", count, needed, here);
	CHECK_TEXT(missing, want, "they are named");
}

int main(void)
{
	char here[CPU_FEATURES_SIZE], value[8];

	check_missing("", "", 0, "");
	check_missing("avx avx2", "avx2 avx", 0, "");
	check_missing("avx avx2 sse", "avx2 avx512f", 2, "avx, sse");
	check_missing("  avx\t fma ", "fm fmaa", 2, "avx, fma");
	check_missing("avx", "", 1, "avx");
	/* As many names as there is room for. */
	check_missing("a1234567890123456789 b1234567890123456789 c1234567890123456789 d", "", 4,
		      "a1234567890123456789, b1234567890123456789, d");
	CHECK(cpu_features_here(here) && cpu_features_missing(here, here, value, sizeof value) == 0,
	      "this machine lacks nothing of what it has");
	CHECK(cpu_features_missing("cx16", here, value, sizeof value) == 0 ||
	      !strstr(here, "cx16"), "names are whole words");
	CHECK(!strstr(here, "constant_tsc") && !strchr(here, '\n'),
	      "what concerns the kernel alone is left out");
	CHECK(core_machine_value("a=1\ncpu=abc\n", "cpu", value, sizeof value) &&
	      strcmp(value, "abc") == 0, "a value is found by its key");
	CHECK(!core_machine_value("cpu=12345678\n", "cpu", value, sizeof value),
	      "one too long is none");
	return CHECK_DONE();
}
