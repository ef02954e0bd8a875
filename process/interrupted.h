/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The system call that a signal handler of ours interrupted.  Async-signal-safe, errno untouched.
 */
#ifndef PROCESS_INTERRUPTED_H
#define PROCESS_INTERRUPTED_H

#include <stdbool.h>
#include <ucontext.h>

/*
 * A call that waits returned -EINTR because of the handler that was given CONTEXT: changes the
 * context so that the call is issued again when the handler returns.  Returns whether it was so.
 */
bool interrupted_call_resume(ucontext_t *context);

#endif
