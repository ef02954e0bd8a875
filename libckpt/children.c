/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Children of the program are checkpointed too, each into a file of its own.  One that fork()
 * makes has the agent in its memory; one that executes another program gets the library by
 * LD_PRELOAD.  By CKPT_OWNER, the id of the process that the name is for, it sees that it is a
 * child.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "libckpt/agent.h"
#include "libckpt/environment.h"
#include "util/format.h"

extern char **environ;

static void in_child(void)
{
	checkpoint_forget();
	settings_name_child();
	period_start();
}

void children_follow(void)
{
	if (pthread_atfork(NULL, NULL, in_child) != 0)
		complain("children made by fork() are not checkpointed: not enough memory");
}

static bool library_is_gone;

bool children_library_is_gone(void)
{
	return library_is_gone;
}

/* Spaces separate as well as colons do. */
void children_drop_library(char *variable)
{
	char *list = variable + sizeof PRELOAD_VARIABLE - 1;

	for (char *entry = list; *(entry += strspn(entry, ": "));) {
		size_t len = strcspn(entry, ": ");
		char after = entry[len];

		entry[len] = '\0';
		const char *slash = strrchr(entry, '/');
		if (slash && strncmp(slash + 1, "libckpt", 7) == 0 && access(entry, R_OK) < 0) {
			memset(entry, ' ', len);
			library_is_gone = true;
		}
		entry[len] = after;
		entry += len;
	}
}

void children_mend_environment(void)
{
	library_is_gone = false;
	for (char **e = environ; e && *e; e++) {
		if (strncmp(*e, PRELOAD_VARIABLE, sizeof PRELOAD_VARIABLE - 1) == 0)
			children_drop_library(*e);
		if (strncmp(*e, OWNER_VARIABLE "=", sizeof OWNER_VARIABLE) == 0 &&
		    strlen(*e) == OWNER_LENGTH)
			format(*e, OWNER_LENGTH + 1, OWNER_FORMAT, getpid());
	}
}
