/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the victims of restart.bats share.  A victim sets up its state, calls checkpoint(), and
 * CHECKs that the state is still what it was; it prints `ok' and exits with 0 when all of it is.
 */
#ifndef RESTART_VICTIM_H
#define RESTART_VICTIM_H

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CHECK(condition) \
	((condition) ? (void)0 : (dprintf(2, "%s:%d: not true: %s\n", __FILE__, __LINE__, \
					  #condition), _exit(1)))

/*
 * Dumps core of its own accord; the restarted process comes back from here.  With WAIT set it only
 * says that it is ready and waits for a byte, so that others can dump it.
 */
static inline void checkpoint(void)
{
	char byte;

	if (getenv("WAIT")) {
		CHECK(write(1, "ready\n", 6) == 6 && read(0, &byte, 1) == 1);
	} else {
		kill(getpid(), SIGQUIT);
	}
}

/*
 * The same from a thread other than the leader, whom the signal goes to: this one would run on
 * for a while before the dump.  It goes on when the process has another id: restart with
 * --pid=new.
 */
static inline void checkpoint_from_thread(void)
{
	pid_t before = getpid();

	checkpoint();
	while (getpid() == before)
		;
}

#endif
