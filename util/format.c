/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/format.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct sink {
	char *buf;
	size_t size;
	size_t len;
};

static void put(struct sink *s, char c)
{
	if (s->len + 1 < s->size)
		s->buf[s->len] = c;
	s->len++;
}

struct spec {
	bool left, zero, alternate;
	int width, precision;
};

static void put_padded(struct sink *s, const struct spec *spec, const char *text, size_t len)
{
	size_t pad = spec->width > 0 && (size_t)spec->width > len ? (size_t)spec->width - len : 0;

	if (!spec->left)
		for (; pad; pad--)
			put(s, ' ');
	for (size_t i = 0; i < len; i++)
		put(s, text[i]);
	for (; pad; pad--)
		put(s, ' ');
}

static void put_number(struct sink *s, const struct spec *spec, uint64_t n, bool negative,
		       unsigned base)
{
	char digits[80];
	size_t at = sizeof digits;
	const char *prefix = negative ? "-" : "";

	if (spec->alternate && n)
		prefix = base == 16 ? "0x" : base == 8 ? "0" : prefix;
	do
		digits[--at] = "0123456789abcdef"[n % base];
	while (n /= base);
	if (spec->zero && !spec->left) {
		size_t want = spec->width > 0 ? (size_t)spec->width : 0;
		size_t taken = strlen(prefix);

		while (at > taken && sizeof digits - at + taken < want)
			digits[--at] = '0';
	}
	for (size_t i = strlen(prefix); i > 0; i--)
		digits[--at] = prefix[i - 1];
	put_padded(s, spec, digits + at, sizeof digits - at);
}

static void put_string(struct sink *s, const struct spec *spec, const char *text)
{
	if (!text)
		text = "(null)";
	put_padded(s, spec, text,
		   spec->precision >= 0 ? strnlen(text, (size_t)spec->precision) : strlen(text));
}

/* Integer arguments by the number of l's (h and hh arrive promoted to int). */
enum length { SHORT_SHORT = -2, SHORT, PLAIN, LONG, LONG_LONG };

static int64_t next_signed(va_list *args, int length)
{
	switch (length) {
	case SHORT_SHORT: return (signed char)va_arg(*args, int);
	case SHORT: return (short)va_arg(*args, int);
	case PLAIN: return va_arg(*args, int);
	default: return va_arg(*args, long long);
	}
}

static uint64_t next_unsigned(va_list *args, int length)
{
	switch (length) {
	case SHORT_SHORT: return (unsigned char)va_arg(*args, unsigned);
	case SHORT: return (unsigned short)va_arg(*args, unsigned);
	case PLAIN: return va_arg(*args, unsigned);
	default: return va_arg(*args, unsigned long long);
	}
}

static int parse_count(const char **f, va_list *args)
{
	int n = 0;

	if (**f == '*') {
		++*f;
		return va_arg(*args, int);
	}
	for (; **f >= '0' && **f <= '9'; ++*f)
		n = n * 10 + (**f - '0');
	return n;
}

size_t vformat(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct sink s = { .buf = buf, .size = size };
	va_list args;

	va_copy(args, ap);
	for (const char *f = fmt; *f; f++) {
		struct spec spec = { .precision = -1 };
		int length = PLAIN;

		if (*f != '%') {
			put(&s, *f);
			continue;
		}
		const char *start = f++;
		for (;; f++) {
			if (*f == '-')
				spec.left = true;
			else if (*f == '0')
				spec.zero = true;
			else if (*f == '#')
				spec.alternate = true;
			else
				break;
		}
		spec.width = parse_count(&f, &args);
		if (*f == '.') {
			f++;
			spec.precision = parse_count(&f, &args);
		}
		for (; *f == 'l' || *f == 'z' || *f == 'h'; f++)
			length += *f == 'h' ? -1 : 1;

		switch (*f) {
		case 'd':
		case 'i': {
			int64_t n = next_signed(&args, length);

			put_number(&s, &spec, n < 0 ? -(uint64_t)n : (uint64_t)n, n < 0, 10);
			break;
		}
		case 'u': put_number(&s, &spec, next_unsigned(&args, length), false, 10); break;
		case 'x': put_number(&s, &spec, next_unsigned(&args, length), false, 16); break;
		case 'o': put_number(&s, &spec, next_unsigned(&args, length), false, 8); break;
		case 'p':
			spec.alternate = true;
			put_number(&s, &spec, (uintptr_t)va_arg(args, void *), false, 16);
			break;
		case 'c': put(&s, (char)va_arg(args, int)); break;
		case 's': put_string(&s, &spec, va_arg(args, const char *)); break;
		case '%': put(&s, '%'); break;
		default:
			for (; start <= f && *start; start++)
				put(&s, *start);
			if (!*f)
				f--;
		}
	}
	va_end(args);
	if (size)
		buf[s.len < size ? s.len : size - 1] = '\0';
	return s.len;
}

size_t format(char *buf, size_t size, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	size_t len = vformat(buf, size, fmt, args);
	va_end(args);
	return len;
}

void format_one_line(char *text)
{
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
}
