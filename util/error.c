/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "util/error.h"

#include <stdarg.h>
#include <string.h>

#include "util/format.h"

int error_set(struct error *err, int code, const char *fmt, ...)
{
	va_list args;

	err->code = code;
	va_start(args, fmt);
	vformat(err->message, sizeof err->message, fmt, args);
	va_end(args);
	format_one_line(err->message);
	return -1;
}

int error_sys(struct error *err, int code, const char *fmt, ...)
{
	/* strerrordesc_np() only reads a table: it allocates nothing and translates nothing. */
	const char *text = strerrordesc_np(code);
	va_list args;

	err->code = code;
	va_start(args, fmt);
	size_t len = vformat(err->message, sizeof err->message, fmt, args);
	va_end(args);
	if (len < sizeof err->message)
		format(err->message + len, sizeof err->message - len, ": %s",
		       text ? text : "unknown error");
	format_one_line(err->message);
	return -1;
}

int error_prefix(struct error *err, const char *fmt, ...)
{
	char old[ERROR_MESSAGE_SIZE];
	va_list args;

	memcpy(old, err->message, sizeof old);
	va_start(args, fmt);
	size_t len = vformat(err->message, sizeof err->message, fmt, args);
	va_end(args);
	if (len < sizeof err->message)
		format(err->message + len, sizeof err->message - len, ": %s", old);
	format_one_line(err->message);
	return -1;
}
