/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "restart/session.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "restart/terminals.h"
#include "util/cleanup.h"

enum place { WITH_RESTART, OWN_GROUP, OWN_SESSION };

static bool have_terminal(void)
{
	cleanup_fd int fd = open("/dev/tty", O_RDONLY | O_CLOEXEC | O_NOCTTY);

	return fd >= 0;
}

/*
 * A group of its own in a session that has a terminal would be one in the background there, and
 * would be stopped as it reads: so it gets a session.
 */
static enum place choose_place(const struct restore *r)
{
	const struct process *p = r->process;
	bool terminal = have_terminal();
	int64_t controlled;

	/* Not known: a core without a text. */
	if (!process_attribute(p, NULL, ATTRIBUTE_TERMINAL, &controlled) || controlled)
		return WITH_RESTART;
	/* Whoever started this very process has it in a job, and waits for it there. */
	if (r->options->become && terminal)
		return WITH_RESTART;
	if (p->pid == p->sid || (p->pid == p->pgrp && terminal))
		return OWN_SESSION;
	return p->pid == p->pgrp ? OWN_GROUP : WITH_RESTART;
}

bool session_is_apart(const struct restore *r)
{
	return r->options->wait && (has_own_controlling(r) || choose_place(r) != WITH_RESTART);
}

void plan_session(const struct restore *r, struct plan *plan)
{
	/* The one that was started may lead a group already. */
	unsigned flags = r->options->become ? OP_MAY_FAIL : 0;

	if ((!r->options->wait && !r->options->become) || has_own_controlling(r))
		return;
	switch (choose_place(r)) {
	case WITH_RESTART:
		return;
	case OWN_GROUP:
		plan_syscall(plan, flags, SYS_setpgid, 0, 0);
		return;
	case OWN_SESSION:
		plan_syscall(plan, flags, SYS_setsid, 0);
	}
}
