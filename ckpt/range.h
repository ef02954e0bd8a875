/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A range of addresses of the process. */
#ifndef CKPT_RANGE_H
#define CKPT_RANGE_H

#include "process/process.h"

struct range {
	addr_t start, end;
};

/* Reads START-END, hexadecimal.  Returns false when TEXT is anything else. */
MUST_CHECK bool parse_range(struct range *range, const char *text);

#endif
