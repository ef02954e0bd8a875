/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Says which descriptor, one of two that epoll watches, and which memory is to be left out, waits
 * for the file named on the command line, and says what is there.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, PAGES = 16 };

static int is(const char *from, const char *to, char what)
{
	for (; from < to; from++)
		if (*from != what)
			return 0;
	return 1;
}

static int watched(int epoll)
{
	struct epoll_event event = { .events = EPOLLIN };
	int fd = eventfd(0, 0);

	return fd >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0 ? fd : -1;
}

int main(int argc, char **argv)
{
	char *memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0), *from = memory + 5 * PAGE, *to = memory + 9 * PAGE;
	int epoll = epoll_create1(0), fd = watched(epoll);

	if (argc < 2 || memory == MAP_FAILED || fd < 0 || watched(epoll) < 0)
		return 1;
	memset(memory, 'x', PAGES * PAGE);
	/* Bytes beside whole pages stay. */
	printf("ready %d %lx-%lx\n", fd, (unsigned long)from - 100, (unsigned long)to + 100);
	fflush(stdout);
	while (access(argv[1], F_OK) != 0)
		usleep(10000);
	printf("%s, %s, %s\n", fcntl(fd, F_GETFD) < 0 && errno == EBADF ? "closed" : "open",
	       is(from, to, 0) ? "zeros" : "not zeros",
	       is(memory, from, 'x') && is(to, memory + PAGES * PAGE, 'x') ? "the rest is as it was"
									   : "more is lost");
	return 0;
}
