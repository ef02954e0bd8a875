/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The text form of the state that a core file leaves out: the file `filedescriptors`, documented in
 * doc/filedescriptors.5.  This is the only parser and the only writer of it.
 */
#ifndef PROCESS_STATELOG_H
#define PROCESS_STATELOG_H

#include "process/process.h"

/*
 * Writes the state of P as text to descriptor FD.  Async-signal-safe.  FD is written from its
 * current position and not closed.
 */
MUST_CHECK int statelog_write(const struct process *p, int fd, struct error *err);

/* The same into the file PATH, mode 0600, which is replaced whole (util/replace.h). */
MUST_CHECK int statelog_save(const struct process *p, const char *path, struct error *err);

/* Told of a line that was understood but may not be what was meant (an unknown keyword). */
typedef void statelog_warning(void *context, const char *message);

/*
 * Fills the empty model P from the LEN bytes of TEXT.  NAME is the file's name for messages, which
 * are "NAME:LINE:COLUMN: what is wrong".  P copies what it keeps.  WARN may be NULL.
 */
MUST_CHECK int statelog_parse(struct process *p, const char *name, const char *text, size_t len,
			      statelog_warning *warn, void *context, struct error *err);

/* As statelog_parse(), for the file PATH. */
MUST_CHECK int statelog_read(struct process *p, const char *path, statelog_warning *warn,
			     void *context, struct error *err);

#endif
