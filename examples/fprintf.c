// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Prints the numbers 1 to COUNT into FILE, one every two seconds.  The C library keeps them in its
 * buffer for a long time: a checkpoint holds the buffer (in the core) and the place in the file (in
 * filedescriptors).
 *
 *	fprintf [FILE [COUNT [SECONDS]]]	FILE `-' is standard error
 *
 *	$ LD_PRELOAD=../lib/libsavefds.so ./fprintf numbers 100
 *	^\Quit (core dumped)
 *	$ restart -f -n -w fprintf core
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *ask(const char *question, char *answer, int size)
{
	printf("%s: ", question);
	fflush(stdout);
	if (!fgets(answer, size, stdin))
		exit(1);
	answer[strcspn(answer, "\n")] = '\0';
	return answer;
}

static void wait_for(double seconds)
{
	sleep((unsigned int)seconds);
	usleep((useconds_t)((seconds - (unsigned int)seconds) * 1e6));
}

int main(int argc, char **argv)
{
	char answer[4096];
	const char *name = argc > 1 ? argv[1] : ask("File name", answer, sizeof answer);
	FILE *file = strcmp(name, "-") == 0 ? stderr : fopen(name, "w");
	int count;

	if (!file) {
		perror(name);
		return 1;
	}
	count = atoi(argc > 2 ? argv[2] : ask("Count", answer, sizeof answer));
	for (int i = 1; i <= count; i++) {
		fprintf(file, "%d\n", i);
		wait_for(argc > 3 ? atof(argv[3]) : 2);
	}
	return fclose(file) == 0 ? 0 : 1;
}
