/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Unit tests: a plain program whose main() makes CHECK()s and returns CHECK_DONE().
 *
 * Each check prints `ok N - sentence` or `not ok N - sentence` with the place, CHECK_DONE() prints
 * the plan and gives the exit status: 0 when all were right and there was at least one.  A sentence
 * says what is true, and may have printf's conversions.
 */
#ifndef TESTS_UNIT_CHECK_H
#define TESTS_UNIT_CHECK_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int check_count, check_failures;

__attribute__((format(printf, 4, 5), unused))
static bool check_(bool good, const char *file, int line, const char *fmt, ...)
{
	va_list args;

	printf("%s %d - ", good ? "ok" : "not ok", ++check_count);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	if (!good) {
		printf("# at %s:%d\n", file, line);
		check_failures++;
	}
	fflush(stdout);
	return good;
}

__attribute__((unused))
static bool check_text_(const char *got, const char *want, const char *file, int line,
			const char *sentence)
{
	bool good = check_(strcmp(got, want) == 0, file, line, "%s", sentence);

	if (!good)
		printf("# got:  %s\n# want: %s\n", got, want);
	return good;
}

__attribute__((unused)) static int check_done_(void)
{
	printf("1..%d\n", check_count);
	return check_failures || !check_count;
}

/* Each gives back whether it was right, for tests that cannot go on otherwise. */
#define CHECK(cond, ...) check_((cond), __FILE__, __LINE__, __VA_ARGS__)
#define CHECK_TEXT(got, want, sentence) check_text_((got), (want), __FILE__, __LINE__, (sentence))
#define CHECK_DONE() check_done_()

#endif
