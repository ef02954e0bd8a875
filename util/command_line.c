/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/command_line.h"

#include <stdbool.h>
#include <string.h>

#include "util/format.h"

/* How many known options ARGUMENT, `--NAME' or `--NAME=VALUE', may stand for. */
static int meant(const char *argument, const struct option *known, const struct option **last)
{
	size_t len = strcspn(argument + 2, "=");
	int count = 0;

	for (; known->name; known++) {
		if (strncmp(known->name, argument + 2, len) != 0)
			continue;
		*last = known;
		if (!known->name[len])
			return 1;
		count++;
	}
	return count;
}

/*
 * getopt tells the letter of a long option that it knows, too.  In `-kx' the argument before optind
 * is still the one before.
 */
static bool is_long(const char *argument, int got, int letter, const struct option *known)
{
	const struct option *option;

	if (strncmp(argument, "--", 2) != 0)
		return false;
	return !letter || (meant(argument, known, &option) && option->val == letter &&
			   (got == ':' || strchr(argument, '=')));
}

void wrong_option(char *message, size_t size, int got, int letter, const char *argument,
		  const struct option *known)
{
	const struct option *option;

	if (!is_long(argument, got, letter, known))
		format(message, size, got == ':' ? "-%c takes a value" : "unknown option -%c",
		       letter);
	else if (got == ':')
		format(message, size, "%s takes a value: %s=...", argument, argument);
	else if (letter)
		format(message, size, "%.*s takes no value", (int)strcspn(argument, "="),
		       argument);
	else if (meant(argument, known, &option) > 1)
		format(message, size, "%s may be one of several options", argument);
	else
		format(message, size, "unknown option %s", argument);
	format_one_line(message);
}
