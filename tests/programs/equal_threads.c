/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Threads that wait in different calls for what does not come, each with noise of its own in its
 * vector registers (AVX where the cpu has it), a signal mask of its own, and bytes on its stack.
 * The calls are made here and not in libc, so that the registers live through them.
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { THREADS = 12 };

static long system_call(long nr, long a, long b, long c, const unsigned char noise[32])
{
	register long r10 __asm__("r10") = 0;
	long result;

	/* Two registers are enough to see that none is mixed up. */
	__asm__ volatile(
#ifdef __AVX__
		"vmovdqu (%[noise]), %%ymm3\n\t"
		"vmovdqu (%[noise]), %%ymm15\n\t"
#else
		"movdqu (%[noise]), %%xmm3\n\t"
		"movdqu (%[noise]), %%xmm15\n\t"
#endif
		"syscall"
		: "=a"(result)
		: "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), [noise] "r"(noise)
		: "rcx", "r11", "memory", "xmm3", "xmm15");
	return result;
}

static void *wait_for_ever(void *arg)
{
	static int futex;
	size_t number = (size_t)arg;
	unsigned char noise[32];
	int fds[2];
	sigset_t mask;

	memset(noise, (int)(number * 17 + 3), sizeof noise);
	noise[number] ^= 0xff;
	sigemptyset(&mask);
	sigaddset(&mask, SIGRTMIN + (int)number);
	pthread_sigmask(SIG_BLOCK, &mask, NULL);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0)
		return NULL;
	switch (number % 4) {
	case 0: system_call(SYS_futex, (long)&futex, FUTEX_WAIT, 0, noise); break;
	case 1: system_call(SYS_read, fds[0], (long)noise, 1, noise); break;
	case 2: system_call(SYS_pause, 0, 0, 0, noise); break;
	case 3: system_call(SYS_wait4, -1, 0, 0, noise); break;
	}
	return NULL;
}

int main(void)
{
	pthread_t threads[THREADS];
	pid_t child = fork();  /* to be waited for */

	if (child == 0) {
		for (;;)
			pause();
	}
	for (size_t i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, wait_for_ever, (void *)i) != 0)
			return 1;
	printf("ready %d\n", (int)child);
	fflush(stdout);
	pause();
	return 1;
}
