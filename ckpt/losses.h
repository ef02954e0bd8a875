/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What would be lost if the process ended now and was restarted: known before anything is written.
 */
#ifndef CKPT_LOSSES_H
#define CKPT_LOSSES_H

#include "process/process.h"

/*
 * The first thing that a restart of P, whose text is STATE, would refuse to go on without, as
 * restart says it.  Empty when there is nothing, or when it cannot be told: then restart will say.
 */
void losses_find(const struct process *p, const char *state, size_t state_size,
		 char line[ERROR_MESSAGE_SIZE]);

#endif
