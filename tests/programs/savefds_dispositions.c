/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Does with SIGQUIT what programs do: `reset' sets every signal to its default, in each of the
 * ways; `own' installs a handler; `ignore' ignores it.  Prints what it is told of the disposition
 * before and after, then `ready', and waits.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What signal() is when a program asks for the System V semantics. */
extern sighandler_t __sysv_signal(int signo, sighandler_t handler);

static void own(int signo)
{
	static const char told[] = "own handler\n";

	if (signo == SIGQUIT && write(STDOUT_FILENO, told, sizeof told - 1) > 0)
		_exit(0);
}

static const char *name(sighandler_t handler)
{
	return handler == SIG_DFL ? "default" : handler == SIG_IGN ? "ignore" :
	       handler == own ? "own" : "something else";
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	struct sigaction act = { .sa_handler = SIG_DFL }, old;

	sigaction(SIGQUIT, NULL, &old);
	printf("%s\n", name(old.sa_handler));
	if (strcmp(how, "reset") == 0) {
		for (int signo = 1; signo < 32; signo++)
			sigaction(signo, &act, NULL);
		printf("%s\n", name(signal(SIGQUIT, SIG_DFL)));
		printf("%s\n", name(__sysv_signal(SIGQUIT, SIG_DFL)));
	} else if (strcmp(how, "own") == 0) {
		printf("%s\n", name(signal(SIGQUIT, own)));
	} else if (strcmp(how, "ignore") == 0) {
		printf("%s\n", name(signal(SIGQUIT, SIG_IGN)));
	}
	sigaction(SIGQUIT, NULL, &old);
	printf("%s\nready\n", name(old.sa_handler));
	fflush(stdout);
	for (;;)
		pause();
}
