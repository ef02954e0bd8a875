/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Takes a checkpoint in the file of its first argument by ckpt_ckpt(), or without one waits for
 * the checkpoint signal until there is a file `go'.  Prints a word for each hook as it is called,
 * and what ckpt_ckpt() returned.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libckpt/ckpt.h"

static void say(void *word)
{
	/* In a handler stdio is forbidden. */
	if (write(1, word, strlen(word)) < 0)
		_exit(9);
}

int main(int argc, char **argv)
{
	ckpt_on_preckpt(say, "pre1\n");
	ckpt_on_preckpt(say, "pre2\n");
	ckpt_on_postckpt(say, "post1\n");
	ckpt_on_postckpt(say, "post2\n");
	ckpt_on_restart(say, "restart1\n");
	ckpt_on_restart(say, "restart2\n");
	say("ready\n");
	if (argc > 1) {
		dprintf(1, "returned %d\n", ckpt_ckpt(argv[1]));
		return 0;
	}
	while (access("go", F_OK) < 0)
		usleep(10000);
	say("end\n");
	return 0;
}
