/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Hooks: a program that does not want its notes in the checkpoint.  It closes them before a
 * checkpoint, and opens them again where the work goes on, which may be on another machine.
 *
 *	$ hooks          Ctrl-Z, then: hooks.ckpt
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "libckpt/ckpt.h"

static int notes = -1;

/*
 * Hooks may run in a signal handler: open(), write() and close() are allowed there, stdio is not.
 */
static void open_notes(void *greeting)
{
	const char *text = greeting;

	notes = open("hooks.notes", O_WRONLY | O_CREAT | O_APPEND, 0666);
	for (; notes >= 0 && *text; text++)
		if (write(notes, text, 1) != 1)
			return;
}

static void close_notes(void *unused)
{
	(void)unused;
	close(notes);
	notes = -1;
}

int main(void)
{
	ckpt_on_preckpt(close_notes, NULL);
	ckpt_on_postckpt(open_notes, (char *)"checkpointed\n");
	ckpt_on_restart(open_notes, (char *)"restarted\n");
	open_notes((char *)"started\n");
	for (int i = 1;; i++) {
		printf("%d\n", i);
		fflush(stdout);
		sleep(1);
	}
}
