/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Gets a process into a state that differs from a new one's in every respect, prints the lines of
 * the text that this must lead to, then `ready', and waits.  With the argument `full', it then uses
 * up all descriptors that it may have; with `call', it has had the text written by a call.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* There when libsavefds is. */
extern int savefds(const char *file) __attribute__((weak));

static char altstack[64 * 1024];

static void handler(int signo)
{
	_exit(signo);
}

static void open_files(const char *here)
{
	int file = open("file", O_RDWR | O_CREAT | O_APPEND, 0600);

	write(file, "12345", 5);
	dup2(file, 100);
	dup2(file, 101);
	close(file);
	fcntl(101, F_SETFD, FD_CLOEXEC);
	dup2(open("/dev/null", O_WRONLY), 102);
	printf("100 : %s/file : 5 : O_RDWR|O_APPEND\n", here);
	printf("101 : %s/file : 5 : O_RDWR|O_APPEND|O_CLOEXEC : dup 100\n", here);
	printf("102 : /dev/null : 0 : O_WRONLY\n");
}

int main(int argc, char **argv)
{
	struct sigaction act = { .sa_handler = handler, .sa_flags = SA_RESTART };
	stack_t stack = { .ss_sp = altstack, .ss_size = sizeof altstack };
	char here[4096];

	open_files(getcwd(here, sizeof here));
	sigaddset(&act.sa_mask, SIGINT);
	sigaction(SIGUSR1, &act, NULL);
	signal(SIGUSR2, SIG_IGN);
	sigaltstack(&stack, NULL);
	umask(027);
	mkdir("below", 0700);
	if (chdir("below") < 0)
		return 1;
	sbrk(12345);
	void *shared = mmap(NULL, 4096, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	printf("cwd : %s/below\n", here);
	printf("umask : 027\n");
	printf("sigaction : SIGUSR1 : %p : SA_RESTORER|SA_RESTART : 0x2 : \n", (void *)handler);
	printf("sigaction : SIGUSR2 : ignore\n");
	printf("sigaltstack : %d : %p : %zu : 0\n", getpid(), (void *)altstack, sizeof altstack);
	printf("map : %lx-%lx : r--s : 0 : /dev/zero : deleted\n", (unsigned long)shared,
	       (unsigned long)shared + 4096);
	if (argc > 1 && strcmp(argv[1], "call") == 0) {
		int good = savefds(NULL), bad = savefds("/none/at/all");

		fprintf(stderr, "savefds: %d, %d with errno %d\n", good, bad, errno);
	}
	/* The first printf() allocated; from here on the break stays. */
	fprintf(stderr, ": %p\n", sbrk(0));
	printf("ready\n");
	fflush(stdout);
	if (argc > 1 && strcmp(argv[1], "full") == 0)
		while (dup(100) >= 0)
			;
	for (;;)
		pause();
}
