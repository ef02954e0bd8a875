/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The program of the README's quick example: prints integers, one each second.  It knows nothing of
 * checkpoints.
 *
 *	$ ckpt foo
 *	1
 *	2
 *	^Z
 *	$ ./foo.ckpt
 *	3
 */
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	for (int i = 1;; i++) {
		printf("%d\n", i);
		fflush(stdout);
		sleep(1);
	}
}
