/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The library that is preloaded into a program, part by part:
 *
 *   settings.c   which signals are watched and where the text goes, from the environment
 *   interpose.c  sigaction() and signal(), so that our handler stays where the program has none
 *   handler.c    the handler, and the stack it works on
 *   freeze.c     stops the other threads from the text until the core
 *   text.c       reads our own process and writes the text
 *   pending.c    reads the signals that wait
 *
 * The library is a guest: it never ends its host, never writes to standard output, keeps errno, and
 * costs nothing until a watched signal comes.  All that runs in the handler is async-signal-safe.
 *
 * Memory outlives the process: what the core holds of this library is found again after a restart,
 * by the same handler.  So no state may say "in use" when the handler returns.
 */
#ifndef LIBSAVEFDS_LIBRARY_H
#define LIBSAVEFDS_LIBRARY_H

#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "process/process.h"
#include "process/remembered.h"
#include "util/error.h"

/* ---- settings.c ---- */

/* Reads the environment, once.  Until then nothing is watched. */
void settings_read(void);

/* Whether SIGNO is one of the signals at which the text is written. */
bool settings_watch(int signo);

/* Whether the handler also takes the place of SIG_IGN. */
bool settings_force(void);

/* The name of the text file, with %p replaced by the caller's process id. */
void settings_file(char path[PATH_MAX]);

/* ---- interpose.c ---- */

/* The C library's sigaction(), past our own; a handler that it installs is remembered. */
MUST_CHECK int real_sigaction(int signo, const struct sigaction *act, struct sigaction *old);

/* ---- handler.c ---- */

void handle_signal(int signo, siginfo_t *info, void *context);

/* How the handler is installed. */
struct sigaction handler_action(void);

/* ---- freeze.c ---- */

/* Stops all other threads of the process until it dies.  Does nothing where that is not allowed. */
void freeze_others(void);

/* Whether the process has a child on account of that. */
bool freeze_has_helper(void);

/* The text is written, the signal that ends the process is on its way: called last. */
void freeze_until_core(void);

/* ---- pending.c ---- */

/* Takes the signals that wait, which P has by their numbers: see there. */
MUST_CHECK int pending_take(struct process *p, pid_t self, struct error *err);

/* ---- text.c ---- */

/*
 * Writes the state of our own process to the file PATH.  ALTSTACK is that of the calling thread, as
 * it is outside of the handler.  DYING: nobody needs the signals that wait any more.
 */
MUST_CHECK int text_write(const char *path, const stack_t *altstack, bool dying, struct error *err);

/* Writes "libsavefds: MESSAGE" and a newline to standard error. */
void complain(const char *message);

#endif
