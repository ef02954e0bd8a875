/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "elf/notes_fill.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "process/arch.h"
#include "util/cleanup.h"

int notes_no_memory(struct core_notes *to, struct error *err)
{
	return error_sys(err, ENOMEM, "%s", to->p->source);
}

int notes_damaged(struct core_notes *to, const char *what, struct error *err)
{
	return error_set(err, EINVAL, "%s: damaged: %s; dump the process again", to->p->source,
			 what);
}

/* Copies a descriptor into the arena, which aligns it. */
static int keep(struct core_notes *to, const struct note *n, const void **data, struct error *err)
{
	char *copy = arena_strndup(&to->p->arena, n->desc, n->size);

	if (!copy)
		return notes_no_memory(to, err);
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

int notes_add_regset(struct core_notes *to, uint32_t type, const void *data, size_t size,
		     struct error *err)
{
	struct thread *t = current(to);

	if (!t)
		return notes_damaged(to, "registers of no thread", err);
	if (thread_regset(t, type) || t->regset_count == THREAD_REGSETS)
		return notes_damaged(to, "a thread has the same registers twice", err);

	void *copy = arena_strndup(&to->p->arena, data, size);

	if (!copy)
		return notes_no_memory(to, err);
	t->regsets[t->regset_count++] = (struct regset){
		.type = type, .size = (uint32_t)size, .data = copy,
	};
	return 0;
}

int fill_prstatus(struct core_notes *to, const struct note *n, struct error *err)
{
	const struct arch *arch = to->p->arch;
	const char *desc = n->desc;
	uint16_t signal;

	if (n->size < arch->prstatus_size)
		return notes_damaged(to, "a note NT_PRSTATUS is too short", err);

	struct thread *t = process_add_thread(to->p);

	if (!t)
		return notes_no_memory(to, err);
	t->tid = (pid_t)word32(n, arch->prstatus_pid);
	memcpy(&signal, desc + arch->prstatus_signal, sizeof signal);
	t->signal = signal;
	/* pr_sighold is a long: 8 bytes, or in a 32-bit core the first 4. */
	memcpy(&t->blocked, desc + arch->prstatus_blocked, arch->elf_class == ELFCLASS64 ? 8 : 4);
	return notes_add_regset(to, NT_PRSTATUS, desc + arch->prstatus_regs, arch->general_size,
				err);
}

int fill_prpsinfo(struct core_notes *to, const struct note *n, struct error *err)
{
	const struct arch *arch = to->p->arch;
	const char *desc = n->desc;
	struct process *p = to->p;

	if (n->size < arch->prpsinfo_size)
		return notes_damaged(to, "the note NT_PRPSINFO is too short", err);
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
	return len && !p->command_line ? notes_no_memory(to, err) : 0;
}

int fill_siginfo(struct core_notes *to, const struct note *n, struct error *err)
{
	struct thread *t = current(to);

	if (!t)
		return notes_damaged(to, "a note NT_SIGINFO of no thread", err);
	return keep(to, n, &t->siginfo, err);
}

int fill_auxv(struct core_notes *to, const struct note *n, struct error *err)
{
	size_t pair = to->p->arch->elf_class == ELFCLASS64 ? 16 : 8;

	to->p->auxv_size = n->size / pair * pair;
	return keep(to, n, &to->p->auxv, err);
}

int fill_xsave_layout(struct core_notes *to, const struct note *n, struct error *err)
{
	to->p->xsave_layout_size = n->size;
	return keep(to, n, &to->p->xsave_layout, err);
}

int fill_state(struct core_notes *to, const struct note *n, struct error *err)
{
	const void *text = NULL;

	if (keep(to, n, &text, err) < 0)
		return -1;
	to->ours = true;
	to->state = text;
	to->state_size = strnlen(text, n->size);
	return 0;
}

int fill_machine(struct core_notes *to, const struct note *n, struct error *err)
{
	const void *text = NULL;

	if (keep(to, n, &text, err) < 0)
		return -1;
	to->ours = true;
	to->machine = text;
	return 0;
}

int fill_checksums(struct core_notes *to, const struct note *n, struct error *err)
{
	to->ours = true;
	memcpy(&to->checksums, n->desc, sizeof to->checksums);
	if (to->checksums.version == 0)
		return notes_damaged(to, "its checksums have no version", err);
	return 0;
}

/* ---- When all are read ------------------------------------------------------------------ */

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
		return notes_no_memory(to, err);
	for (size_t i = 0; i < p->thread_count; i++)
		ids[i] = p->threads[i].tid;
	qsort(ids, p->thread_count, sizeof *ids, by_number);
	if (ids[0] <= 0)
		return notes_damaged(to, "a thread has no id", err);
	for (size_t i = 1; i < p->thread_count; i++)
		if (ids[i] == ids[i - 1])
			return notes_damaged(to, "two threads have the same id", err);
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
		return notes_damaged(to, "it holds no thread (no note NT_PRSTATUS)", err);
	if (check_ids(to, err) < 0 || notes_finish_files(to, err) < 0)
		return -1;
	if (!to->has_psinfo || p->pid <= 0)
		p->pid = p->threads[0].tid;
	leader_first(p);
	return 0;
}
