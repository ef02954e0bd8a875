/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The few functions of the C library that the agent uses. */
#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>
#include <string.h>

void *memcpy(void *restrict to, const void *restrict from, size_t len)
{
	void *start = to;

	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(len) : : "memory");
	return start;
}

void *memset(void *to, int byte, size_t len)
{
	void *start = to;

	__asm__ volatile("rep stosb" : "+D"(to), "+c"(len) : "a"(byte) : "memory");
	return start;
}

void *memmove(void *to, const void *from, size_t len)
{
	char *t = to;
	const char *f = from;

	if (t <= f)
		return memcpy(to, from, len);
	while (len--)
		t[len] = f[len];
	return to;
}

int memcmp(const void *a, const void *b, size_t len)
{
	const unsigned char *x = a, *y = b;

	for (size_t i = 0; i < len; i++)
		if (x[i] != y[i])
			return x[i] - y[i];
	return 0;
}

void *memchr(const void *bytes, int wanted, size_t len)
{
	const unsigned char *b = bytes;

	for (size_t i = 0; i < len; i++)
		if (b[i] == (unsigned char)wanted)
			return (void *)(b + i);
	return NULL;
}

size_t strlen(const char *text)
{
	size_t len = 0;

	while (text[len])
		len++;
	return len;
}

size_t strnlen(const char *text, size_t most)
{
	size_t len = 0;

	while (len < most && text[len])
		len++;
	return len;
}

int strncmp(const char *a, const char *b, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (a[i] != b[i] || !a[i])
			return (unsigned char)a[i] - (unsigned char)b[i];
	return 0;
}

int strcmp(const char *a, const char *b)
{
	return strncmp(a, b, (size_t)-1);
}

char *strchr(const char *text, int wanted)
{
	for (; *text != (char)wanted; text++)
		if (!*text)
			return NULL;
	return (char *)text;
}

char *strrchr(const char *text, int wanted)
{
	const char *last = NULL;

	for (; *text; text++)
		if (*text == (char)wanted)
			last = text;
	return (char *)last;
}

size_t strspn(const char *text, const char *set)
{
	size_t len = 0;

	while (text[len] && strchr(set, text[len]))
		len++;
	return len;
}

size_t strcspn(const char *text, const char *set)
{
	size_t len = 0;

	while (text[len] && !strchr(set, text[len]))
		len++;
	return len;
}

/* Those that starting the engine may fail with. */
const char *strerrordesc_np(int code)
{
	switch (code) {
	case EAGAIN: return "Resource temporarily unavailable";
	case ENOMEM: return "Cannot allocate memory";
	case EPERM: return "Operation not permitted";
	case EMFILE: return "Too many open files";
	case ENFILE: return "Too many open files in system";
	default: return NULL;
	}
}
