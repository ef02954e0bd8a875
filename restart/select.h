/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* restart -s: asking for each memory region. */
#ifndef RESTART_SELECT_H
#define RESTART_SELECT_H

#include "process/process.h"

/* Removes from the model the mappings that the user does not want.  -1 when the input ends. */
MUST_CHECK int select_mappings(struct process *p, struct error *err);

#endif
