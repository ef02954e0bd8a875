/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * attributes_victim WHAT...: takes on each of the attributes,
 * says "ready", and ends with status 7 when a line comes.
 */
#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* A filter that allows everything. */
static int filter(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = { 1, &allow };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static int start_timer(clockid_t clock)
{
	const struct itimerspec times = { .it_value.tv_sec = 10000 };
	struct sigevent none = { .sigev_notify = SIGEV_NONE };
	timer_t timer;

	return timer_create(clock, &none, &timer) || timer_settime(timer, 0, &times, NULL);
}

static int wait_for(int signo)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signo);
	return sigprocmask(SIG_BLOCK, &set, NULL) ||
	       sigqueue(getpid(), signo, (union sigval){ .sival_int = 5 });
}

static void ignore_it(int signo)
{
	(void)signo;
}

/* Waits until a time that comes in 100000 seconds, and ends with status 7 when it has come. */
static void wait_until_far(void)
{
	struct timespec then;

	clock_gettime(CLOCK_MONOTONIC, &then);
	then.tv_sec += 100000;
	printf("ready\n");
	fflush(stdout);
	_exit(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &then, NULL) == 0 ? 7 : 1);
}

/* The same, by a time that counts from now and so has nothing to do with what the clock shows. */
static void wait_long(void)
{
	struct timespec time = { .tv_sec = 100000 };

	printf("ready\n");
	fflush(stdout);
	_exit(clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL) == 0 ? 7 : 1);
}

static int take_on(const char *what)
{
	const struct sched_param fifo = { .sched_priority = 5 };

	if (strcmp(what, "seccomp") == 0)
		return filter();
	if (strcmp(what, "nice") == 0)
		return setpriority(PRIO_PROCESS, 0, -5);
	if (strcmp(what, "fifo") == 0)
		return sched_setscheduler(0, SCHED_FIFO, &fifo);
	if (strcmp(what, "pdeathsig") == 0)
		return prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (strcmp(what, "handler") == 0)
		return signal(SIGUSR1, ignore_it) == SIG_ERR;
	if (strcmp(what, "timer") == 0)
		return start_timer(CLOCK_MONOTONIC);
	if (strcmp(what, "alarm") == 0)
		return start_timer(CLOCK_BOOTTIME_ALARM);
	if (strcmp(what, "trap") == 0)
		return wait_for(SIGTRAP);
	if (strcmp(what, "queued") == 0)
		return wait_for(SIGRTMIN);
	if (strcmp(what, "deadline") == 0)
		wait_until_far();
	if (strcmp(what, "rest") == 0)
		wait_long();
	return 1;
}

int main(int argc, char **argv)
{
	char line[8];

	for (int i = 1; i < argc; i++)
		if (take_on(argv[i]) != 0) {
			perror(argv[i]);
			return 77;
		}
	printf("ready\n");
	fflush(stdout);
	return read(0, line, sizeof line) > 0 ? 7 : 1;
}
