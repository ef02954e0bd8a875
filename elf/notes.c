/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "elf/notes.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "elf/notes_make.h"
#include "process/arch.h"
#include "util/cleanup.h"

/* ---- The form of a note ----------------------------------------------------------------- */

static size_t padded(size_t n, size_t align)
{
	return (n + align - 1) & ~(align - 1);
}

int note_next(const void *notes, size_t size, size_t align, size_t *at, struct note *n)
{
	const char *base = notes;
	Elf64_Nhdr head;  /* the same in both classes */
	size_t left = size - *at;

	if (left == 0)
		return 0;
	if (left < sizeof head)
		return -1;
	memcpy(&head, base + *at, sizeof head);
	left -= sizeof head;
	if (padded(head.n_namesz, align) > left)
		return -1;
	left -= padded(head.n_namesz, align);
	if (head.n_descsz > left)
		return -1;
	*n = (struct note){
		.owner = base + *at + sizeof head,
		.owner_size = head.n_namesz,
		.type = head.n_type,
		.desc = base + *at + sizeof head + padded(head.n_namesz, align),
		.size = head.n_descsz,
	};
	/* The padding behind the last descriptor may be missing. */
	left -= padded(head.n_descsz, align) < left ? padded(head.n_descsz, align) : left;
	*at = size - left;
	return 1;
}

bool note_is(const struct note *n, const char *owner, uint32_t type)
{
	size_t len = strlen(owner);

	/* Some writers do not count the NUL. */
	return n->type == type && (n->owner_size == len || n->owner_size == len + 1) &&
	       memcmp(n->owner, owner, n->owner_size) == 0;
}

/* ---- What each note fills --------------------------------------------------------------- */

static int no_memory(struct core_notes *to, struct error *err)
{
	return error_sys(err, ENOMEM, "%s", to->p->source);
}

static int damaged(struct core_notes *to, const char *what, struct error *err)
{
	return error_set(err, EINVAL, "%s: damaged: %s; dump the process again", to->p->source,
			 what);
}

/* Copies a descriptor into the arena, which aligns it. */
static int keep(struct core_notes *to, const struct note *n, const void **data, struct error *err)
{
	char *copy = arena_strndup(&to->p->arena, n->desc, n->size);

	if (!copy)
		return no_memory(to, err);
	*data = copy;
	return 0;
}

static uint32_t word32(const struct note *n, size_t offset)
{
	uint32_t value;

	memcpy(&value, (const char *)n->desc + offset, sizeof value);
	return value;
}

/* The thread whose notes we are among, or NULL before the first. */
static struct thread *current(struct core_notes *to)
{
	struct process *p = to->p;

	return p->thread_count ? &p->threads[p->thread_count - 1] : NULL;
}

static int add_regset(struct core_notes *to, uint32_t type, const void *data, size_t size,
		      struct error *err)
{
	struct thread *t = current(to);

	if (!t)
		return damaged(to, "registers of no thread", err);
	if (thread_regset(t, type) || t->regset_count == THREAD_REGSETS)
		return damaged(to, "a thread has the same registers twice", err);

	void *copy = arena_strndup(&to->p->arena, data, size);

	if (!copy)
		return no_memory(to, err);
	t->regsets[t->regset_count++] = (struct regset){
		.type = type, .size = (uint32_t)size, .data = copy,
	};
	return 0;
}

static int fill_prstatus(struct core_notes *to, const struct note *n, struct error *err)
{
	const struct arch *arch = to->p->arch;
	const char *desc = n->desc;
	uint16_t signal;

	if (n->size < arch->prstatus_size)
		return damaged(to, "a note NT_PRSTATUS is too short", err);

	struct thread *t = process_add_thread(to->p);

	if (!t)
		return no_memory(to, err);
	t->tid = (pid_t)word32(n, arch->prstatus_pid);
	memcpy(&signal, desc + arch->prstatus_signal, sizeof signal);
	t->signal = signal;
	/* pr_sighold is a long: 8 bytes, or in a 32-bit core the first 4. */
	memcpy(&t->blocked, desc + arch->prstatus_blocked, arch->elf_class == ELFCLASS64 ? 8 : 4);
	return add_regset(to, NT_PRSTATUS, desc + arch->prstatus_regs, arch->general_size, err);
}

static int fill_prpsinfo(struct core_notes *to, const struct note *n, struct error *err)
{
	const struct arch *arch = to->p->arch;
	const char *desc = n->desc;
	struct process *p = to->p;

	if (n->size < arch->prpsinfo_size)
		return damaged(to, "the note NT_PRPSINFO is too short", err);
	p->uid = word32(n, arch->prpsinfo_uid);
	p->gid = word32(n, arch->prpsinfo_uid + 4);
	p->pid = (pid_t)word32(n, arch->prpsinfo_pid);
	p->ppid = (pid_t)word32(n, arch->prpsinfo_pid + 4);
	p->pgrp = (pid_t)word32(n, arch->prpsinfo_pid + 8);
	p->sid = (pid_t)word32(n, arch->prpsinfo_pid + 12);
	memcpy(p->comm, desc + arch->prpsinfo_comm, sizeof p->comm - 1);

	/* The kernel ends the arguments with a blank, where the last NUL was. */
	const char *args = desc + arch->prpsinfo_args;
	size_t len = strnlen(args, arch->prpsinfo_size - arch->prpsinfo_args);

	while (len && args[len - 1] == ' ')
		len--;
	p->command_line = len ? arena_strndup(&p->arena, args, len) : NULL;
	to->has_psinfo = true;
	return len && !p->command_line ? no_memory(to, err) : 0;
}

static int fill_siginfo(struct core_notes *to, const struct note *n, struct error *err)
{
	struct thread *t = current(to);

	if (!t)
		return damaged(to, "a note NT_SIGINFO of no thread", err);
	return keep(to, n, &t->siginfo, err);
}

static int fill_auxv(struct core_notes *to, const struct note *n, struct error *err)
{
	size_t pair = to->p->arch->elf_class == ELFCLASS64 ? 16 : 8;

	to->p->auxv_size = n->size / pair * pair;
	return keep(to, n, &to->p->auxv, err);
}

static int fill_xsave_layout(struct core_notes *to, const struct note *n, struct error *err)
{
	to->p->xsave_layout_size = n->size;
	return keep(to, n, &to->p->xsave_layout, err);
}

static int fill_state(struct core_notes *to, const struct note *n, struct error *err)
{
	const void *text = NULL;

	if (keep(to, n, &text, err) < 0)
		return -1;
	to->ours = true;
	to->state = text;
	to->state_size = strnlen(text, n->size);
	return 0;
}

static int fill_machine(struct core_notes *to, const struct note *n, struct error *err)
{
	const void *text = NULL;

	if (keep(to, n, &text, err) < 0)
		return -1;
	to->ours = true;
	to->machine = text;
	return 0;
}

static int fill_checksums(struct core_notes *to, const struct note *n, struct error *err)
{
	to->ours = true;
	memcpy(&to->checksums, n->desc, sizeof to->checksums);
	if (to->checksums.version == 0)
		return damaged(to, "its checksums have no version", err);
	return 0;
}

/* ---- NT_FILE: count, page_size, count * (start, end, offset / page_size), count strings - */

static uint64_t word(const struct core_notes *to, const struct note *n, size_t index)
{
	uint64_t value = 0;
	size_t size = to->p->arch->elf_class == ELFCLASS64 ? 8 : 4;

	memcpy(&value, (const char *)n->desc + index * size, size);
	return value;
}

static bool ends_with(const char *text, size_t len, const char *end)
{
	return len >= strlen(end) && memcmp(text + len - strlen(end), end, strlen(end)) == 0;
}

/* Takes over a path as the kernel prints it. */
static int fill_path(struct core_notes *to, struct file_range *f, const char *path, size_t len,
		     struct error *err)
{
	static const char mark[] = " (deleted)";

	/* What has no '/' in front is no path: "anon_inode:[io_uring]", "(unreachable)/...". */
	f->deleted = path[0] != '/';
	if (ends_with(path, len, mark)) {
		f->deleted = true;
		len -= strlen(mark);
	}
	f->path = arena_strndup(&to->p->arena, path, len);
	return f->path ? 0 : no_memory(to, err);
}

/* Fills *F; false when its numbers cannot be true. */
static bool fill_range(struct core_notes *to, const struct note *n, size_t i, struct file_range *f)
{
	const struct arch *arch = to->p->arch;
	uint64_t page = arch->page_size;

	f->start = word(to, n, 2 + 3 * i);
	f->end = word(to, n, 3 + 3 * i);
	return f->start < f->end && f->end <= arch->address_limit && f->start % page == 0 &&
	       f->end % page == 0 &&
	       !__builtin_mul_overflow(word(to, n, 4 + 3 * i), to->file_unit, &f->offset) &&
	       f->offset % page == 0 && f->offset <= INT64_MAX - (f->end - f->start);
}

static int fill_file(struct core_notes *to, const struct note *n, struct error *err)
{
	struct process *p = to->p;
	size_t size = p->arch->elf_class == ELFCLASS64 ? 8 : 4;
	uint64_t count = word(to, n, 0);

	if (to->file_unit)
		return damaged(to, "it has two notes NT_FILE", err);
	to->file_unit = word(to, n, 1);
	if (count > (n->size - 2 * size) / (3 * size) || to->file_unit == 0)
		return damaged(to, "the counts of its note NT_FILE cannot be true", err);

	const char *path = (const char *)n->desc + (2 + 3 * count) * size;
	const char *end = (const char *)n->desc + n->size;

	to->files = arena_alloc(&p->arena, count * sizeof *to->files);
	if (!to->files)
		return no_memory(to, err);
	for (uint64_t i = 0; i < count; i++) {
		struct file_range *f = &to->files[to->file_count];
		size_t len = strnlen(path, (size_t)(end - path));

		if (path + len == end)
			return damaged(to, "a path in its note NT_FILE has no end", err);
		if (!fill_range(to, n, i, f))
			return damaged(to, "a range in its note NT_FILE cannot be true", err);
		if (fill_path(to, f, path, len, err) < 0)
			return -1;
		path += len + 1;
		to->file_count++;
	}
	return 0;
}

/* ---- The table -------------------------------------------------------------------------- */

#define OURS NOTE_OWNER_OURS

const struct note_kind note_kinds[] = {
	{ "CORE", NT_PRSTATUS, "NT_PRSTATUS", NOTE_OF_THREAD, 0, fill_prstatus, make_prstatus },
	{ "CORE", NT_PRPSINFO, "NT_PRPSINFO", NOTE_OF_PROCESS, 0, fill_prpsinfo, make_prpsinfo },
	{ "CORE", NT_SIGINFO, "NT_SIGINFO", NOTE_OF_THREAD, 128, fill_siginfo, make_siginfo },
	{ "CORE", NT_AUXV, "NT_AUXV", NOTE_OF_PROCESS, 0, fill_auxv, make_auxv },
	{ "CORE", NT_FILE, "NT_FILE", NOTE_OF_PROCESS, 16, fill_file, make_file },
	{ "LINUX", NOTE_XSAVE_LAYOUT, "NT_X86_XSAVE_LAYOUT", NOTE_AT_END, 0, fill_xsave_layout,
	  make_xsave_layout },
	{ OURS, NOTE_STATE, "state", NOTE_AT_END, 0, fill_state, make_state },
	{ OURS, NOTE_CHECKSUMS, "checksums", NOTE_AT_END, sizeof(struct note_checksums),
	  fill_checksums, make_checksums },
	{ OURS, NOTE_MACHINE, "machine", NOTE_AT_END, 0, fill_machine, make_machine },
};

const size_t note_kind_count = sizeof note_kinds / sizeof note_kinds[0];

static int too_short(struct core_notes *to, const struct note *n, const char *name, size_t want,
		     struct error *err)
{
	return error_set(err, EINVAL, "%s: damaged: a note %s has %zu bytes, at least %zu are "
			 "needed; dump the process again", to->p->source, name, n->size, want);
}

int note_fill(struct core_notes *to, const struct note *n, struct error *err)
{
	const struct arch *arch = to->p->arch;

	for (size_t i = 0; i < note_kind_count; i++) {
		const struct note_kind *k = &note_kinds[i];

		if (!note_is(n, k->owner, k->type))
			continue;
		if (n->size < k->size_min)
			return too_short(to, n, k->name, k->size_min, err);
		return k->fill(to, n, err);
	}
	for (size_t i = 0; i < arch->regset_count; i++) {
		const struct arch_regset *r = &arch->regsets[i];

		if (!note_is(n, r->owner, r->type))
			continue;
		if (n->size < r->size_min)
			return too_short(to, n, r->name, r->size_min, err);
		return add_regset(to, r->type, n->desc, n->size, err);
	}
	return 0;
}

/* ---- The whole -------------------------------------------------------------------------- */

static int by_start(const void *a, const void *b)
{
	const struct file_range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static int finish_files(struct core_notes *to, struct error *err)
{
	if (!to->file_count)
		return 0;
	qsort(to->files, to->file_count, sizeof *to->files, by_start);
	for (size_t i = 1; i < to->file_count; i++)
		if (to->files[i].start < to->files[i - 1].end)
			return damaged(to, "ranges in its note NT_FILE overlap", err);
	return 0;
}

static int by_number(const void *a, const void *b)
{
	const pid_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static int check_ids(struct core_notes *to, struct error *err)
{
	struct process *p = to->p;
	cleanup_free pid_t *ids = malloc(p->thread_count * sizeof *ids);

	if (!ids)
		return no_memory(to, err);
	for (size_t i = 0; i < p->thread_count; i++)
		ids[i] = p->threads[i].tid;
	qsort(ids, p->thread_count, sizeof *ids, by_number);
	if (ids[0] <= 0)
		return damaged(to, "a thread has no id", err);
	for (size_t i = 1; i < p->thread_count; i++)
		if (ids[i] == ids[i - 1])
			return damaged(to, "two threads have the same id", err);
	return 0;
}

/* The kernel begins with the thread that took the signal, gdb with any. */
static void leader_first(struct process *p)
{
	for (size_t i = 1; i < p->thread_count; i++) {
		if (p->threads[i].tid != p->pid)
			continue;
		struct thread leader = p->threads[i];

		memmove(&p->threads[1], &p->threads[0], i * sizeof leader);
		p->threads[0] = leader;
		return;
	}
}

int notes_finish(struct core_notes *to, struct error *err)
{
	struct process *p = to->p;

	if (!p->thread_count)
		return damaged(to, "it holds no thread (no note NT_PRSTATUS)", err);
	if (check_ids(to, err) < 0 || finish_files(to, err) < 0)
		return -1;
	if (!to->has_psinfo || p->pid <= 0)
		p->pid = p->threads[0].tid;
	leader_first(p);
	return 0;
}

/* ---- Writing ---------------------------------------------------------------------------- */

/* A note's name and descriptor are padded to 4 bytes, as the kernel does. */
enum { ALIGN = 4 };

uint64_t note_stored_size(const struct note *n)
{
	return sizeof(Elf64_Nhdr) + padded(n->owner_size, ALIGN) + padded(n->size, ALIGN);
}

int note_put(const struct note *n,
	     int (*put)(void *context, const void *bytes, size_t size, struct error *err),
	     void *context, struct error *err)
{
	static const char zeros[ALIGN];
	Elf64_Nhdr head = {
		.n_namesz = (uint32_t)n->owner_size,
		.n_descsz = (uint32_t)n->size,
		.n_type = n->type,
	};

	if (put(context, &head, sizeof head, err) < 0 ||
	    put(context, n->owner, n->owner_size, err) < 0 ||
	    put(context, zeros, padded(n->owner_size, ALIGN) - n->owner_size, err) < 0 ||
	    put(context, n->desc, n->size, err) < 0)
		return -1;
	return put(context, zeros, padded(n->size, ALIGN) - n->size, err);
}
