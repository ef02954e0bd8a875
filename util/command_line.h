/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A command line that is wrong: one line says how, in the same words for all programs, and the exit
 * status is the same, one that no program which a command becomes or waits for has by itself.
 */
#ifndef UTIL_COMMAND_LINE_H
#define UTIL_COMMAND_LINE_H

#include <getopt.h>
#include <stddef.h>

enum { WRONG_USE = 125 };

/*
 * What getopt_long() did not take, when its list of letters has a ':' in front, after which getopt
 * itself says nothing.  GOT is what it returned, ? or :, LETTER its optopt, and ARGUMENT the
 * argument before its optind.
 */
void wrong_option(char *message, size_t size, int got, int letter, const char *argument,
		  const struct option *known);

#endif
