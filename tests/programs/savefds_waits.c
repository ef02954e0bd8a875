/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Waits for an hour, without a stop, in the system call that the argument names.  Prints the number
 * of that call when it is about to; whoever waits for it sees state S in /proc.  When the call
 * returns, the program prints so and fails.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { HOUR = 3600 };

static struct timespec hour = { .tv_sec = HOUR };
static sigset_t set;

static void in_sleep(void) { sleep(HOUR); }
static void in_absolute(void)
{
	struct timespec when;

	clock_gettime(CLOCK_REALTIME, &when);
	when.tv_sec += HOUR;
	clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &when, NULL);
}
static void in_poll(void) { poll(NULL, 0, HOUR * 1000); }
static void in_select(void) { select(0, NULL, NULL, NULL, &(struct timeval){ .tv_sec = HOUR }); }
static void in_ppoll(void) { ppoll(NULL, 0, &hour, &set); }
static void in_pause(void) { pause(); }
static void in_read(void)
{
	int ends[2];
	char byte;

	if (pipe(ends) == 0 && read(ends[0], &byte, 1) >= 0)
		puts("read");
}
static void in_epoll(void)
{
	struct epoll_event event;

	epoll_wait(epoll_create1(0), &event, 1, HOUR * 1000);
}
static void in_sigsuspend(void)
{
	sigset_t quit;

	/* SIGQUIT comes through during the call only. */
	sigemptyset(&quit);
	sigaddset(&quit, SIGQUIT);
	sigprocmask(SIG_BLOCK, &quit, NULL);
	sigsuspend(&set);
}
static void in_sigtimedwait(void)
{
	sigset_t term;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	sigtimedwait(&term, NULL, &hour);
}
static const struct {
	const char *name;
	int number;
	void (*wait)(void);
} calls[] = {
	{ "sleep", SYS_clock_nanosleep, in_sleep },
	{ "absolute", SYS_clock_nanosleep, in_absolute },
	{ "poll", SYS_poll, in_poll },
	{ "select", SYS_pselect6, in_select },
	{ "ppoll", SYS_ppoll, in_ppoll },
	{ "pause", SYS_pause, in_pause },
	{ "read", SYS_read, in_read },
	{ "epoll", SYS_epoll_wait, in_epoll },
	{ "sigsuspend", SYS_rt_sigsuspend, in_sigsuspend },
	{ "sigtimedwait", SYS_rt_sigtimedwait, in_sigtimedwait },
};

int main(int argc, char **argv)
{
	sigemptyset(&set);
	for (size_t i = 0; argc > 1 && i < sizeof calls / sizeof calls[0]; i++) {
		if (strcmp(argv[1], calls[i].name) != 0)
			continue;
		printf("%d\n", calls[i].number);
		fflush(stdout);
		calls[i].wait();
		printf("%s returned\n", argv[1]);
	}
	return 1;
}
