/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The reading half of the table in notes.c: each puts what its note says where it belongs.
 */
#ifndef ELF_NOTES_FILL_H
#define ELF_NOTES_FILL_H

#include "elf/notes.h"

MUST_CHECK int fill_prstatus(struct core_notes *to, const struct note *n, struct error *err);
MUST_CHECK int fill_prpsinfo(struct core_notes *to, const struct note *n, struct error *err);
MUST_CHECK int fill_siginfo(struct core_notes *to, const struct note *n, struct error *err);
MUST_CHECK int fill_auxv(struct core_notes *to, const struct note *n, struct error *err);
MUST_CHECK int fill_xsave_layout(struct core_notes *to, const struct note *n, struct error *err);
MUST_CHECK int fill_state(struct core_notes *to, const struct note *n, struct error *err);
MUST_CHECK int fill_machine(struct core_notes *to, const struct note *n, struct error *err);
MUST_CHECK int fill_checksums(struct core_notes *to, const struct note *n, struct error *err);

/* notes_file.c: NT_FILE; the second sorts its ranges, when all notes are read. */
MUST_CHECK int fill_file(struct core_notes *to, const struct note *n, struct error *err);
MUST_CHECK int notes_finish_files(struct core_notes *to, struct error *err);

/* Registers of the thread whose notes are being read. */
MUST_CHECK int notes_add_regset(struct core_notes *to, uint32_t type, const void *data, size_t size,
				struct error *err);

/* The messages that they share; both return -1. */
int notes_no_memory(struct core_notes *to, struct error *err);
int notes_damaged(struct core_notes *to, const char *what, struct error *err);

#endif
