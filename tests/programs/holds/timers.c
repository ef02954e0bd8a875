/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Timers: how much time was left, whom they tell, and how they are called. */
#define _GNU_SOURCE
#include "holds.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

enum { LONG = 10000 /* seconds: no test takes as long */, FAR = 9000 };

/* ---- The interval timers, which are far from running out ---- */

static void interval_set_up(void)
{
	const struct itimerval real = { { 20, 250000 }, { LONG, 0 } },
			       virtual = { { 0, 0 }, { LONG + 1, 0 } };
	const struct itimerval prof = { { 3, 0 }, { LONG + 2, 500000 } };

	NEED(setitimer(ITIMER_REAL, &real, NULL) == 0 &&
	     setitimer(ITIMER_VIRTUAL, &virtual, NULL) == 0 &&
	     setitimer(ITIMER_PROF, &prof, NULL) == 0);
}

static const char *interval_check(void)
{
	const struct itimerval stop = { 0 };
	struct itimerval now;

	EXPECT(getitimer(ITIMER_REAL, &now) == 0);
	EXPECT(now.it_interval.tv_sec == 20 && now.it_interval.tv_usec == 250000);
	EXPECT(now.it_value.tv_sec > FAR && now.it_value.tv_sec < LONG);
	EXPECT(getitimer(ITIMER_VIRTUAL, &now) == 0);
	EXPECT(now.it_interval.tv_sec == 0 && now.it_value.tv_sec > FAR &&
	       now.it_value.tv_sec <= LONG + 1);
	EXPECT(getitimer(ITIMER_PROF, &now) == 0);
	EXPECT(now.it_interval.tv_sec == 3 && now.it_value.tv_sec > FAR &&
	       now.it_value.tv_sec <= LONG + 2);
	EXPECT(setitimer(ITIMER_REAL, &stop, NULL) == 0 &&
	       setitimer(ITIMER_PROF, &stop, NULL) == 0);
	return NULL;
}

/* ---- A POSIX timer for each clock ---- */

static const struct clock_hold {
	clockid_t clock;
	int seconds;
} clocks[] = {
	{ CLOCK_REALTIME, LONG }, { CLOCK_MONOTONIC, LONG + 100 }, { CLOCK_BOOTTIME, LONG + 200 },
	{ CLOCK_PROCESS_CPUTIME_ID, LONG + 300 }, { CLOCK_THREAD_CPUTIME_ID, LONG + 400 },
	{ CLOCK_TAI, LONG + 500 },
};

enum { CLOCKS = sizeof clocks / sizeof clocks[0] };

static timer_t by_clock[CLOCKS], deleted[3];

/* Ids that are not used any more lie between those that are. */
static void clocks_set_up(void)
{
	struct sigevent none = { .sigev_notify = SIGEV_NONE };

	for (int i = 0; i < CLOCKS; i++) {
		struct itimerspec times = { .it_value.tv_sec = clocks[i].seconds,
					    .it_interval.tv_nsec = 7 };

		if (i < 3)
			NEED(timer_create(CLOCK_MONOTONIC, &none, &deleted[i]) == 0);
		NEED(timer_create(clocks[i].clock, &none, &by_clock[i]) == 0);
		NEED(timer_settime(by_clock[i], 0, &times, NULL) == 0);
	}
	for (int i = 0; i < 3; i++)
		NEED(timer_delete(deleted[i]) == 0);
}

static const char *clocks_check(void)
{
	struct sigevent none = { .sigev_notify = SIGEV_NONE };
	struct itimerspec now;
	timer_t new;

	for (int i = 0; i < CLOCKS; i++) {
		EXPECT(timer_gettime(by_clock[i], &now) == 0);
		EXPECT(now.it_interval.tv_sec == 0 && now.it_interval.tv_nsec == 7);
		EXPECT(now.it_value.tv_sec > clocks[i].seconds - 1000 &&
		       now.it_value.tv_sec <= clocks[i].seconds);
	}
	/* New timers are counted as ever, and meet none that is there. */
	EXPECT(timer_create(CLOCK_MONOTONIC, &none, &new) == 0);
	for (int i = 0; i < CLOCKS; i++)
		EXPECT(new != by_clock[i]);
	EXPECT(timer_delete(new) == 0);
	for (int i = 0; i < CLOCKS; i++)
		EXPECT(timer_delete(by_clock[i]) == 0);
	return NULL;
}

/* ---- A timer that sends a signal with a value, once it is started ---- */

#define SIG_TIMER (SIGRTMIN + 24)
#define SIG_OVERRUN (SIGRTMIN + 25)
#define SIG_TO_THREAD (SIGRTMIN + 26)
#define SIG_EXPIRED (SIGRTMIN + 27)

static timer_t stopped;

/* In the threads of all holds, and so before there are any. */
__attribute__((constructor)) static void block_everywhere(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (int signo = SIG_TIMER; signo <= SIG_EXPIRED; signo++)
		sigaddset(&set, signo);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static void stopped_set_up(void)
{
	struct sigevent event = {
		.sigev_notify = SIGEV_SIGNAL,
		.sigev_signo = SIG_TIMER,
		.sigev_value.sival_ptr = &stopped,
	};

	NEED(timer_create(CLOCK_MONOTONIC, &event, &stopped) == 0);
}

static const char *stopped_check(void)
{
	const struct itimerspec soon = { .it_value.tv_nsec = 1000 };
	const struct timespec limit = { 10, 0 };
	struct itimerspec now;
	siginfo_t info;
	sigset_t set;

	EXPECT(timer_gettime(stopped, &now) == 0);
	EXPECT(now.it_value.tv_sec == 0 && now.it_value.tv_nsec == 0);
	EXPECT(timer_settime(stopped, 0, &soon, NULL) == 0);
	sigemptyset(&set);
	sigaddset(&set, SIG_TIMER);
	EXPECT(sigtimedwait(&set, &info, &limit) == SIG_TIMER);
	EXPECT(info.si_code == SI_TIMER && info.si_value.sival_ptr == &stopped);
	return NULL;
}

/* ---- A timer that runs on: it beats at the same rate, and counts what it could not tell ---- */

enum { BEAT = 5000000 /* nanoseconds */ };

static timer_t beating;

static void beating_set_up(void)
{
	const struct itimerspec times = { { 0, BEAT }, { 0, BEAT } };
	struct sigevent event = {
		.sigev_notify = SIGEV_SIGNAL,
		.sigev_signo = SIG_OVERRUN,
		.sigev_value.sival_int = 5,
	};

	NEED(timer_create(CLOCK_MONOTONIC, &event, &beating) == 0);
	NEED(timer_settime(beating, 0, &times, NULL) == 0);
}

static const char *beating_check(void)
{
	const struct timespec limit = { 10, 0 }, ten_beats = { 0, 10 * BEAT };
	struct itimerspec now;
	siginfo_t info;
	sigset_t set;

	EXPECT(timer_gettime(beating, &now) == 0);
	EXPECT(now.it_interval.tv_sec == 0 && now.it_interval.tv_nsec == BEAT);
	EXPECT(now.it_value.tv_sec == 0 && now.it_value.tv_nsec > 0 &&
	       now.it_value.tv_nsec <= BEAT);
	sigemptyset(&set);
	sigaddset(&set, SIG_OVERRUN);
	/* The one that waited at the checkpoint, and then its own. */
	for (int i = 0; i < 3; i++) {
		EXPECT(sigtimedwait(&set, &info, &limit) == SIG_OVERRUN);
		EXPECT(info.si_code == SI_TIMER && info.si_value.sival_int == 5);
	}
	nanosleep(&ten_beats, NULL);
	EXPECT(sigtimedwait(&set, &info, &limit) == SIG_OVERRUN);
	EXPECT(info.si_overrun >= 8);
	EXPECT(timer_getoverrun(beating) == info.si_overrun);
	EXPECT(timer_delete(beating) == 0);
	return NULL;
}

/* ---- A timer that had run out, whose signal waits ---- */

static timer_t expired;

static void expired_set_up(void)
{
	const struct itimerspec times = { .it_value.tv_nsec = 1 };
	struct sigevent event = {
		.sigev_notify = SIGEV_SIGNAL,
		.sigev_signo = SIG_EXPIRED,
		.sigev_value.sival_int = -6,
	};
	sigset_t pending;

	NEED(timer_create(CLOCK_REALTIME, &event, &expired) == 0);
	NEED(timer_settime(expired, 0, &times, NULL) == 0);
	do
		NEED(sigpending(&pending) == 0);
	while (!sigismember(&pending, SIG_EXPIRED));
}

static const char *expired_check(void)
{
	const struct timespec at_once = { 0 };
	siginfo_t info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIG_EXPIRED);
	EXPECT(sigtimedwait(&set, &info, &at_once) == SIG_EXPIRED);
	EXPECT(info.si_code == SI_TIMER && info.si_value.sival_int == -6);
	EXPECT(sigtimedwait(&set, &info, &at_once) == -1 && errno == EAGAIN);
	return NULL;
}

/* ---- Timers that tell a certain thread ---- */

static struct {
	pthread_t thread;
	timer_t timer, cpu_timer;
	volatile bool ready, go;
	pid_t got;
	int result;
	struct itimerspec cpu_left;
} told;

static void *be_told(void *argument)
{
	const struct itimerspec times = { .it_value.tv_sec = LONG };
	const struct timespec limit = { 10, 0 }, pause = { 0, 1000000 };
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIG_TO_THREAD };
	struct sigevent none = { .sigev_notify = SIGEV_NONE };
	siginfo_t info;
	sigset_t set;

	event.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
	told.result = timer_create(CLOCK_MONOTONIC, &event, &told.timer) ||
		      timer_settime(told.timer, 0, &times, NULL);
	clockid_t own;
	told.result |= pthread_getcpuclockid(pthread_self(), &own) ||
		       timer_create(own, &none, &told.cpu_timer) ||
		       timer_settime(told.cpu_timer, 0, &times, NULL);
	told.ready = true;
	while (!told.go)
		nanosleep(&pause, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIG_TO_THREAD);
	if (sigtimedwait(&set, &info, &limit) == SIG_TO_THREAD && info.si_code == SI_TIMER)
		told.got = (pid_t)syscall(SYS_gettid);
	return argument;
}

static void told_set_up(void)
{
	const struct timespec pause = { 0, 1000000 };

	NEED(pthread_create(&told.thread, NULL, be_told, NULL) == 0);
	while (!told.ready)
		nanosleep(&pause, NULL);
	NEED(told.result == 0);
}

static const char *told_check(void)
{
	const struct itimerspec soon = { .it_value.tv_nsec = 1 };
	struct itimerspec now;
	sigset_t pending;

	EXPECT(timer_gettime(told.timer, &now) == 0);
	EXPECT(now.it_value.tv_sec > FAR && now.it_value.tv_sec < LONG);
	EXPECT(timer_gettime(told.cpu_timer, &now) == 0);
	EXPECT(now.it_value.tv_sec > FAR && now.it_value.tv_sec <= LONG);
	EXPECT(timer_settime(told.timer, 0, &soon, NULL) == 0);
	told.go = true;
	EXPECT(pthread_join(told.thread, NULL) == 0);
	EXPECT(told.got != 0);
	EXPECT(sigpending(&pending) == 0 && !sigismember(&pending, SIG_TO_THREAD));
	return NULL;
}

/* ---- A timer that starts a thread (SIGEV_THREAD), which libc's own helper does ---- */

static timer_t starting;
static int started;

static void on_start(union sigval value)
{
	__atomic_store_n(&started, value.sival_int, __ATOMIC_SEQ_CST);
}

static void starting_set_up(void)
{
	struct sigevent event = {
		.sigev_notify = SIGEV_THREAD,
		.sigev_notify_function = on_start,
		.sigev_value.sival_int = 12,
	};

	NEED(timer_create(CLOCK_MONOTONIC, &event, &starting) == 0);
}

static const char *starting_check(void)
{
	const struct itimerspec soon = { .it_value.tv_nsec = 1 };
	const struct timespec pause = { 0, 1000000 };

	EXPECT(timer_settime(starting, 0, &soon, NULL) == 0);
	for (int i = 0; i < 10000 && !__atomic_load_n(&started, __ATOMIC_SEQ_CST); i++)
		nanosleep(&pause, NULL);
	EXPECT(started == 12);
	EXPECT(timer_delete(starting) == 0);
	return NULL;
}

const struct hold timer_holds[] = {
	{ "itimers", "the three interval timers have the time that was left", interval_set_up,
	  interval_check, 0 },
	{ "timer-clocks", "a timer of every clock has its id and the time that was left",
	  clocks_set_up,
	  clocks_check, 0 },
	{ "timer-stopped", "a timer that did not run can be started, and sends its value",
	  stopped_set_up,
	  stopped_check, 0 },
	{ "timer-beat", "a timer goes on beating and counts its overruns", beating_set_up,
	  beating_check, 0 },
	{ "timer-expired", "the signal of a timer that had run out waits", expired_set_up,
	  expired_check, 0 },
	{ "timer-to-thread", "a timer tells the thread that it was to tell", told_set_up,
	  told_check, 0 },
	{ "timer-starts-thread", "a timer starts a thread", starting_set_up, starting_check, 0 },
	{ 0 },
};
