/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * session_victim session|group|member [keys]: leads a session, a group, or nothing, says "ready"
 * and its id, and waits for the file go.  Then it says what it leads, sends its group SIGTERM, or
 * with "keys" waits for the SIGINT of a terminal, and ends with status 7 when that has come.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t got;

static void take(int signo)
{
	got = signo;
}

static void go_on(int signo)
{
	(void)signo;
	(void)!write(1, "continued\n", 10);
}

static void wait_for_file(const char *name)
{
	const struct timespec pause = { .tv_nsec = 10000000 };

	while (access(name, F_OK) != 0)
		nanosleep(&pause, NULL);
}

static const char *yes(int condition)
{
	return condition ? "yes" : "no";
}

int main(int argc, char **argv)
{
	int keys = argc > 2 && strcmp(argv[2], "keys") == 0, signo = keys ? SIGINT : SIGTERM;
	sigset_t set, old;

	if ((strcmp(argv[1], "session") == 0 && setsid() < 0) ||
	    (strcmp(argv[1], "group") == 0 && setpgid(0, 0) < 0))
		return 1;
	signal(signo, take);
	signal(SIGCONT, go_on);
	sigemptyset(&set);
	sigaddset(&set, signo);
	sigprocmask(SIG_BLOCK, &set, &old);
	printf("ready %d\n", (int)getpid());
	fflush(stdout);
	wait_for_file("go");
	printf("session %s, group %s, terminal %s\n", yes(getsid(0) == getpid()),
	       yes(getpgrp() == getpid()), yes(open("/dev/tty", O_RDWR | O_NOCTTY) >= 0));
	fflush(stdout);
	if (!keys)
		kill(0, signo);
	while (!got)
		sigsuspend(&old);
	return 7;
}
