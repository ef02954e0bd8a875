/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Prints the configuration with which it starts; with an argument,
 * changes it to the name `changed', SIGUSR2 and no continuing, and
 * prints it again.  Then waits until there is a file `go'.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libckpt/ckpt.h"

static void print(const struct ckptconfig *c)
{
	printf("%s %u %u %u %u\n", c->name, c->asyncsig, c->continues, c->msperiod, c->keep);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct ckptconfig config, old;

	(void)argv;
	ckpt_config(NULL, &config);
	print(&config);
	if (argc > 1) {
		strcpy(config.name, "changed");
		config.asyncsig = SIGUSR2;
		config.continues = 0;
		ckpt_config(&config, &old);
		print(&old);
		memset(&config, 'x', sizeof config);  /* it was copied */
		ckpt_config(NULL, &config);
		print(&config);
	}
	while (access("go", F_OK) < 0)
		usleep(10000);
	printf("end\n");
	return 0;
}
