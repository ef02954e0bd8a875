/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Traits of memory, from /proc/PID/smaps. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "process/procfs.h"
#include "process/procfs_private.h"
#include "util/cleanup.h"

/* Documentation/filesystems/proc.rst, VmFlags */
static const struct {
	char letters[3];
	uint32_t flags;
} vm_flags[] = {
	{ "dc", TRAIT_DONTFORK }, { "dd", TRAIT_DONTDUMP }, { "wf", TRAIT_WIPEONFORK },
	{ "hg", TRAIT_HUGEPAGE }, { "nh", TRAIT_NOHUGEPAGE }, { "mg", TRAIT_MERGEABLE },
	{ "sr", TRAIT_SEQUENTIAL }, { "rr", TRAIT_RANDOM }, { "lo", TRAIT_LOCKED },
	{ "lf", TRAIT_ONFAULT }, { "nr", TRAIT_NORESERVE }, { "dp", TRAIT_DROPPABLE },
	{ "sl", TRAIT_SEALED }, { "um", TRAIT_USERFAULT }, { "uw", TRAIT_USERFAULT },
	{ "ui", TRAIT_USERFAULT }, { "gd", TRAIT_GROWSDOWN }, { "io", TRAIT_DEVICE },
	{ "pf", TRAIT_DEVICE },
};

/* Lines of a file of any size, through a small buffer; what is longer is cut. */
struct lines {
	int fd;
	size_t used, at;
	char buf[4608];
};

/*
 * The next line, ended by a NUL instead of its newline; NULL at the end or, with errno, on failure.
 */
static char *next_line(struct lines *l)
{
	for (;;) {
		char *start = l->buf + l->at, *end = memchr(start, '\n', l->used - l->at);

		if (end) {
			*end = '\0';
			l->at = (size_t)(end + 1 - l->buf);
			return start;
		}
		memmove(l->buf, start, l->used - l->at);
		l->used -= l->at;
		l->at = 0;
		if (l->used == sizeof l->buf)
			l->used = sizeof l->buf / 2;
		ssize_t n = read(l->fd, l->buf + l->used, sizeof l->buf - l->used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			errno = n ? errno : 0;
			return NULL;
		}
		l->used += (size_t)n;
	}
}

/* A mapping's first line, as in maps; the others begin with a capital. */
static bool is_first_line(const char *line)
{
	return (*line >= '0' && *line <= '9') || (*line >= 'a' && *line <= 'f');
}

struct first_line {
	uint64_t start, end;
	bool shared;
	const char *name;  /* PR_SET_VMA_ANON_NAME, with the bracket behind it; or NULL */
};

static void split_first_line(const char *line, struct first_line *l)
{
	const char *t = line;

	l->start = parse_number(&t, 16);
	t += *t == '-';
	l->end = parse_number(&t, 16);
	t += *t == ' ';
	l->shared = strlen(t) > 3 && t[3] == 's';
	l->name = strstr(t, " [anon");
	l->name = l->name ? strchr(l->name, ':') : NULL;
	l->name = l->name ? l->name + 1 : NULL;
}

static int add_trait(struct process *p, const char *line, bool *shared, struct error *err)
{
	struct first_line l;
	struct trait *t = process_add_trait(p);

	if (!t)
		return no_memory(err);
	split_first_line(line, &l);
	*shared = l.shared;
	*t = (struct trait){ .start = l.start, .end = l.end };
	if (l.name && *l.name) {
		t->name = arena_strndup(&p->arena, l.name, strlen(l.name) - 1);
		if (!t->name)
			return no_memory(err);
	}
	return 0;
}

static void take_flags(struct trait *t, bool shared, const char *text)
{
	bool may_write = false, hugetlb = false;

	for (; text[0] && text[1]; text += text[2] ? 3 : 2) {
		for (size_t i = 0; i < sizeof vm_flags / sizeof vm_flags[0]; i++)
			if (memcmp(text, vm_flags[i].letters, 2) == 0)
				t->flags |= vm_flags[i].flags;
		may_write |= memcmp(text, "mw", 2) == 0;
		hugetlb |= memcmp(text, "ht", 2) == 0;
	}
	if (shared && !may_write)
		t->flags |= TRAIT_READONLY;
	if (!hugetlb)
		t->page_size = 0;
}

/* One of the lines behind the first. */
static void take_line(struct trait *t, bool shared, const char *line)
{
	const char *value;

	if ((value = after(line, "KernelPageSize:")))
		t->page_size = parse_number(&value, 10) * 1024;
	else if ((value = after(line, "Rss:")) || (value = after(line, "Swap:")))
		t->resident += parse_number(&value, 10) * 1024;
	else if ((value = after(line, "ProtectionKey:")))
		t->pkey = (uint32_t)parse_number(&value, 10);
	else if ((value = after(line, "VmFlags: ")))
		take_flags(t, shared, value);
}

int procfs_read_traits(struct process *p, pid_t pid, struct error *err)
{
	char name[PROC_NAME_SIZE];
	struct lines lines = { .used = 0 };
	bool shared = false;
	char *line;

	proc_name(name, pid, "smaps");
	cleanup_fd int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return proc_error(err, errno, pid, "smaps");
	lines.fd = fd;
	while ((line = next_line(&lines))) {
		if (is_first_line(line)) {
			if (add_trait(p, line, &shared, err) < 0)
				return -1;
		} else if (p->trait_count) {
			take_line(&p->traits[p->trait_count - 1], shared, line);
		}
	}
	if (errno)
		return proc_error(err, errno, pid, "smaps");
	p->have |= HAVE_TRAITS;
	return 0;
}

void procfs_apply_traits(struct process *p)
{
	for (size_t i = 0; i < p->mapping_count; i++) {
		const struct trait *t = process_trait_at(p, p->mappings[i].start);

		if (t && t->flags & TRAIT_GROWSDOWN)
			p->mappings[i].grows_down = true;
	}
	for (size_t i = 0; i < p->trait_count; i++)
		p->traits[i].flags &= ~(uint32_t)TRAIT_GROWSDOWN;
}

int procfs_read_memory(struct process *p, pid_t pid, struct error *err)
{
	if (procfs_read_traits(p, pid, err) < 0 || procfs_read_guards(p, pid, err) < 0)
		return -1;
	procfs_apply_traits(p);
	return 0;
}
