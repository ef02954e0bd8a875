/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the parser and the writer of the state text share, so that they cannot drift apart: the
 * words that stand for something else than a path.  Only statelog*.c include it.
 */
#ifndef PROCESS_STATELOG_WORDS_H
#define PROCESS_STATELOG_WORDS_H

#include "process/process.h"

/*
 * The kind of open file that the LEN bytes at NAME stand for in a descriptor line: what is neither
 * a terminal's path nor one of the kernel's words for a file without a path is FILE_PATH.  *ID is
 * the number in `pipe:[123]` and `socket:[123]`, else 0.
 *
 * The parser asks before it resolves escapes, so a file that has such a name is written with its
 * first character escaped.
 */
enum file_kind statelog_kind(const char *name, size_t len, uint64_t *id);

/* The word that stands for an open file of KIND (`epoll`); NULL when there is none, or a name. */
const char *statelog_kind_word(enum file_kind kind);

/* The word for LABEL in a map line (`[heap]`); NULL when it has none. */
const char *statelog_label_word(enum label label);

/* The label that the LEN bytes at WORD stand for; LABEL_NONE when they are no such word. */
enum label statelog_label(const char *word, size_t len);

/* The fields of an mm line, in the order in which they are written. */
struct statelog_mm_field {
	const char *word;
	size_t start;  /* offset into struct mm_fields */
	size_t end;    /* the same, or SIZE_MAX for a single address */
};

enum { STATELOG_MM_FIELDS = 5 };
extern const struct statelog_mm_field statelog_mm_fields[STATELOG_MM_FIELDS];

#endif
