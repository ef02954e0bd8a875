/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Descriptors that stand for no file: eventfd, signalfd, timerfd, pidfd. */
#define _GNU_SOURCE
#include "holds.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static bool is_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

/* ---- eventfd ---- */

static int counter, semaphore, brimful, zero;

static void counter_set_up(void)
{
	counter = eventfd(41, 0);
	NEED(counter >= 0);
}

static const char *counter_check(void)
{
	uint64_t n = 1;

	EXPECT(write(counter, &n, sizeof n) == sizeof n);
	EXPECT(read(counter, &n, sizeof n) == sizeof n && n == 42);
	return NULL;
}

static void semaphore_set_up(void)
{
	semaphore = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC);
	NEED(semaphore >= 0);
}

static const char *semaphore_check(void)
{
	uint64_t n;

	for (int i = 0; i < 2; i++)
		EXPECT(read(semaphore, &n, sizeof n) == sizeof n && n == 1);
	EXPECT(read(semaphore, &n, sizeof n) == -1 && errno == EAGAIN);
	EXPECT(fcntl(semaphore, F_GETFD) == FD_CLOEXEC);
	return NULL;
}

static void brimful_set_up(void)
{
	uint64_t n = UINT64_MAX - 1;

	brimful = eventfd(0, EFD_NONBLOCK);
	NEED(brimful >= 0 && write(brimful, &n, sizeof n) == sizeof n);
}

static const char *brimful_check(void)
{
	uint64_t n = 1;

	EXPECT(write(brimful, &n, sizeof n) == -1 && errno == EAGAIN);
	EXPECT(read(brimful, &n, sizeof n) == sizeof n && n == UINT64_MAX - 1);
	return NULL;
}

static void zero_set_up(void)
{
	zero = eventfd(0, EFD_NONBLOCK);
	NEED(zero >= 0);
}

static const char *zero_check(void)
{
	EXPECT(!is_readable(zero));
	EXPECT(eventfd_write(zero, 3) == 0 && is_readable(zero));
	return NULL;
}

/* ---- signalfd ---- */

static int signals;

static void signals_set_up(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 9);
	sigaddset(&set, SIGRTMIN + 10);
	NEED(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	NEED(signals >= 0);
}

static const char *signals_check(void)
{
	const union sigval value = { .sival_int = 77 };
	struct signalfd_siginfo info;

	EXPECT(read(signals, &info, sizeof info) == -1 && errno == EAGAIN);
	EXPECT(sigqueue(getpid(), SIGRTMIN + 10, value) == 0);
	EXPECT(read(signals, &info, sizeof info) == sizeof info);
	EXPECT((int)info.ssi_signo == SIGRTMIN + 10 && info.ssi_int == 77);
	EXPECT(fcntl(signals, F_GETFD) == FD_CLOEXEC);
	return NULL;
}

/* ---- timerfd ---- */

static int timer(int clock, int flags, long seconds, long nanoseconds, long interval)
{
	struct itimerspec when = { .it_value = { seconds, nanoseconds },
				   .it_interval = { interval, 0 } };
	int fd = timerfd_create(clock, TFD_NONBLOCK);

	return fd < 0 || timerfd_settime(fd, flags, &when, NULL) < 0 ? -1 : fd;
}

static void wait_for_expiry(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	NEED(poll(&p, 1, 10000) == 1);
}

static int waiting, missed, missed_again, idle, at_a_time, on_boot_time, set_off, counted;

static void waiting_set_up(void)
{
	waiting = timer(CLOCK_MONOTONIC, 0, 5000, 0, 7);
	NEED(waiting >= 0);
}

static const char *waiting_check(void)
{
	struct itimerspec now;
	uint64_t ticks;

	EXPECT(read(waiting, &ticks, sizeof ticks) == -1 && errno == EAGAIN);
	EXPECT(timerfd_gettime(waiting, &now) == 0);
	EXPECT(now.it_value.tv_sec > 4000 && now.it_value.tv_sec <= 5000);
	EXPECT(now.it_interval.tv_sec == 7 && now.it_interval.tv_nsec == 0);
	return NULL;
}

static void missed_set_up(void)
{
	missed = timer(CLOCK_MONOTONIC, 0, 0, 1000, 0);
	NEED(missed >= 0);
	wait_for_expiry(missed);
}

static const char *missed_check(void)
{
	struct itimerspec now;
	uint64_t ticks = 0;

	EXPECT(read(missed, &ticks, sizeof ticks) == sizeof ticks && ticks == 1);
	EXPECT(timerfd_gettime(missed, &now) == 0 && !now.it_value.tv_sec && !now.it_value.tv_nsec);
	EXPECT(read(missed, &ticks, sizeof ticks) == -1 && errno == EAGAIN);
	return NULL;
}

static void missed_again_set_up(void)
{
	missed_again = timer(CLOCK_MONOTONIC, 0, 0, 1000, 3000);
	NEED(missed_again >= 0);
	wait_for_expiry(missed_again);
}

static const char *missed_again_check(void)
{
	struct itimerspec now;
	uint64_t ticks = 0;

	EXPECT(read(missed_again, &ticks, sizeof ticks) == sizeof ticks && ticks == 1);
	EXPECT(timerfd_gettime(missed_again, &now) == 0);
	EXPECT(now.it_value.tv_sec > 2000 && now.it_interval.tv_sec == 3000);
	return NULL;
}

static void idle_set_up(void)
{
	idle = timer(CLOCK_REALTIME, 0, 0, 0, 0);
	NEED(idle >= 0);
}

static const char *idle_check(void)
{
	EXPECT(!is_readable(idle));
	EXPECT(timerfd_settime(idle, 0, &(struct itimerspec){ .it_value = { 0, 1 } }, NULL) == 0);
	return NULL;
}

static time_t the_time;

static void at_a_time_set_up(void)
{
	the_time = time(NULL) + 3000;
	at_a_time =
		timer(CLOCK_REALTIME, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, the_time, 0, 0);
	NEED(at_a_time >= 0);
}

static const char *at_a_time_check(void)
{
	struct itimerspec left;

	EXPECT(timerfd_gettime(at_a_time, &left) == 0);
	EXPECT(time(NULL) + left.it_value.tv_sec >= the_time - 2);
	EXPECT(time(NULL) + left.it_value.tv_sec <= the_time + 1);
	return NULL;
}

static void on_boot_time_set_up(void)
{
	on_boot_time = timer(CLOCK_BOOTTIME, 0, 2000, 0, 0);
	NEED(on_boot_time >= 0);
}

static const char *on_boot_time_check(void)
{
	struct itimerspec left;

	EXPECT(timerfd_gettime(on_boot_time, &left) == 0);
	EXPECT(left.it_value.tv_sec > 1000 && left.it_value.tv_sec <= 2000);
	return NULL;
}

/* Goes off in the middle of everything, and goes on to do so. */
static void set_off_set_up(void)
{
	struct itimerspec when = { .it_value = { 0, 5000000 }, .it_interval = { 0, 5000000 } };

	set_off = timerfd_create(CLOCK_MONOTONIC, 0);
	NEED(set_off >= 0 && timerfd_settime(set_off, 0, &when, NULL) == 0);
}

static const char *set_off_check(void)
{
	uint64_t ticks = 0;

	for (int i = 0; i < 3; i++)
		EXPECT(read(set_off, &ticks, sizeof ticks) == sizeof ticks && ticks > 0);
	return NULL;
}

/* Expirations that have been counted while the timer runs: timerfd_gettime() does that. */
static void counted_set_up(void)
{
	struct itimerspec left;

	counted = timer(CLOCK_MONOTONIC, 0, 0, 1000, 4000);
	NEED(counted >= 0);
	wait_for_expiry(counted);
	NEED(timerfd_gettime(counted, &left) == 0 && left.it_value.tv_sec > 3000);
}

static const char *counted_check(void)
{
	struct itimerspec left;
	uint64_t ticks = 0;

	EXPECT(timerfd_gettime(counted, &left) == 0 && left.it_value.tv_sec > 3000);
	EXPECT(read(counted, &ticks, sizeof ticks) == sizeof ticks && ticks == 1);
	return NULL;
}

/* ---- pidfd ---- */

static int self;

static void self_set_up(void)
{
	self = (int)syscall(SYS_pidfd_open, getpid(), 0);
	NEED(self >= 0);
}

static const char *self_check(void)
{
	siginfo_t info = { .si_code = SI_QUEUE, .si_signo = SIGRTMIN + 10 };
	sigset_t set;

	EXPECT(!is_readable(self));
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 11);
	EXPECT(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	EXPECT(syscall(SYS_pidfd_send_signal, self, SIGRTMIN + 11, NULL, 0) == 0);
	EXPECT(sigwaitinfo(&set, &info) == SIGRTMIN + 11);
	EXPECT(fcntl(self, F_GETFD) == FD_CLOEXEC);
	return NULL;
}

const struct hold counter_holds[] = {
	{ "eventfd", "an event counter counts on", counter_set_up, counter_check, 0 },
	{ "eventfd-semaphore", "an eventfd semaphore counts down", semaphore_set_up,
	  semaphore_check, 0 },
	{ "eventfd-brimful", "a full event counter is full", brimful_set_up, brimful_check, 0 },
	{ "eventfd-zero", "an event counter at 0 waits", zero_set_up, zero_check, 0 },
	{ "signalfd", "a signalfd takes its signals", signals_set_up, signals_check, 0 },
	{ "timerfd", "a timer has the time left that it had", waiting_set_up, waiting_check, 0 },
	{ "timerfd-missed", "an expiration that nobody read is read", missed_set_up, missed_check,
	  0 },
	{ "timerfd-missed-interval", "the same of a timer that goes on", missed_again_set_up,
	  missed_again_check, 0 },
	{ "timerfd-idle", "a timer that is not set stays so", idle_set_up, idle_check, 0 },
	{ "timerfd-absolute", "a timer for a time of day goes off then", at_a_time_set_up,
	  at_a_time_check,
	  0 },
	{ "timerfd-boottime", "a timer of CLOCK_BOOTTIME is one", on_boot_time_set_up,
	  on_boot_time_check,
	  0 },
	{ "timerfd-interval", "a timer goes off again and again", set_off_set_up, set_off_check,
	  0 },
	{ "timerfd-counted", "expirations counted while the timer runs are not lost",
	  counted_set_up,
	  counted_check, 0 },
	{ "pidfd-self", "a pidfd of the program itself is one", self_set_up, self_check, 0 },
	{ 0 },
};
