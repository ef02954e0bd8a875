/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Synchronous: a program that checkpoints itself where it is best, and goes back to it.  It guesses
 * a number, and where the guess was bad it is again as it was before it.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libckpt/ckpt.h"

int main(void)
{
	struct ckptconfig config;
	int sum = 0;

	ckpt_config(NULL, &config);
	config.continues = 1;
	ckpt_config(&config, NULL);
	for (int i = 1; i <= 10; i++)
		sum += i;
	printf("the sum is %d\n", sum);
	fflush(stdout);
	switch (ckpt_ckpt("./synchronous.ckpt")) {
	case 0:
		sum = -1;
		puts("now it is spoilt, so back to the checkpoint");
		fflush(stdout);
		ckpt_restart("./synchronous.ckpt");
		perror("synchronous.ckpt");
		return 1;
	case 1:
		printf("after the restart the sum is %d\n", sum);
		return 0;
	default:
		return 1;
	}
}
