/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The writing half of the table in notes.c: each sets n->desc and n->size, or returns false.
 */
#ifndef ELF_NOTES_MAKE_H
#define ELF_NOTES_MAKE_H

#include "elf/notes.h"

bool make_prstatus(struct note_source *from, const struct thread *t, struct note *n);
bool make_prpsinfo(struct note_source *from, const struct thread *t, struct note *n);
bool make_siginfo(struct note_source *from, const struct thread *t, struct note *n);
bool make_auxv(struct note_source *from, const struct thread *t, struct note *n);
bool make_file(struct note_source *from, const struct thread *t, struct note *n);
bool make_xsave_layout(struct note_source *from, const struct thread *t, struct note *n);
bool make_state(struct note_source *from, const struct thread *t, struct note *n);
bool make_checksums(struct note_source *from, const struct thread *t, struct note *n);
bool make_machine(struct note_source *from, const struct thread *t, struct note *n);

#endif
