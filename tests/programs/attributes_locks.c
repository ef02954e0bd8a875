/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * attributes_locks [onfault]: has new memory locked from now on, says "ready", and when the file go
 * is there, says how a new page is: "locked", "locked on fault" or "not locked".
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static void say(const char *text)
{
	if (write(1, text, strlen(text)) < 0)
		_exit(1);
}

/* Whether the line VmFlags of the mapping that begins at START has the two letters. */
static int has_flag(const void *start, const char *letters)
{
	static char text[1 << 16];
	char begin[32], wanted[8];
	int fd = open("/proc/self/smaps", O_RDONLY);
	size_t len = 0;

	for (ssize_t n; (n = read(fd, text + len, sizeof text - 1 - len)) > 0;)
		len += (size_t)n;
	close(fd);
	snprintf(begin, sizeof begin, "%lx-", (unsigned long)start);
	snprintf(wanted, sizeof wanted, " %s ", letters);
	char *at = strstr(text, begin), *flags = at ? strstr(at, "VmFlags:") : NULL;
	if (!flags)
		return 0;
	*strchr(flags, '\n') = '\0';
	return strstr(flags, wanted) != NULL;
}

int main(int argc, char **argv)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	int on_fault = argc > 1 && strcmp(argv[1], "onfault") == 0 ? MCL_ONFAULT : 0;
	char *page;

	if (mlockall(MCL_FUTURE | on_fault) < 0)
		return 77;
	say("ready\n");
	while (access("go", F_OK) != 0)
		nanosleep(&pause, NULL);
	page = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	say(page == MAP_FAILED          ? "no memory\n"
	    : has_flag(page, "lf")      ? "locked on fault\n"
	    : has_flag(page, "lo")      ? "locked\n"
					: "not locked\n");
	return 7;
}
