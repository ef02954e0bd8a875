/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Handlers that libsavefds remembers in the memory of its host, where a core shows them.
 *
 * /proc tells from outside only which signals are caught.  So when a program that runs with
 * libsavefds installs a handler, the library notes it in a table that it exports under the name
 * REMEMBERED_SYMBOL; restart reads the table from the core and
 * completes with it what the text calls `caught`.  Entries are never
 * taken back: whether a handler is still installed, the text says.
 *
 * A change of the layout changes REMEMBERED_VERSION.
 */
#ifndef PROCESS_REMEMBERED_H
#define PROCESS_REMEMBERED_H

#include <stdint.h>

#define REMEMBERED_SYMBOL "savefds_remembered"

enum { REMEMBERED_VERSION = 1, REMEMBERED_SIGNALS = 65 };

/*
 * A signal action as the kernel has it (struct kernel_sigaction of include/linux/signal_types.h).
 */
struct kernel_sigaction {
	uint64_t handler;  /* 0: none was ever installed */
	uint64_t flags;
	uint64_t restorer;
	uint64_t mask;
};

struct remembered {
	uint32_t version;
	uint32_t unused;
	struct kernel_sigaction actions[REMEMBERED_SIGNALS];  /* by signal number */
};

#endif
