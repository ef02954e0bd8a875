/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writing the state text.  This runs in the signal handler of a process about to die: no malloc, no
 * stdio, nothing but util/ and its own stack.
 */
#define _GNU_SOURCE
#include "process/statelog.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "process/names.h"
#include "process/statelog_words.h"
#include "util/format.h"
#include "util/io.h"
#include "util/replace.h"

/* Text on its way to a descriptor.  The first failure is kept and ends the writing. */
struct out {
	int fd;
	int failure;  /* errno */
	size_t used;
	char buf[4096];
};

static void flush(struct out *o)
{
	if (!o->failure && write_full(o->fd, o->buf, o->used) != 0)
		o->failure = errno;
	o->used = 0;
}

static void put(struct out *o, const char *text, size_t len)
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
			flush(o);
	}
}

/* For short pieces: never for names, which may have any length. */
__attribute__((format(printf, 2, 3))) static void print(struct out *o, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	size_t len = vformat(text, sizeof text, fmt, args);
	va_end(args);
	put(o, text, len < sizeof text ? len : sizeof text - 1);
}

static void put_escaped(struct out *o, unsigned char c)
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

static void put_name(struct out *o, const char *name)
{
	for (size_t i = 0; name[i]; i++) {
		if (must_escape(name, i))
			put_escaped(o, (unsigned char)name[i]);
		else
			put(o, name + i, 1);
	}
}

/* A name that would be taken for one of our words: escaping one character makes it a name. */
static void put_name_not_word(struct out *o, const char *name)
{
	put_escaped(o, (unsigned char)name[0]);
	put_name(o, name + 1);
}

/* ---- Identity, threads ----------------------------------------------------------------------- */

static void put_header(struct out *o, const struct process *p)
{
	print(o, "# The state that a core file leaves out: see filedescriptors(5).\n"
		 "# It may be edited: where a file has moved, write its new path on its line.\n");
	if (p->pid)
		print(o, "pid : %d : %d : %d : %d\n", p->pid, p->ppid, p->pgrp, p->sid);
}

static void put_name_line(struct out *o, const char *keyword, const char *name)
{
	if (!name || !*name)
		return;
	print(o, "%s : ", keyword);
	put_name(o, name);
	print(o, "\n");
}

static void put_threads(struct out *o, const struct process *p)
{
	for (size_t i = 0; i < p->thread_count; i++) {
		const struct thread *t = &p->threads[i];

		print(o, "thread : %d", t->tid);
		if (*t->name) {
			print(o, " : ");
			put_name(o, t->name);
		}
		print(o, "\n");
	}
}

/* ---- Files ----------------------------------------------------------------------------------- */

static enum file_kind kind_of(const char *name)
{
	uint64_t id;

	return statelog_kind(name, strlen(name), &id);
}

static void put_file_name(struct out *o, const struct description *d)
{
	const char *name = d->name && *d->name ? d->name : "unknown";

	/* A path that the source could not tell must not become a path of that name. */
	switch (d->kind == FILE_PATH && name != d->name ? FILE_OTHER : d->kind) {
	case FILE_PATH:
		if (kind_of(name) == FILE_PATH)
			put_name(o, name);
		else
			put_name_not_word(o, name);
		break;
	case FILE_TERMINAL:
		put_name(o, kind_of(name) == FILE_TERMINAL ? name : "/dev/tty");
		break;
	case FILE_PIPE: print(o, "pipe:[%lu]", (unsigned long)d->pipe_id); break;
	case FILE_SOCKET: print(o, "socket:[%lu]", (unsigned long)d->pipe_id); break;
	case FILE_EVENTFD: print(o, "eventfd"); break;
	case FILE_EPOLL: print(o, "epoll"); break;
	case FILE_OTHER:
		if (kind_of(name) != FILE_OTHER)
			print(o, "anon_inode:");
		put_name(o, name);
		break;
	}
}

/* The flags field: empty when there is nothing to say. */
static void put_file_flags(struct out *o, const struct descriptor *fd,
			   const struct description *d)
{
	char flags[400];
	const char *joint = "";

	if (d->flags_known) {
		open_flags_write(flags, sizeof flags, d->flags & ~(uint32_t)O_CLOEXEC);
		print(o, "%s", flags);
		joint = "|";
	}
	if (fd->close_on_exec) {
		print(o, "%sO_CLOEXEC", joint);
		joint = "|";
	}
	if (d->kind == FILE_EVENTFD && d->semaphore) {
		print(o, "%sEFD_SEMAPHORE", joint);
		joint = "|";
	}
	if (d->hung_up) {
		print(o, "%shung-up", joint);
		joint = "|";
	}
	if (d->deleted)
		print(o, "%sdeleted", joint);
}

static void put_epoll_watches(struct out *o, int fd, const struct description *d)
{
	for (size_t i = 0; i < d->watch_count; i++)
		print(o, "epoll-watch : %d : %d : %#x : %#lx\n", fd, d->watches[i].fd,
		      d->watches[i].events, (unsigned long)d->watches[i].data);
}

/* What is in the pipe, in lines that a person can still look at. */
static void put_pipe_data(struct out *o, int fd, const struct description *d)
{
	enum { BYTES_PER_LINE = 64 };

	for (size_t i = 0; i < d->queued_size; i++) {
		uint8_t c = d->queued[i];

		if (i % BYTES_PER_LINE == 0)
			print(o, "%spipe-data : %d : ", i ? "\n" : "", fd);
		if (c <= ' ' || c >= 0x7f || c == '\\' || c == '#' || c == ':')
			put_escaped(o, c);
		else
			put(o, (const char *)&c, 1);
	}
	if (d->queued_size)
		print(o, "\n");
}

static void put_descriptor(struct out *o, const struct descriptor *fd,
			   const struct description *d, int owner)
{
	print(o, "%d : ", fd->fd);
	put_file_name(o, d);
	print(o, " : %lu", (unsigned long)(d->kind == FILE_EVENTFD ? d->count : d->offset));
	if (d->flags_known || fd->close_on_exec || d->semaphore || d->deleted || d->hung_up ||
	    owner != fd->fd) {
		print(o, " : ");
		put_file_flags(o, fd, d);
	}
	if (owner != fd->fd)
		print(o, " : dup %d", owner);
	print(o, "\n");
	if (owner != fd->fd)
		return;
	put_epoll_watches(o, fd->fd, d);
	put_pipe_data(o, fd->fd, d);
}

/*
 * The first descriptor of each description defines it and the others are its dups.  Who was first
 * is kept in one array, so that many descriptors take linear time.
 */
static int put_descriptors(struct out *o, const struct process *p, struct error *err)
{
	struct arena a = { 0 };
	int *owners = arena_alloc(&a, p->description_count * sizeof *owners);

	if (!owners)
		return error_sys(err, errno, "cannot write the descriptors");
	memset(owners, 0xff, p->description_count * sizeof *owners);
	if (!p->descriptor_count)
		print(o, "descriptors : none\n");
	else
		print(o, "# descriptor : file : offset : flags\n");
	for (size_t i = 0; i < p->descriptor_count; i++) {
		const struct descriptor *fd = &p->descriptors[i];
		int *owner = &owners[fd->description];

		if (*owner < 0)
			*owner = fd->fd;
		put_descriptor(o, fd, &p->descriptions[fd->description], *owner);
	}
	arena_free(&a);
	return 0;
}

static void put_places(struct out *o, const struct process *p)
{
	if (p->have & HAVE_CWD)
		put_name_line(o, "cwd", p->cwd);
	if (p->have & HAVE_ROOT)
		put_name_line(o, "root", p->root);
	if (p->have & HAVE_UMASK)
		print(o, "umask : %03o\n", p->umask);
}

/* ---- Signals, limits ------------------------------------------------------------------------- */

static void put_disposition(struct out *o, int signo, const struct disposition *d)
{
	static const char *const words[] = {
		[DISPOSITION_DEFAULT] = "default",
		[DISPOSITION_IGNORE] = "ignore",
		[DISPOSITION_CAUGHT] = "caught",
	};
	char name[16], flags[200];

	if (d->kind == DISPOSITION_DEFAULT && !d->flags && !d->mask && !d->restorer)
		return;
	signal_name_write(name, sizeof name, signo);
	print(o, "sigaction : %s : ", name);
	if (d->kind == DISPOSITION_HANDLER)
		print(o, "%#lx", (unsigned long)d->handler);
	else
		print(o, "%s", words[d->kind]);
	if (d->kind == DISPOSITION_HANDLER || d->flags || d->mask || d->restorer) {
		sigaction_flags_write(flags, sizeof flags, d->flags);
		print(o, " : %s : %#lx : %#lx", flags, (unsigned long)d->mask,
		      (unsigned long)d->restorer);
	}
	print(o, "\n");
}

static void put_dispositions(struct out *o, const struct process *p)
{
	print(o, "# every signal that is not listed has its default\n"
		 "sigaction : * : default\n");
	for (int signo = 1; signo < SIGNALS; signo++)
		put_disposition(o, signo, &p->dispositions[signo]);
}

static void put_altstacks(struct out *o, const struct process *p)
{
	char flags[100];

	for (size_t i = 0; i < p->thread_count; i++) {
		const struct thread *t = &p->threads[i];

		if (!t->altstack.known)
			continue;
		altstack_flags_write(flags, sizeof flags, t->altstack.flags);
		print(o, "sigaltstack : %d : %#lx : %lu : %s\n", t->tid,
		      (unsigned long)t->altstack.sp, (unsigned long)t->altstack.size, flags);
	}
}

static void put_limit_value(struct out *o, uint64_t value)
{
	if (value == UINT64_MAX)
		print(o, " : unlimited");
	else
		print(o, " : %lu", (unsigned long)value);
}

static void put_limits(struct out *o, const struct process *p)
{
	for (int i = 0; i < LIMITS; i++) {
		if (!p->limits[i].known)
			continue;
		print(o, "rlimit : %s", limit_name(i));
		put_limit_value(o, p->limits[i].soft);
		put_limit_value(o, p->limits[i].hard);
		print(o, "\n");
	}
}

/* ---- Memory ---------------------------------------------------------------------------------- */

static addr_t mm_value(const struct mm_fields *mm, size_t offset)
{
	addr_t value;

	memcpy(&value, (const char *)mm + offset, sizeof value);
	return value;
}

static void put_mm(struct out *o, const struct mm_fields *mm)
{
	print(o, "mm");
	for (size_t i = 0; i < STATELOG_MM_FIELDS; i++) {
		const struct statelog_mm_field *f = &statelog_mm_fields[i];

		print(o, " : %s %lx", f->word, (unsigned long)mm_value(mm, f->start));
		if (f->end != SIZE_MAX)
			print(o, "-%lx", (unsigned long)mm_value(mm, f->end));
	}
	print(o, "\n");
}

static void put_mapping(struct out *o, const struct mapping *m)
{
	const char *label = statelog_label_word(m->label);

	print(o, "map : %lx-%lx : %c%c%c%c%s : %#lx", (unsigned long)m->start,
	      (unsigned long)m->end, m->prot & PROT_READ ? 'r' : '-',
	      m->prot & PROT_WRITE ? 'w' : '-', m->prot & PROT_EXEC ? 'x' : '-',
	      m->shared ? 's' : 'p', m->grows_down ? "g" : "", (unsigned long)m->file_offset);
	if (label) {
		print(o, " : %s", label);
	} else if (m->path && *m->path) {
		print(o, " : ");
		if (m->path[0] == '[')
			put_name_not_word(o, m->path);
		else
			put_name(o, m->path);
		if (m->deleted)
			print(o, " : deleted");
	}
	print(o, "\n");
}

static void put_memory(struct out *o, const struct process *p)
{
	if (p->have & HAVE_BRK)
		print(o, "brk : %#lx : %#lx\n", (unsigned long)p->start_brk,
		      (unsigned long)p->brk);
	if (p->have & HAVE_MM)
		put_mm(o, &p->mm);
	if (!(p->have & HAVE_MAPPING_FLAGS))
		return;
	print(o, "# map : range : protection : offset in the file : file\n");
	/* The vsyscall page is the kernel's, above every address a process can map. */
	for (size_t i = 0; i < p->mapping_count; i++)
		if (p->mappings[i].label != LABEL_VSYSCALL)
			put_mapping(o, &p->mappings[i]);
}

int statelog_write(const struct process *p, int fd, struct error *err)
{
	struct out o;

	/* The buffer needs no clearing, and this may be a small stack. */
	o.fd = fd;
	o.failure = 0;
	o.used = 0;
	put_header(&o, p);
	put_name_line(&o, "exe", p->exe);
	put_name_line(&o, "comm", p->comm);
	put_places(&o, p);
	if (p->have & HAVE_DESCRIPTORS && put_descriptors(&o, p, err) != 0)
		return -1;
	if (p->have & HAVE_DISPOSITIONS)
		put_dispositions(&o, p);
	put_threads(&o, p);
	put_altstacks(&o, p);
	if (p->have & HAVE_LIMITS)
		put_limits(&o, p);
	put_memory(&o, p);
	flush(&o);
	return o.failure ? error_sys(err, o.failure, "cannot write the state text") : 0;
}

int statelog_save(const struct process *p, const char *path, struct error *err)
{
	struct replacement r;

	if (replacement_begin(&r, path, 0600, err) < 0)
		return -1;
	if (statelog_write(p, r.fd, err) < 0) {
		replacement_abandon(&r);
		return error_prefix(err, "%s", path);
	}
	return replacement_commit(&r, err);
}
