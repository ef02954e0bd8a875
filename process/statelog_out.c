/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "process/statelog_out.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include "util/format.h"
#include "util/io.h"

void out_begin(struct out *o, int fd)
{
	/* The buffer needs no clearing, and this may be a small stack. */
	o->fd = fd;
	o->failure = 0;
	o->used = 0;
}

void out_flush(struct out *o)
{
	if (!o->failure && write_full(o->fd, o->buf, o->used) != 0)
		o->failure = errno;
	o->used = 0;
}

void put(struct out *o, const char *text, size_t len)
{
	while (len) {
		size_t n = sizeof o->buf - o->used;

		if (n > len)
			n = len;
		memcpy(o->buf + o->used, text, n);
		o->used += n;
		text += n;
		len -= n;
		if (o->used == sizeof o->buf)
			out_flush(o);
	}
}

void print(struct out *o, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	size_t len = vformat(text, sizeof text, fmt, args);
	va_end(args);
	put(o, text, len < sizeof text ? len : sizeof text - 1);
}

void put_escaped(struct out *o, unsigned char c)
{
	print(o, "\\%03o", c);
}

/*
 * A name goes out so that it stays one field of one line: what would end a line, start a comment
 * or read as blanks around a field or as a separator is escaped.
 */
static bool must_escape(const char *name, size_t at)
{
	unsigned char c = (unsigned char)name[at];
	bool after_blank = at == 0 || name[at - 1] == ' ';
	bool before_blank = name[at + 1] == ' ' || name[at + 1] == '\0';

	if (c < ' ' || c == 0x7f || c == '\\')
		return true;
	if (c == ' ')
		return at == 0 || name[at + 1] == '\0';
	if (c == '#')
		return after_blank;
	return c == ':' && after_blank && before_blank;
}

void put_name(struct out *o, const char *name)
{
	for (size_t i = 0; name[i]; i++) {
		if (must_escape(name, i))
			put_escaped(o, (unsigned char)name[i]);
		else
			put(o, name + i, 1);
	}
}

void put_name_not_word(struct out *o, const char *name)
{
	put_escaped(o, (unsigned char)name[0]);
	put_name(o, name + 1);
}

void put_bytes(struct out *o, const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		uint8_t c = bytes[i];

		if (c <= ' ' || c >= 0x7f || c == '\\' || c == '#' || c == ':')
			put_escaped(o, c);
		else
			put(o, (const char *)&c, 1);
	}
}

void put_time(struct out *o, struct timespec t)
{
	print(o, "%ld.%09ld", (long)t.tv_sec, t.tv_nsec);
}
