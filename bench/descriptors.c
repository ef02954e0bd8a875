/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* descriptors KIND COUNT: has so many descriptors, says so, and waits. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

static int one_more(const char *kind, const char *file)
{
	int ends[2];

	if (strcmp(kind, "files") == 0)
		return open(file, O_RDONLY);
	if (strcmp(kind, "eventfds") == 0)
		return eventfd(1, 0);
	if (strcmp(kind, "duplicates") == 0)
		return dup(0);
	return pipe(ends) < 0 || write(ends[1], "x", 1) != 1 ? -1 : ends[1];
}

int main(int argc, char **argv)
{
	int last = 0, count = argc == 3 ? atoi(argv[2]) : 0;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 1;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 1;
	while (last >= 0 && last + 1 < count)
		last = one_more(argv[1], argv[0]);
	if (last < 0) {
		perror("descriptors");
		return 1;
	}
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
