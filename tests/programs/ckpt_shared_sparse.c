/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A large reserve of shared memory, of which little is used, as PHP's opcode cache is: a child has
 * written to a page that the parent never touched.  When the file "go" is there, it prints how many
 * pages there are, and whether the contents are right.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, PAGES = 16384 };

static unsigned char there[PAGES];

static int pages_there(void *at)
{
	int n = 0;

	if (mincore(at, (size_t)PAGES * PAGE, there) != 0)
		return -1;
	for (int i = 0; i < PAGES; i++)
		n += there[i] & 1;
	return n;
}

static int is_right(const char *at)
{
	for (size_t i = 0; i < (size_t)PAGES * PAGE; i += PAGE) {
		char expected = i == 7 * PAGE ? 'p' : i == (PAGES - 1L) * PAGE ? 'c' : 0;

		if (at[i] != expected)
			return 0;
	}
	return 1;
}

int main(void)
{
	char *at = mmap(NULL, (size_t)PAGES * PAGE, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED || madvise(at, (size_t)PAGES * PAGE, MADV_NOHUGEPAGE) != 0)
		return 1;
	at[7 * PAGE] = 'p';
	pid_t child = fork();
	if (child == 0) {
		at[(PAGES - 1L) * PAGE] = 'c';
		_exit(0);
	}
	if (child < 0 || waitpid(child, NULL, 0) != child)
		return 1;
	printf("ready\n");
	fflush(stdout);
	while (access("go", F_OK) != 0)
		usleep(10000);
	printf("pages %d\n", pages_there(at));
	printf("%s\n", is_right(at) ? "right" : "wrong");
	return 0;
}
