/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The whole restore on one screen. */
#include "restart/restore.h"
#include "restart/session.h"

int restore_plan(const struct restore *r, struct plan *plan, struct error *err)
{
	plan_init(plan, r->area);
	plan->traced = r->finish == FINISH_TRACED;

	plan_limits(r, plan);       /* the stack's limit must hold when the stack is mapped */
	plan_clear(r, plan);        /* nothing is left but the bootstrap and the parked vdso */
	if (plan_memory(r, plan, err) < 0 ||
	    plan_vdso(r, plan, err) < 0 ||
	    plan_mm(r, plan, err) < 0)
		return -1;
	/* Nothing but memory has been touched so far, which is the process's own. */
	if (verified_meanwhile(r))
		plan_add(plan, OP_PAUSE, 0);
	plan_deadlines(r, plan);
	plan_attributes(r, plan);
	plan_files(r, plan);
	plan_session(r, plan);      /* no terminal that was opened is to control it */
	plan_state(r, plan);        /* signals, directory, umask */
	plan_tcp_resume(r, plan);
	if (plan_threads(r, plan, err) < 0)  /* ends the list of every thread */
		return -1;
	plan_helpers(plan);
	return 0;
}
