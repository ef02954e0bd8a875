/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "restart/shells.h"

#include <asm/termbits.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "restart/ids.h"
#include "restart/launch.h"
#include "restart/terminals.h"

static bool is_shell(const struct restore *r)
{
	const struct process *p = r->process;
	int64_t controlled = 0;

	return r->foreground && !has_own_controlling(r) && p->pid == p->pgrp &&
	       p->have & HAVE_DESCRIPTORS && p->have & HAVE_DISPOSITIONS &&
	       p->dispositions[SIGTTOU].kind == DISPOSITION_IGNORE &&
	       process_attribute(p, NULL, ATTRIBUTE_TERMINAL, &controlled) && controlled;
}

bool shell_leads(const struct restore *r)
{
	return r->options->wait && r->keep_ids && is_shell(r);
}

static bool will_have_old_id(const struct restore *r)
{
	pid_t taken;

	if (r->options->become)
		return getpid() == r->process->pid;
	return r->options->pid == PID_KEEP || r->options->pid == PID_NAMESPACE ||
	       (r->options->pid == PID_AUTO && ids_permitted() &&
		ids_free(r->process, 0, &taken));
}

void check_shell(const struct restore *r, struct findings *f)
{
	if ((r->options->wait || r->options->become) && is_shell(r) && !will_have_old_id(r))
		findings_add(f, LOSS, "a shell that gets another process id cannot take the "
			     "terminal back from the programs that it runs, and will end then "
			     "(%suse restart -w --pid=ns)",
			     r->options->become ? "" : "be root, or ");
}

void plan_shell(const struct restore *r, struct plan *plan)
{
	if (!shell_leads(r))
		return;
	plan_syscall(plan, 0, SYS_setpgid, 0, 0);
	plan_syscall(plan, 0, SYS_ioctl, r->fd_base + LENT_TERMINAL, TIOCSPGRP,
		     plan_data(plan, &r->process->pid, sizeof r->process->pid));
	plan_note(plan, "the shell is in the foreground");
}
