/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mappings, from /proc/PID/maps. */
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>

#include "process/arch.h"
#include "process/procfs.h"
#include "process/procfs_private.h"
#include "util/io.h"

static const struct {
	const char *name;
	enum label label;
} labels[] = {
	{ "[heap]", LABEL_HEAP },
	{ "[stack]", LABEL_STACK },
	{ "[vdso]", LABEL_VDSO },
	{ "[vvar]", LABEL_VVAR },
	{ "[vvar_vclock]", LABEL_VVAR },
	{ "[vsyscall]", LABEL_VSYSCALL },
};

/* One line, taken apart; name is the rest of the line, and empty for anonymous memory. */
struct line {
	uint64_t start, end, offset, device, inode;
	const char *flags;
	char *name;
};

/* START-END FLAGS OFFSET MAJOR:MINOR INODE NAME, up to the newline, which becomes a NUL. */
static char *split_line(char *text, struct line *l)
{
	char *newline = strchr(text, '\n');
	const char *t = text;

	if (newline)
		*newline = '\0';
	l->start = parse_number(&t, 16);
	t += *t == '-';
	l->end = parse_number(&t, 16);
	t += *t == ' ';
	l->flags = t;
	while (*t && *t != ' ')
		t++;
	l->offset = parse_number(&t, 16);
	uint64_t high = parse_number(&t, 16);
	t += *t == ':';
	l->device = makedev((unsigned)high, (unsigned)parse_number(&t, 16));
	l->inode = parse_number(&t, 10);
	while (*t == ' ')
		t++;
	l->name = text + (t - text);
	return newline ? newline + 1 : NULL;
}

/* In maps a newline is the only character that is escaped (show_map_vma, seq_file_path). */
static void unescape(char *name)
{
	char *to = name;

	for (const char *from = name; *from; to++) {
		const char *rest = after(from, "\\012");

		*to = rest ? '\n' : *from;
		from = rest ? rest : from + 1;
	}
	*to = '\0';
}

/*
 * maps tells a device number that stat() does not always agree with (btrfs, overlayfs), so that
 * the inode number alone has to tell whether the name is the file's own.
 */
static bool strip_deleted(pid_t pid, const struct line *l)
{
	struct stat file = { .st_ino = l->inode, .st_nlink = 1 };

	return proc_strip_deleted(pid, l->name, &file);
}

static int take_name(struct process *p, pid_t pid, struct mapping *m, const struct line *l,
		     struct error *err)
{
	for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++)
		if (strcmp(l->name, labels[i].name) == 0)
			m->label = labels[i].label;
	m->grows_down = m->label == LABEL_STACK;
	/* Other names in brackets ([anon:...], [uprobes]) are remarks, not files. */
	if (!*l->name || *l->name == '[')
		return 0;
	unescape(l->name);
	m->deleted = strip_deleted(pid, l);
	m->path = arena_strdup(&p->arena, l->name);
	return m->path ? 0 : no_memory(err);
}

static int take_line(struct process *p, pid_t pid, const struct line *l, struct error *err)
{
	struct mapping *m;

	if (l->start >= arch_host()->address_limit)
		return 0;
	m = process_add_mapping(p);
	if (!m)
		return no_memory(err);
	*m = (struct mapping){
		.start = l->start, .end = l->end, .file_offset = l->offset,
		.file = { l->device, l->inode },
		.prot_known = true, .bytes = BYTES_MISSING, .shared = l->flags[3] == 's',
		.prot = (l->flags[0] == 'r' ? PROT_READ : 0u) |
			(l->flags[1] == 'w' ? PROT_WRITE : 0u) |
			(l->flags[2] == 'x' ? PROT_EXEC : 0u),
	};
	return take_name(p, pid, m, l, err);
}

/* The break is where [heap] ends, rounded up to a page; without [heap], nothing was allocated. */
static void take_brk(struct process *p)
{
	for (size_t i = 0; i < p->mapping_count; i++) {
		const struct mapping *m = &p->mappings[i];

		if (m->label == LABEL_HEAP && m->end > p->brk)
			p->brk = m->end;
	}
	if (p->start_brk > 1)
		p->have |= HAVE_BRK;
}

int procfs_read_mappings(struct process *p, pid_t pid, struct error *err)
{
	enum { LIMIT = 1 << 30 };
	char name[PROC_NAME_SIZE];
	struct line l;
	size_t len;

	proc_name(name, pid, "maps");
	char *text = read_file(&p->arena, name, LIMIT, &len, err);

	if (!text)
		return proc_error(err, err->code, pid, "maps");
	while (text && *text) {
		text = split_line(text, &l);
		if (strlen(l.flags) < 4 || l.end <= l.start)
			return error_set(err, 0, "%s: a line is not understood", name);
		if (take_line(p, pid, &l, err) < 0)
			return -1;
	}
	take_brk(p);
	p->have |= HAVE_MAPPING_FLAGS;
	return procfs_read_segments(p, err);
}
