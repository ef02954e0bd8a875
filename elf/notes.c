/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "elf/notes.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#include "elf/notes_fill.h"
#include "elf/notes_make.h"
#include "process/arch.h"

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
		return notes_add_regset(to, r->type, n->desc, n->size, err);
	}
	return 0;
}
