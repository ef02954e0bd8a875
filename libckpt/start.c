/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The constructor. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "libckpt/agent.h"
#include "libckpt/environment.h"
#include "util/format.h"

extern char **environ;

/* Tells children that they are such. */
static void be_owner(void)
{
	static char owner[OWNER_LENGTH + 1];

	format(owner, sizeof owner, OWNER_FORMAT, getpid());
	if (putenv(owner) != 0)
		complain("children cannot be told from their parent: not enough memory");
}

__attribute__((constructor)) static void start(void)
{
	exec_follow();
	/* In a set-uid program whoever starts it must not decide what is written where. */
	if (getauxval(AT_SECURE))
		return;
	agent_begin();
	if (!environment_read(environ))
		be_owner();
	run_hooks = hooks_run;
	has_hooks = hooks_are_there;
	mend_restarted = children_mend_environment;
	children_follow();
	terminal_remember();
	handler_install();
	period_start();
}
