/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writes a line in each process that it finds itself in.  With an argument it changes two pages of
 * its read-only data each time, one of which it has replaced by memory of its own; both must still
 * be what they were.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096 };

static const volatile int changed[PAGE / 4] __attribute__((aligned(PAGE))) = { 1 };
static const volatile int replaced[PAGE / 4] __attribute__((aligned(PAGE))) = { 1 };

static void set(const volatile int *at, int value)
{
	void *page = (void *)(uintptr_t)at;

	mprotect(page, PAGE, PROT_READ | PROT_WRITE);
	*(volatile int *)page = value;
	mprotect(page, PAGE, PROT_READ);
}

int main(int argc, char **argv)
{
	(void)argv;
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("replaced %lx\n", (unsigned long)(uintptr_t)replaced);
	for (int i = 1;; i++) {
		for (pid_t me = getpid(); getpid() == me;)
			usleep(1000);
		if (argc > 1) {
			if (changed[0] != i || replaced[0] != i)
				printf("wrong at %d\n", i);
			if (i == 1)
				mmap((void *)(uintptr_t)replaced, PAGE, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
			set(changed, i + 1);
			set(replaced, i + 1);
		}
		printf("process %d\n", i);
	}
}
