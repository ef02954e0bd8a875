/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* util/format: what it has of snprintf() does what snprintf() does. */
#include "util/format.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/check.h"

static size_t differences;

/* snprintf(), out of sight of the compiler, which would warn of the texts that are cut. */
__attribute__((format(printf, 3, 4), noinline))
static size_t reference(char *buf, size_t size, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	int len = vsnprintf(buf, size, fmt, args);
	va_end(args);
	return (size_t)len;
}

/* The text and the length for a roomy, a tight and no buffer. */
#define SAME(...)                                                                                \
	do {                                                                                     \
		static const size_t sizes[] = { 200, 5, 1, 0 };                                  \
		for (size_t i_ = 0; i_ < 4; i_++) {                                              \
			char ours[200], theirs[200];                                             \
			memset(ours, 'x', sizeof ours);                                          \
			memset(theirs, 'x', sizeof theirs);                                      \
			size_t length = format(ours, sizes[i_], __VA_ARGS__);                    \
			size_t want = reference(theirs, sizes[i_], __VA_ARGS__);                 \
			if (length == want && !memcmp(ours, theirs, sizes[i_]))                  \
				continue;                                                        \
			differences++;                                                           \
			printf("# line %d, size %zu: %.190s\n", __LINE__, sizes[i_], theirs);    \
		}                                                                                \
	} while (0)

static void compare_plain(void)
{
	SAME("%s", "");
	SAME("nothing to convert");
	SAME("100%%");
	SAME("%c%c", 'a', 'b');
	SAME("%s and %s", "one", "two");
	SAME("[%10s] [%-10s] [%2s]", "right", "left", "wider");
	SAME("[%.3s] [%.0s] [%8.2s]", "abcdef", "abc", "xyz");
	SAME("[%*s] [%-*s] [%.*s]", 6, "ab", 6, "cd", 2, "efgh");
	SAME("%p", (void *)0x1234);
}

static void compare_numbers(void)
{
	SAME("%d %d %d", 0, INT_MAX, INT_MIN);
	SAME("%i", -1);
	SAME("%ld %ld", LONG_MAX, LONG_MIN);
	SAME("%lld %lld", LLONG_MAX, LLONG_MIN);
	SAME("%u %lu %llu", UINT_MAX, ULONG_MAX, ULLONG_MAX);
	SAME("%zu %zd", SIZE_MAX, (ssize_t)-5);
	SAME("%x %lx %#x %#lx", 255u, 0xdeadbeefcafeul, 255u, 0x1000ul);
	SAME("%#x %#o", 0u, 0u);
	SAME("%o %#o %03o", 8u, 8u, 7u);
	SAME("[%5d] [%-5d] [%05d]", 42, 42, 42);
	SAME("[%5d] [%-5d] [%05d]", -42, -42, -42);
	SAME("[%016lx] [%8x] [%-8x] [%#10x]", 0x7f00ul, 0xabu, 0xabu, 0xabu);
	SAME("[%*d] [%-*d]", 7, 12, 7, 12);
	SAME("[%2d]", 123456);
	SAME("%hhu %hu", (unsigned char)200, (unsigned short)60000);
	SAME("%hhd %hd", (signed char)-100, (short)-30000);
}

static void compare_random(void)
{
	uint64_t seed = 42;

	for (int i = 0; i < 20000; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		unsigned long n = (unsigned long)(seed >> (seed >> 58));
		int width = (int)(n % 30);

		SAME("%ld|%lu|%lx|%lo|%d", (long)n, n, n, n, (int)n);
		SAME("%*lu|%-*lx|%.*s", width, n, width, n, width, "abcdefghijklmnopqrstuvwxyz");
		SAME("%020lu|%012x|%#18lx", n, (unsigned)n, n);
	}
}

int main(void)
{
	char buf[8];

	compare_plain();
	CHECK(!differences, "strings and characters come out as snprintf has them");
	differences = 0;
	compare_numbers();
	CHECK(!differences, "numbers come out as snprintf has them");
	differences = 0;
	compare_random();
	CHECK(!differences, "random numbers and widths come out as snprintf has them");
	CHECK(format(buf, sizeof buf, "%s", "longer than it") == 14 && !strcmp(buf, "longer "),
	      "a long text is cut and its whole length returned");
	return CHECK_DONE();
}
