/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Findings: what stands in the way of a restart, and what will be lost by it, collected before
 * anything is started so that the user sees all of it at once.
 */
#ifndef RESTART_FINDINGS_H
#define RESTART_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "util/error.h"

enum severity {
	OBSTACLE,  /* the restart is refused */
	LOSS,      /* the process goes on without it */
	REMARK,    /* worth knowing */
};

struct finding {
	enum severity severity;
	bool acceptable;  /* by --accept-loss */
	char text[ERROR_MESSAGE_SIZE];
};

struct findings {
	bool accept_loss;  /* what may be lost is a LOSS and not an OBSTACLE */
	size_t count, capacity;
	struct finding *list;
	bool out_of_memory;
};

/* Adds a line; what is no printable character of it becomes a question mark. */
void findings_add(struct findings *f, enum severity severity, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Adds a line for state that can only come back changed: an obstacle whose text ends in the remedy
 * `--accept-loss`, or a loss when that was given.  FMT says what happens to the state then.
 */
void findings_add_loss(struct findings *f, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

size_t findings_count(const struct findings *f, enum severity severity);
void findings_free(struct findings *f);

#endif
