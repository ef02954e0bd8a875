/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the process does not want in its checkpoint: see ckpt_exclude_fd() in libckpt/ckpt.h. */
#ifndef CKPT_LEAVE_OUT_H
#define CKPT_LEAVE_OUT_H

#include "ckpt/range.h"
#include "process/process.h"

struct leave_out {
	size_t fd_count, range_count;
	int *fds;
	struct range *ranges;
};

/*
 * Options: the number of a descriptor; START-END, hexadecimal.  Returns false when it is neither.
 */
MUST_CHECK bool leave_out_fd(struct leave_out *l, const char *text);
MUST_CHECK bool leave_out_memory(struct leave_out *l, const char *text);
void leave_out_free(struct leave_out *l);

/*
 * Takes from P the descriptors, and makes the whole pages in the ranges zeros, wherever their bytes
 * were.
 */
MUST_CHECK int leave_out(struct process *p, const struct leave_out *l, struct error *err);

#endif
