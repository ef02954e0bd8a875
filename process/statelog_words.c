/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "process/statelog_words.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static bool starts_with(const char *name, size_t len, const char *prefix)
{
	size_t n = strlen(prefix);

	return len >= n && memcmp(name, prefix, n) == 0;
}

static bool equals(const char *name, size_t len, const char *word)
{
	return len == strlen(word) && memcmp(name, word, len) == 0;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool all_digits(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!is_digit(text[i]))
			return false;
	return len > 0;
}

/* `/dev/tty`, `/dev/tty1`, `/dev/ttyS0`, `/dev/console`, `/dev/pts/3`; not `/dev/pts/ptmx`. */
static bool is_terminal(const char *name, size_t len)
{
	static const char tty[] = "/dev/tty", pts[] = "/dev/pts/";

	if (equals(name, len, "/dev/console"))
		return true;
	if (starts_with(name, len, pts))
		return all_digits(name + strlen(pts), len - strlen(pts));
	if (!starts_with(name, len, tty))
		return false;
	for (size_t i = strlen(tty); i < len; i++)
		if (!is_digit(name[i]) && !is_letter(name[i]))
			return false;
	return true;
}

/* `PREFIX[123]`, with the number in *ID. */
static bool has_id(const char *name, size_t len, const char *prefix, uint64_t *id)
{
	size_t n = strlen(prefix);
	uint64_t value = 0;

	if (!starts_with(name, len, prefix) || len < n + 3 || name[n] != '[' ||
	    name[len - 1] != ']')
		return false;
	for (size_t i = n + 1; i < len - 1; i++) {
		uint64_t d = (uint64_t)(name[i] - '0');

		if (!is_digit(name[i]) || value > (UINT64_MAX - d) / 10)
			return false;
		value = value * 10 + d;
	}
	*id = value;
	return true;
}

/* `WORD:[...]`, as the kernel names what has no path: `anon_inode:[bpf-map]`, `net:[402653184]`. */
static bool is_nameless(const char *name, size_t len)
{
	size_t i = 0;

	while (i < len && (is_letter(name[i]) || name[i] == '_'))
		i++;
	return i > 0 && i + 3 <= len && name[i] == ':' && name[i + 1] == '[' &&
	       name[len - 1] == ']';
}

static const char *const other_words[] = {
	"fanotify", "io_uring", "perf_event", "userfaultfd",
};

/* The kinds that one word says all of. */
static const struct {
	enum file_kind kind;
	const char *word;
} kinds[] = {
	{ FILE_EVENTFD, "eventfd" },
	{ FILE_EPOLL, "epoll" },
	{ FILE_SIGNALFD, "signalfd" },
	{ FILE_TIMERFD, "timerfd" },
	{ FILE_PIDFD, "pidfd" },
	{ FILE_INOTIFY, "inotify" },
};

const char *statelog_kind_word(enum file_kind kind)
{
	for (size_t i = 0; i < COUNT(kinds); i++)
		if (kinds[i].kind == kind)
			return kinds[i].word;
	return NULL;
}

static bool is_other(const char *name, size_t len)
{
	for (size_t i = 0; i < COUNT(other_words); i++)
		if (equals(name, len, other_words[i]))
			return true;
	return starts_with(name, len, "anon_inode:") || is_nameless(name, len);
}

enum file_kind statelog_kind(const char *name, size_t len, uint64_t *id)
{
	*id = 0;
	if (is_terminal(name, len))
		return FILE_TERMINAL;
	if (has_id(name, len, "pipe:", id))
		return FILE_PIPE;
	if (has_id(name, len, "socket:", id))
		return FILE_SOCKET;
	for (size_t i = 0; i < COUNT(kinds); i++)
		if (equals(name, len, kinds[i].word))
			return kinds[i].kind;
	if (starts_with(name, len, "memfd:"))
		return FILE_MEMFD;
	return is_other(name, len) ? FILE_OTHER : FILE_PATH;
}

/* The first word of a label is the one that is written. */
static const struct {
	enum label label;
	const char *word;
} labels[] = {
	{ LABEL_HEAP, "[heap]" },
	{ LABEL_STACK, "[stack]" },
	{ LABEL_VDSO, "[vdso]" },
	{ LABEL_VVAR, "[vvar]" },
	{ LABEL_VVAR, "[vvar_vclock]" },
};

const char *statelog_label_word(enum label label)
{
	for (size_t i = 0; i < COUNT(labels); i++)
		if (labels[i].label == label)
			return labels[i].word;
	return NULL;
}

enum label statelog_label(const char *word, size_t len)
{
	for (size_t i = 0; i < COUNT(labels); i++)
		if (equals(word, len, labels[i].word))
			return labels[i].label;
	return LABEL_NONE;
}

const struct statelog_mm_field statelog_mm_fields[STATELOG_MM_FIELDS] = {
	{ "code", offsetof(struct mm_fields, start_code), offsetof(struct mm_fields, end_code) },
	{ "data", offsetof(struct mm_fields, start_data), offsetof(struct mm_fields, end_data) },
	{ "stack", offsetof(struct mm_fields, start_stack), SIZE_MAX },
	{ "arg", offsetof(struct mm_fields, arg_start), offsetof(struct mm_fields, arg_end) },
	{ "env", offsetof(struct mm_fields, env_start), offsetof(struct mm_fields, env_end) },
};
