/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Formatting text into a buffer: the part of snprintf() that this project needs, safe to call from
 * a signal handler.
 *
 * Conversions: %d %i %u %x %o %c %s %p %%, the lengths l, ll, z, h,
 * hh, the flags 0 - #, a width and (for %s) a precision, either of
 * which may be `*`.  Any other conversion is copied as it stands.
 */
#ifndef UTIL_FORMAT_H
#define UTIL_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

/*
 * As snprintf(): writes at most SIZE bytes with the terminating NUL and returns the length that the
 * whole text has.
 */
size_t format(char *buf, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
size_t vformat(char *buf, size_t size, const char *fmt, va_list args)
	__attribute__((format(printf, 3, 0)));

/*
 * Makes one line of TEXT that can do nothing to a terminal.  Names out of hostile files stand in
 * what is printed.
 */
void format_one_line(char *text);

#endif
