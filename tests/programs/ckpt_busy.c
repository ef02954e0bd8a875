// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Does at once what a checkpoint could disturb, until it reads a byte: keeps vector registers full,
 * counts the signals that it sends itself, forks and waits for children of any kind, makes threads.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/programs/restart_victim.h"

static int over;
static volatile int received, children_ended;
static int sent, children;

static int go_on(void) { return !__atomic_load_n(&over, __ATOMIC_SEQ_CST); }

/* Real-time signals keep their order and their values. */
static void on_queued(int signo, siginfo_t *info, void *context)
{
	(void)signo, (void)context;
	CHECK(info->si_value.sival_int == received);
	received++;
}

static void on_child(int signo) { (void)signo; children_ended++; }

static void *signals(void *unused)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	while (go_on()) {
		int before = sent;

		/* Some at once, some that wait until they are allowed. */
		pthread_sigmask(SIG_BLOCK, &set, NULL);
		for (int i = 0; i < 10; i++)
			CHECK(sigqueue(getpid(), SIGRTMIN, (union sigval){ sent++ }) == 0);
		pthread_sigmask(SIG_UNBLOCK, &set, NULL);
		CHECK(received == before + 10);
	}
	return unused;
}

/* The only children are its own, and each is heard of once. */
static void *forks(void *unused)
{
	sigset_t set;
	int status, options[] = { 0, __WALL, __WALL, 0 };

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	for (; go_on(); children++) {
		int before = children_ended;
		pid_t child = children % 2 ? fork() : vfork();

		if (child == 0)
			_exit(7);
		CHECK(child > 0);
		CHECK(waitpid(-1, &status, options[children % 4]) == child &&
		      WEXITSTATUS(status) == 7);
		CHECK(waitpid(-1, &status, __WALL | WNOHANG) < 0 && errno == ECHILD);
		while (children_ended == before)
			sched_yield();
		CHECK(children_ended == before + 1);
	}
	return unused;
}

static void *vectors(void *unused)
{
	unsigned char in[16], out[16];

	for (unsigned n = 0; go_on(); n++) {
		memset(in, (int)n, sizeof in);
		__asm__ volatile("movdqu %1, %%xmm6\n\tmovdqu %1, %%xmm15\n\tmov $100000, %%ecx\n"
				 "1:\tdec %%ecx\n\tjnz 1b\n\tpxor %%xmm6, %%xmm15\n"
				 "\tmovdqu %%xmm15, %0\n\t"
				 "movdqu %%xmm6, %%xmm15\n\tpor %%xmm15, %%xmm6\n"
				 : "=m"(out) : "m"(in) : "ecx", "xmm6", "xmm15", "cc");
		for (size_t i = 0; i < sizeof out; i++)
			CHECK(out[i] == 0);
	}
	return unused;
}

static void *nothing(void *value) { return value; }

static void *threads(void *unused)
{
	for (long n = 1; go_on(); n++) {
		pthread_t thread;
		void *result;

		CHECK(pthread_create(&thread, NULL, nothing, (void *)n) == 0);
		CHECK(pthread_join(thread, &result) == 0 && result == (void *)n);
	}
	return unused;
}

/* The leader's own registers: in a loop, with no call in it. */
static void compute(void)
{
	double x = 0.5;
	long rounds = 0;

	for (; go_on(); rounds++) {
		x = 0.5;
		for (int i = 0; i < 1000; i++)
			x = 3.9 * x * (1 - x);
		static double first;
		if (rounds == 0)
			first = x;
		CHECK(memcmp(&x, &first, sizeof x) == 0);
	}
}

static void *finish(void *unused)
{
	char byte;

	CHECK(write(1, "ready\n", 6) == 6 && read(0, &byte, 1) == 1);
	__atomic_store_n(&over, 1, __ATOMIC_SEQ_CST);
	return unused;
}

int main(void)
{
	void *(*jobs[])(void *) = { signals, forks, vectors, threads, finish };
	enum { JOBS = sizeof jobs / sizeof jobs[0] };
	struct sigaction queued = { .sa_sigaction = on_queued,
				    .sa_flags = SA_SIGINFO | SA_RESTART };
	struct sigaction child = { .sa_handler = on_child, .sa_flags = SA_RESTART };
	pthread_t started[JOBS];
	sigset_t set;

	sigaction(SIGRTMIN, &queued, NULL);
	sigaction(SIGCHLD, &child, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (int i = 0; i < JOBS; i++)
		CHECK(pthread_create(&started[i], NULL, jobs[i], NULL) == 0);
	compute();
	for (int i = 0; i < JOBS; i++)
		CHECK(pthread_join(started[i], NULL) == 0);
	CHECK(received == sent && children_ended == children);
	dprintf(1, "ok\n");
	return 0;
}
