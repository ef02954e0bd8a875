/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From the model to the notes of a core, byte for byte as the kernel's elf_core_dump() lays them
 * out.  What the model does not know (times, nice value, pending signals) is left zero.
 */
#define _GNU_SOURCE
#include "elf/notes_make.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "process/arch.h"

static void put32(char *desc, size_t offset, uint32_t value)
{
	memcpy(desc + offset, &value, sizeof value);
}

static bool give(struct note *n, const void *desc, size_t size)
{
	n->desc = desc;
	n->size = size;
	return desc;
}

/* ---- Of a thread ------------------------------------------------------------------------ */

bool make_prstatus(struct note_source *from, const struct thread *t, struct note *n)
{
	const struct process *p = from->p;
	const struct arch *arch = p->arch;
	char *desc = memset(from->scratch, 0, arch->prstatus_size);
	uint16_t signal = (uint16_t)t->signal;

	put32(desc, 0, signal);  /* pr_info.si_signo */
	memcpy(desc + arch->prstatus_signal, &signal, sizeof signal);
	memcpy(desc + arch->prstatus_blocked, &t->blocked, sizeof t->blocked);
	put32(desc, arch->prstatus_pid, (uint32_t)t->tid);
	put32(desc, arch->prstatus_pid + 4, (uint32_t)p->ppid);
	put32(desc, arch->prstatus_pid + 8, (uint32_t)p->pgrp);
	put32(desc, arch->prstatus_pid + 12, (uint32_t)p->sid);
	memcpy(desc + arch->prstatus_regs, thread_regset(t, NT_PRSTATUS)->data,
	       arch->general_size);
	/* pr_fpvalid: whether a note NT_FPREGSET follows. */
	put32(desc, arch->prstatus_regs + arch->general_size, !!thread_regset(t, NT_FPREGSET));
	return give(n, desc, arch->prstatus_size);
}

bool make_siginfo(struct note_source *from, const struct thread *t, struct note *n)
{
	(void)from;
	return give(n, t->siginfo, 128);
}

/* ---- Of the process --------------------------------------------------------------------- */

bool make_prpsinfo(struct note_source *from, const struct thread *t, struct note *n)
{
	const struct process *p = from->p;
	const struct arch *arch = p->arch;
	char *desc = memset(from->scratch, 0, arch->prpsinfo_size);
	char *args = desc + arch->prpsinfo_args;
	size_t room = arch->prpsinfo_size - arch->prpsinfo_args - 1, len;

	(void)t;
	desc[1] = 'R';  /* pr_sname */
	put32(desc, arch->prpsinfo_uid, p->uid);
	put32(desc, arch->prpsinfo_uid + 4, p->gid);
	put32(desc, arch->prpsinfo_pid, (uint32_t)p->pid);
	put32(desc, arch->prpsinfo_pid + 4, (uint32_t)p->ppid);
	put32(desc, arch->prpsinfo_pid + 8, (uint32_t)p->pgrp);
	put32(desc, arch->prpsinfo_pid + 12, (uint32_t)p->sid);
	memcpy(desc + arch->prpsinfo_comm, p->comm, sizeof p->comm);
	if (p->command_line) {
		len = strnlen(p->command_line, room);
		memcpy(args, p->command_line, len);
		if (len < room)
			args[len] = ' ';  /* where the last NUL was */
	}
	return give(n, desc, arch->prpsinfo_size);
}

bool make_auxv(struct note_source *from, const struct thread *t, struct note *n)
{
	(void)t;
	return give(n, from->p->auxv, from->p->auxv_size);
}

bool make_xsave_layout(struct note_source *from, const struct thread *t, struct note *n)
{
	(void)t;
	return give(n, from->p->xsave_layout, from->p->xsave_layout_size);
}

bool make_file(struct note_source *from, const struct thread *t, struct note *n)
{
	(void)t;
	return give(n, from->files, from->files_size);
}

/* ---- Ours ------------------------------------------------------------------------------- */

bool make_state(struct note_source *from, const struct thread *t, struct note *n)
{
	(void)t;
	return give(n, from->state, from->state_size);
}

bool make_machine(struct note_source *from, const struct thread *t, struct note *n)
{
	(void)t;
	return give(n, from->machine, from->machine ? strlen(from->machine) : 0);
}

bool make_checksums(struct note_source *from, const struct thread *t, struct note *n)
{
	(void)t;
	return give(n, &from->checksums, sizeof from->checksums);
}

/* ---- NT_FILE ---------------------------------------------------------------------------- */

/*
 * Whether B goes on where A ends as one mapping of the kernel: the model splits it where the place
 * of the bytes changes.
 */
static bool goes_on(const struct mapping *a, const struct mapping *b)
{
	return a->end == b->start && a->prot == b->prot && a->shared == b->shared &&
	       a->deleted == b->deleted && a->file_offset + (a->end - a->start) == b->file_offset &&
	       strcmp(a->path, b->path) == 0;
}

/* The next kernel mapping of a file at or behind *I, as FIRST to LAST; moves *I behind it. */
static bool next_range(const struct process *p, size_t *i, const struct mapping **first,
		       const struct mapping **last)
{
	const struct mapping *m = p->mappings;
	size_t at = *i;

	while (at < p->mapping_count && !m[at].path)
		at++;
	if (at >= p->mapping_count)
		return false;
	*first = &m[at];
	while (at + 1 < p->mapping_count && m[at + 1].path && goes_on(&m[at], &m[at + 1]))
		at++;
	*last = &m[at];
	*i = at + 1;
	return true;
}

/* The kernel marks what a path has lost; what is no path, as "anon_inode:[x]", needs no mark. */
static const char *mark_of(const struct mapping *m)
{
	return m->deleted && m->path[0] == '/' ? " (deleted)" : "";
}

/* count, page_size, count * (start, end, offset / page_size), count strings */
static int prepare_files(struct note_source *from, struct error *err)
{
	const struct process *p = from->p;
	const struct mapping *first, *last;
	size_t count = 0, size = 2 * sizeof(uint64_t);

	for (size_t i = 0; next_range(p, &i, &first, &last); count++)
		size += 3 * sizeof(uint64_t) + strlen(first->path) + strlen(mark_of(first)) + 1;
	if (!count)
		return 0;
	from->files = malloc(size);
	if (!from->files)
		return error_sys(err, ENOMEM, "%s", p->source);
	from->files_size = size;

	uint64_t *word = from->files;
	char *path = (char *)(word + 2 + 3 * count);

	*word++ = count;
	*word++ = p->arch->page_size;
	for (size_t i = 0; next_range(p, &i, &first, &last);) {
		*word++ = first->start;
		*word++ = last->end;
		*word++ = first->file_offset / p->arch->page_size;
		path = stpcpy(stpcpy(path, first->path), mark_of(first)) + 1;
	}
	return 0;
}

/* ---- The whole -------------------------------------------------------------------------- */

static int check_thread(const struct process *p, const struct thread *t, struct error *err)
{
	const struct regset *general = thread_regset(t, NT_PRSTATUS);

	if (!general || general->size != p->arch->general_size)
		return error_set(err, EINVAL, "%s: the registers of thread %d are not known",
				 p->source, t->tid);
	return 0;
}

int notes_prepare(struct note_source *from, struct error *err)
{
	const struct process *p = from->p;

	if (p->arch->elf_class != ELFCLASS64 ||
	    p->arch->prstatus_size > sizeof from->scratch ||
	    p->arch->prpsinfo_size > sizeof from->scratch)
		return error_set(err, ENOTSUP, "%s: cores of architecture %s cannot be written",
				 p->source, p->arch->name);
	if (!p->thread_count)
		return error_set(err, EINVAL, "%s: has no thread", p->source);
	for (size_t i = 0; i < p->thread_count; i++)
		if (check_thread(p, &p->threads[i], err) < 0)
			return -1;
	return prepare_files(from, err);
}

/* The notes of the table that stand among those of thread T, or behind all threads for NULL. */
static int make_kinds(struct note_source *from, const struct thread *t, bool first,
		      note_taker *take, void *context, struct error *err)
{
	for (size_t i = 0; i < note_kind_count; i++) {
		const struct note_kind *k = &note_kinds[i];
		struct note n = { k->owner, strlen(k->owner) + 1, k->type, NULL, 0 };
		bool here = t ? k->place == NOTE_OF_THREAD || (first && k->place == NOTE_OF_PROCESS)
			      : k->place == NOTE_AT_END;

		if (here && k->make(from, t, &n) && take(context, &n, err) < 0)
			return -1;
	}
	return 0;
}

static int make_registers(const struct process *p, const struct thread *t, note_taker *take,
			  void *context, struct error *err)
{
	for (size_t i = 0; i < p->arch->regset_count; i++) {
		const struct arch_regset *kind = &p->arch->regsets[i];
		const struct regset *r = thread_regset(t, kind->type);

		/* The general ones stand in the note NT_PRSTATUS. */
		if (!r || kind->type == NT_PRSTATUS)
			continue;
		struct note n = { kind->owner, strlen(kind->owner) + 1, kind->type, r->data,
				  r->size };

		if (take(context, &n, err) < 0)
			return -1;
	}
	return 0;
}

int notes_make(struct note_source *from, note_taker *take, void *context, struct error *err)
{
	const struct process *p = from->p;

	for (size_t i = 0; i < p->thread_count; i++) {
		const struct thread *t = &p->threads[i];

		if (make_kinds(from, t, i == 0, take, context, err) < 0 ||
		    make_registers(p, t, take, context, err) < 0)
			return -1;
	}
	return make_kinds(from, NULL, false, take, context, err);
}
