/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Process group and session.  They are not made again: their other members are not there.  What
 * counts is whom the process reaches by kill(0, ...), and which terminal controls it.
 *
 * A process that a terminal controlled stays in restart's session and group, so that restart's
 * terminal controls it: Ctrl-C, Ctrl-Z and reading work.  One that none controlled and that led its
 * session, or its group, leads one again.  Without -w it leads a session in any case (launch).
 */
#ifndef RESTART_SESSION_H
#define RESTART_SESSION_H

#include "restart/restore.h"

/* Whether, with -w, what restart's terminal sends does not reach the process by itself. */
bool session_is_apart(const struct restore *r);

/* The operations, with -w.  A terminal that the leader of a session opens would control it. */
void plan_session(const struct restore *r, struct plan *plan);

#endif
