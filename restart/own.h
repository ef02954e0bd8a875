/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What restart itself has, and the new process would inherit: what is equal need not be restored,
 * and what restart may not do is known before anything is started.
 */
#ifndef RESTART_OWN_H
#define RESTART_OWN_H

#include "process/process.h"

/* Of restart, as a model with one thread; read once.  What could not be read is not known. */
const struct process *own_process(void);

bool own_has_capability(int cap);

/*
 * Whether thread T of P (NULL: P as a whole) had another value, which is put into *VALUE, than
 * restart has and the new process will inherit.
 */
bool own_differs(const struct process *p, const struct thread *t, enum attribute which,
		 int64_t *value);

#endif
