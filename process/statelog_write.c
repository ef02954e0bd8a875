/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing the state text: its parts, in order. */
#define _GNU_SOURCE
#include "process/statelog.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "process/names.h"
#include "process/statelog_out.h"
#include "process/statelog_words.h"
#include "util/replace.h"

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

static void put_places(struct out *o, const struct process *p)
{
	if (p->have & HAVE_CWD)
		put_name_line(o, "cwd", p->cwd);
	if (p->have & HAVE_ROOT)
		put_name_line(o, "root", p->root);
	if (p->have & HAVE_UMASK)
		print(o, "umask : %03o\n", p->umask);
	if (p->children)
		print(o, "children : %u\n", p->children);
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

	out_begin(&o, fd);
	put_header(&o, p);
	put_name_line(&o, "exe", p->exe);
	put_name_line(&o, "comm", p->comm);
	put_places(&o, p);
	if (p->have & HAVE_DESCRIPTORS && put_descriptors(&o, p, err) != 0)
		return -1;
	put_nameless_files(&o, p);
	if (p->have & HAVE_DISPOSITIONS)
		put_dispositions(&o, p);
	put_threads(&o, p);
	put_altstacks(&o, p);
	if (p->have & HAVE_LIMITS)
		put_limits(&o, p);
	put_pending(&o, p);
	put_timers(&o, p);
	put_credentials(&o, p);
	put_attributes(&o, p);
	put_memory(&o, p);
	put_views(&o, p);
	put_traits(&o, p);
	out_flush(&o);
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
