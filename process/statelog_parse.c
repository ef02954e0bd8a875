/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "process/statelog_parse.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "util/format.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct field trim(const char *text, size_t len)
{
	while (len && is_blank(*text)) {
		text++;
		len--;
	}
	while (len && is_blank(text[len - 1]))
		len--;
	return (struct field){ text, len };
}

/* `#` starts a comment where a word could start, so that it may stand inside a name. */
static size_t without_comment(const char *text, size_t len)
{
	for (const char *at = text; (at = memchr(at, '#', (size_t)(text + len - at))); at++)
		if (at == text || is_blank(at[-1]))
			return (size_t)(at - text);
	return len;
}

/* A colon separates when there are blanks (or the line's ends) around it: `a:b` is one name. */
static bool is_separator(const char *text, size_t len, size_t at)
{
	return text[at] == ':' && (at == 0 || is_blank(text[at - 1])) &&
	       (at + 1 == len || is_blank(text[at + 1]));
}

void line_split(struct parser *s, const char *text, size_t len)
{
	struct line *l = &s->line;
	size_t from = 0;

	l->start = text;
	l->count = 0;
	if (len && text[len - 1] == '\r')  /* an editor of another system */
		len--;
	len = without_comment(text, len);
	if (trim(text, len).len == 0)
		return;
	for (size_t at = 0; at <= len; at++) {
		if (at < len && !is_separator(text, len, at))
			continue;
		if (l->count < FIELDS)
			l->fields[l->count] = trim(text + from, at - from);
		l->count++;
		from = at + 1;
	}
}

/* ---- Messages -------------------------------------------------------------------------------- */

struct quoted field_quote(struct field f)
{
	struct quoted q;
	size_t room = sizeof q.text - sizeof "...";
	size_t n = f.len < room ? f.len : room;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)f.text[i];

		q.text[i] = (char)(c < ' ' || c >= 0x7f ? '?' : c);
	}
	format(q.text + n, sizeof q.text - n, "%s", f.len > n ? "..." : "");
	return q;
}

struct place field_place(const struct parser *s, struct field f)
{
	return (struct place){ s->line.number, (int)(f.text - s->line.start) + 1 };
}

__attribute__((format(printf, 3, 0)))
static int vplace_error(struct parser *s, struct place at, const char *fmt, va_list args)
{
	char message[ERROR_MESSAGE_SIZE];

	vformat(message, sizeof message, fmt, args);
	return error_set(s->err, EINVAL, "%s:%d:%d: %s", s->name, at.line, at.column, message);
}

int place_error(struct parser *s, struct place at, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vplace_error(s, at, fmt, args);
	va_end(args);
	return -1;
}

int field_error(struct parser *s, struct field f, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vplace_error(s, field_place(s, f), fmt, args);
	va_end(args);
	return -1;
}

int parser_no_memory(struct parser *s)
{
	return error_sys(s->err, ENOMEM, "%s", s->name);
}

/* ---- Words and numbers ----------------------------------------------------------------------- */

bool field_is(struct field f, const char *word)
{
	return f.len == strlen(word) && memcmp(f.text, word, f.len) == 0;
}

struct field field_next(struct field *f, char stop)
{
	size_t n = 0;

	while (n < f->len && f->text[n] != stop && !(stop == ' ' && f->text[n] == '\t'))
		n++;
	struct field word = trim(f->text, n);

	if (n < f->len)
		n++;
	*f = trim(f->text + n, f->len - n);
	return word;
}

bool field_copy(struct field f, char *buf, size_t size)
{
	if (f.len >= size)
		return false;
	memcpy(buf, f.text, f.len);
	buf[f.len] = '\0';
	return true;
}

static unsigned digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A') + 10;
	return 99;
}

static bool has_hex_prefix(struct field f)
{
	return f.len > 2 && f.text[0] == '0' && (f.text[1] == 'x' || f.text[1] == 'X');
}

static int number(struct parser *s, struct field f, const char *what, unsigned base, uint64_t max,
		  uint64_t *n)
{
	static const char *const kinds[] = { [8] = "an octal", [10] = "a", [16] = "a hexadecimal" };
	uint64_t value = 0;
	size_t i = base != 8 && has_hex_prefix(f) ? 2 : 0;
	unsigned actual = i ? 16 : base;

	if (!f.len)
		return field_error(s, f, "%s is missing", what);
	for (; i < f.len; i++) {
		unsigned d = digit(f.text[i]);

		if (d >= actual)
			return field_error(s, f, "%s: '%s' is not %s number", what,
					   field_quote(f).text, kinds[base]);
		if (value > (UINT64_MAX - d) / actual || value * actual + d > max)
			return field_error(s, f, base == 10 ? "%s: %s is more than %lu" :
					   base == 8 ? "%s: %s is more than %#lo" :
					   "%s: %s is more than %#lx", what, field_quote(f).text,
					   (unsigned long)max);
		value = value * actual + d;
	}
	*n = value;
	return 0;
}

int number_decimal(struct parser *s, struct field f, const char *what, uint64_t max, uint64_t *n)
{
	return number(s, f, what, 10, max, n);
}

int number_hex(struct parser *s, struct field f, const char *what, uint64_t max, uint64_t *n)
{
	return number(s, f, what, 16, max, n);
}

int number_octal(struct parser *s, struct field f, const char *what, uint64_t max, uint64_t *n)
{
	return number(s, f, what, 8, max, n);
}

int number_range(struct parser *s, struct field f, const char *what, uint64_t max,
		 uint64_t *start, uint64_t *end)
{
	struct field rest = f, low;

	if (!memchr(f.text, '-', f.len))
		return field_error(s, f, "%s: '%s' is not a range START-END", what,
				   field_quote(f).text);
	low = field_next(&rest, '-');
	if (number_hex(s, low, what, max, start) != 0 || number_hex(s, rest, what, max, end) != 0)
		return -1;
	if (*start > *end)
		return field_error(s, f, "%s: '%s' ends before it starts", what,
				   field_quote(f).text);
	return 0;
}

/* The nanoseconds that the decimals F are. */
static int number_decimals(struct parser *s, struct field f, const char *what, long *nanoseconds)
{
	long n = 0, digits = 0;

	for (size_t i = 0; i < f.len; i++, digits++) {
		if (digit(f.text[i]) > 9 || digits == 9)
			return field_error(s, f, "%s: '%s' are not at most nine decimals", what,
					   field_quote(f).text);
		n = n * 10 + (long)digit(f.text[i]);
	}
	for (; digits < 9; digits++)
		n *= 10;
	*nanoseconds = n;
	return 0;
}

int field_time(struct parser *s, struct field f, const char *what, struct timespec *t)
{
	struct field decimals = f, seconds = field_next(&decimals, '.');
	uint64_t n;

	if (number_decimal(s, seconds, what, INT64_MAX, &n) != 0)
		return -1;
	t->tv_sec = (time_t)n;
	return number_decimals(s, decimals, what, &t->tv_nsec);
}

/* ---- Names ----------------------------------------------------------------------------------- */

/* The character that the backslash at TEXT begins, or -1 when that is no escape. */
static int escaped(const char *text, size_t len)
{
	unsigned value = 0;

	if (len < 4)
		return -1;
	for (size_t i = 1; i < 4; i++) {
		unsigned d = digit(text[i]);

		if (d >= 8)
			return -1;
		value = value * 8 + d;
	}
	return value <= 0xff ? (int)value : -1;
}

/* Resolves the escapes of F, whose characters are LOWEST at least, into BUF.  The length, or -1. */
static ssize_t unescape(struct parser *s, struct field f, const char *what, int lowest, char *buf)
{
	size_t used = 0;

	for (size_t i = 0; i < f.len; i++, used++) {
		buf[used] = f.text[i];
		if (f.text[i] != '\\')
			continue;
		int c = escaped(f.text + i, f.len - i);

		if (c < lowest)
			return field_error(s, (struct field){ f.text + i, f.len - i },
					   "%s: a backslash starts three octal digits (%03o to 377)"
					   "; write a backslash as \\134", what, (unsigned)lowest);
		buf[used] = (char)c;
		i += 3;
	}
	return (ssize_t)used;
}

int field_name(struct parser *s, struct field f, const char *what, const char **name)
{
	char *copy = arena_strndup(&s->p->arena, f.text, f.len);
	ssize_t len;

	if (!copy)
		return parser_no_memory(s);
	if (!f.len)
		return field_error(s, f, "%s is missing", what);
	len = unescape(s, f, what, 1, copy);
	if (len < 0)
		return -1;
	copy[len] = '\0';
	*name = copy;
	return 0;
}

int field_bytes(struct parser *s, struct field f, const char *what, const uint8_t **bytes,
		size_t *size)
{
	char *copy = arena_alloc(&s->p->arena, f.len + 1);
	ssize_t len;

	if (!copy)
		return parser_no_memory(s);
	len = unescape(s, f, what, 0, copy);
	if (len < 0)
		return -1;
	*bytes = (const uint8_t *)copy;
	*size = (size_t)len;
	return 0;
}
