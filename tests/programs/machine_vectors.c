/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Keeps noise in all sixteen ymm registers, and rounding modes of its own in MXCSR and the x87
 * control word, through a loop that ends at SIGUSR1; then all must be as it was.
 */
#include <immintrin.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static volatile int stop;

static void on_usr1(int signo)
{
	(void)signo;
	stop = 1;
}

#define EACH(OP) OP(0) OP(1) OP(2) OP(3) OP(4) OP(5) OP(6) OP(7) OP(8) OP(9) OP(10) OP(11) OP(12) \
	OP(13) OP(14) OP(15)
#define LOAD(N) "vmovdqu " #N "*32(%0), %%ymm" #N "\n\t"
#define STORE(N) "vmovdqu %%ymm" #N ", " #N "*32(%1)\n\t"
#define NAME(N) "xmm" #N,

int main(void)
{
	unsigned short control = 0x0f7f, control_after = 0;  /* round towards zero */
	unsigned char before[16][32], after[16][32];
	unsigned state = 7;

	for (size_t i = 0; i < sizeof before; i++)
		before[0][i] = (unsigned char)((state = state * 1664525 + 1013904223) >> 24);
	signal(SIGUSR1, on_usr1);
	_mm_setcsr(0x7f80);
	puts("ready");
	fflush(stdout);
	__asm__ volatile("fldcw %3\n\t" EACH(LOAD)
			 "1:\n\t"
			 "pause\n\t"
			 "cmpl $0, %4\n\t"
			 "je 1b\n\t"
			 EACH(STORE) "fnstcw %2\n\t"
			 : : "r"(before), "r"(after), "m"(control_after), "m"(control), "m"(stop)
			 : EACH(NAME) "memory");
	if (memcmp(before, after, sizeof before) != 0 || _mm_getcsr() != 0x7f80 ||
	    control_after != control)
		return printf("registers differ\n"), 1;
	puts("ok");
	return 0;
}
