/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Terminals.  A pseudo-terminal whose master is in the process is made anew, with both of its ends;
 * any other terminal is restart's own now, which gets the modes of the old one where the program
 * was in its foreground and restart is, too.
 */
#ifndef RESTART_TERMINALS_H
#define RESTART_TERMINALS_H

#include "restart/plan_files.h"

/* Fills R->terminals, by description, and finds out whether restart is in the foreground. */
MUST_CHECK int index_terminals(struct restore *r, struct error *err);

/* Whether the description is an end of such a pseudo-terminal, or /dev/tty where that controls. */
bool is_own_terminal(const struct restore *r, size_t description);

/* Whether such a one controls the process, which then has a session of its own. */
bool has_own_controlling(const struct restore *r);

/* What is lost of the terminal with this lowest descriptor. */
void check_terminal(const struct restore *r, struct findings *f, const struct descriptor *d);

/*
 * Whether it can read from restart's own terminal: without --wait, beside the shell, as a process
 * in a session of its own is not stopped for that (SIGTTIN).
 */
bool shares_terminal(const struct restore *r);

/* Makes the pseudo-terminals, before the other files. */
void plan_terminals(const struct restore *r, struct plan *plan);

/* Sets the modes of restart's own terminal, when all else is done. */
void plan_terminal_modes(const struct restore *r, struct plan *plan);

/*
 * Whether the program drew the screen of what is restart's own terminal now: it is in raw mode.
 * Once such a program runs, redraw_screen() has it draw again, by signals of the kernel; it takes
 * 0.2 s.
 */
bool draws_screen(const struct restore *r);
void redraw_screen(const struct restore *r);

#endif
