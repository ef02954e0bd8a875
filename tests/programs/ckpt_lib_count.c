/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Knows nothing of checkpoints.  Counts in lines from 1 on, each written at once, until it finds a
 * file `go'; then prints its argument and its environment variable WORD, and ends with status 7.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	for (int i = 1; access("go", F_OK) < 0; i++) {
		char line[16];
		int len = snprintf(line, sizeof line, "%d\n", i);

		if (write(1, line, (size_t)len) != len)
			return 1;
		usleep(20000);
	}
	printf("%s %s\n", argc > 1 ? argv[1] : "-", getenv("WORD") ? getenv("WORD") : "-");
	return 7;
}
