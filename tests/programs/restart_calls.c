/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Invariant: the system call that the argument names, in which the core was dumped, goes on after
 * the restart as if nothing had happened: it ends with what it waited for, never with EINTR, and
 * one that sleeps sleeps for the time that remained, at least.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#include "tests/programs/restart_victim.h"

static struct timespec second = { .tv_sec = 1 }, half = { .tv_nsec = 500000000 }, until;
static struct { long type; char text; } message = { 1, 'm' };
static uint32_t word;
static int id, handled;
static sigset_t none, usr1;

/* As compilers and libc make it, with the number in the code before the instruction. */
#define CALL(number, a, b, c, d, e) ({ \
	long result, rdi = (long)(a), rsi = (long)(b), rdx = (long)(c); \
	register long r10 __asm__("r10") = (long)(d), r8 __asm__("r8") = (long)(e); \
	__asm__ volatile("mov %1, %%eax\n\tsyscall" : "=&a"(result) \
			 : "i"(number), "D"(rdi), "S"(rsi), "d"(rdx), "r"(r10), "r"(r8) \
			 : "rcx", "r11", "memory"); \
	result; \
})

static double since(const struct timespec *then)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - then->tv_sec) + (double)(now.tv_nsec - then->tv_nsec) / 1e9;
}

static void on_usr1(int signo) { handled = signo; }
/* Before the dump and after it, a second in all: however busy the machine is. */
static bool rested(void) { return since(&until) >= 0; }
static bool handled_usr1(long result) { return result < 0 && errno == EINTR && handled == SIGUSR1; }

/* What ends the call, in the restarted process. */
static void by_signal(void) { signal(SIGUSR1, on_usr1); kill(getpid(), SIGUSR1); }
static void by_futex(void) { CALL(SYS_futex, &word, FUTEX_WAKE, 1, 0, 0); }
static void by_semaphore(void) { semop(id, &(struct sembuf){ .sem_op = 1 }, 1); }
static void by_message(void) { msgsnd(id, &message, 1, 0); }

static bool in_nanosleep(void)
{
	return CALL(SYS_nanosleep, &second, &second, 0, 0, 0) == 0 && rested();
}
static bool in_clock(void)
{
	return clock_nanosleep(CLOCK_MONOTONIC, 0, &second, &second) == 0 && rested();
}
static bool in_absolute(void)
{
	return !clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) && since(&until) >= 0;
}
static bool in_futex(void) { return CALL(SYS_futex, &word, FUTEX_WAIT, 0, NULL, 0) == 0; }
static bool in_timed_futex(void)
{
	return CALL(SYS_futex, &word, FUTEX_WAIT, 0, &half, 0) == -ETIMEDOUT;
}
static bool in_pause(void) { return handled_usr1(pause()); }
static bool in_sigsuspend(void) { return handled_usr1(sigsuspend(&none)); }
static bool in_sigtimedwait(void)
{
	return sigtimedwait(&usr1, NULL, &(struct timespec){ 10, 0 }) == SIGUSR1;
}
static bool in_poll(void) { return poll(NULL, 0, 500) == 0; }
static bool in_ppoll(void) { return ppoll(NULL, 0, &half, &none) == 0; }
static bool in_select(void)
{
	return CALL(SYS_select, 0, 0, 0, 0, &(struct timeval){ .tv_usec = 500000 }) == 0;
}
static bool in_pselect(void) { return pselect(0, NULL, NULL, NULL, &half, &none) == 0; }
static bool in_semop(void)
{
	id = semget(IPC_PRIVATE, 1, 0600);
	return CALL(SYS_semop, id, &(struct sembuf){ .sem_op = -1 }, 1, 0, 0) == 0 &&
	       semctl(id, 0, IPC_RMID) == 0;
}
static bool in_msgrcv(void)
{
	id = msgget(IPC_PRIVATE, 0600);
	return msgrcv(id, &message, 1, 0, 0) == 1 && msgctl(id, IPC_RMID, NULL) == 0;
}

static const struct call {
	const char *name;
	long number;
	bool (*wait)(void);
	void (*end)(void);  /* NULL: it ends of itself */
} calls[] = {
	{ "nanosleep", SYS_nanosleep, in_nanosleep, NULL },
	{ "clock_nanosleep", SYS_clock_nanosleep, in_clock, NULL },
	{ "absolute", SYS_clock_nanosleep, in_absolute, NULL },
	{ "futex", SYS_futex, in_futex, by_futex },
	{ "timed_futex", SYS_futex, in_timed_futex, NULL },
	{ "pause", SYS_pause, in_pause, by_signal },
	{ "sigsuspend", SYS_rt_sigsuspend, in_sigsuspend, by_signal },
	{ "sigtimedwait", SYS_rt_sigtimedwait, in_sigtimedwait, by_signal },
	{ "poll", SYS_poll, in_poll, NULL },
	{ "ppoll", SYS_ppoll, in_ppoll, NULL },
	{ "select", SYS_select, in_select, NULL },
	{ "pselect", SYS_pselect6, in_pselect, NULL },
	{ "semop", SYS_semop, in_semop, by_semaphore },
	{ "msgrcv", SYS_msgrcv, in_msgrcv, by_message },
};

#include "tests/programs/restart_calls.h"
