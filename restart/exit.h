/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Exit statuses of restart's own, as env(1) and timeout(1) have them. */
#ifndef RESTART_EXIT_H
#define RESTART_EXIT_H

enum {
	EXIT_FAILED = 125,      /* restart failed */
	EXIT_CANNOT_RUN = 126,  /* the program cannot be executed */
	EXIT_NOT_FOUND = 127,   /* the program was not found */
	EXIT_SIGNAL = 128,      /* plus the signal that ended the program */
};

#endif
