/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ends after the restart as the argument says: `N' with exit status N, `-N' by signal N,
 * `signals' when it has printed the number of the signal it got.
 */
#include <string.h>

#include "tests/programs/restart_victim.h"

int main(int argc, char **argv)
{
	int how = argc > 1 ? atoi(argv[1]) : 0, got;
	sigset_t set;

	sigfillset(&set);
	sigdelset(&set, SIGQUIT);
	sigprocmask(SIG_BLOCK, &set, NULL);

	checkpoint();

	if (argc > 1 && strcmp(argv[1], "signals") == 0) {
		dprintf(1, "waiting\n");
		sigdelset(&set, SIGCONT);
		if (sigwait(&set, &got) == 0)
			dprintf(1, "signal %d\n", got);
		return 3;
	}
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	if (how < 0)
		kill(getpid(), -how);
	return how;
}
