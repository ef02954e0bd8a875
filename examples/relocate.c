// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Appends numbered lines to FILE.  Between checkpoint and restart the file moves; the restart is
 * told so by editing filedescriptors, which is plain text.
 *
 *	relocate FILE LINES [SECONDS]
 *
 *	$ LD_PRELOAD=../lib/libsavefds.so ./relocate /tmp/journal 100
 *	^\Quit (core dumped)
 *	$ mv /tmp/journal /var/tmp/
 *	$ sed -i 's,/tmp/journal,/var/tmp/journal,' filedescriptors
 *	$ restart -f -n -w relocate core
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	double seconds = argc > 3 ? atof(argv[3]) : 1;
	int fd;

	if (argc < 3) {
		fprintf(stderr, "usage: relocate FILE LINES [SECONDS]\n");
		return 2;
	}
	fd = open(argv[1], O_WRONLY | O_CREAT | O_APPEND, 0666);
	if (fd < 0) {
		perror(argv[1]);
		return 1;
	}
	for (int line = 1; line <= atoi(argv[2]); line++) {
		if (dprintf(fd, "line %d\n", line) < 0)
			return 1;
		usleep((useconds_t)(seconds * 1e6));
	}
	return 0;
}
