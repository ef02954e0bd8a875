/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Invariant: registers come back bit by bit: the 16 vector registers across the very system call
 * that dumps core, the bases of fs and gs, the rounding modes of both floating-point units, and,
 * in a loop that is interrupted anywhere, a vector sum and an integer count that must agree.
 */
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <asm/unistd.h>
#include <fenv.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>

#include "tests/programs/restart_victim.h"

#define EACH(text) ".irp i,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n" text "\n.endr\n"

static volatile uint32_t begun, enough;

static void check_vectors(void)
{
	static uint8_t in[16][32], out[16][32];
	long result = __NR_kill;

	for (size_t i = 0; i < sizeof in; i++)
		in[i / 32][i % 32] = (uint8_t)(i * 7 + 1);
	__asm__ volatile(EACH("vmovdqu 32*\\i(%1), %%ymm\\i") "syscall\n"
			 EACH("vmovdqu %%ymm\\i, 32*\\i(%2)")
			 : "+a"(result) : "r"(in), "r"(out), "D"((long)getpid()), "S"((long)SIGQUIT)
			 : "rcx", "r11", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5",
			   "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13",
			   "xmm14", "xmm15");
	CHECK(result == 0 && memcmp(in, out, sizeof in) == 0);
}

static void *interrupt(void *arg)
{
	while (!begun)
		;
	checkpoint_from_thread();
	enough = 1;
	return arg;
}

static void check_loop(void)
{
	double one[4] = { 1, 2, 3, 4 }, sum[4];
	uint64_t count = 0;
	pthread_t thread;

	pthread_create(&thread, NULL, interrupt, NULL);
	__asm__ volatile("vxorpd %%ymm0, %%ymm0, %%ymm0\n vmovupd %2, %%ymm1\n movl $1, %3\n"
			 "1: vaddpd %%ymm1, %%ymm0, %%ymm0\n inc %0\n cmpl $0, %4\n je 1b\n"
			 "vmovupd %%ymm0, %1\n"
			 : "+r"(count), "=m"(sum) : "m"(one), "m"(begun), "m"(enough)
			 : "memory", "cc", "xmm0", "xmm1");
	pthread_join(thread, NULL);
	for (int i = 0; i < 4; i++)
		CHECK(sum[i] == (double)count * one[i]);
}

int main(int argc, char **argv)
{
	unsigned long fs, gs, now;

	CHECK(syscall(SYS_arch_prctl, ARCH_SET_GS, &fs) == 0);
	CHECK(syscall(SYS_arch_prctl, ARCH_GET_FS, &fs) == 0 && fesetround(FE_UPWARD) == 0);
	gs = (unsigned long)&fs;
	if (argc > 1 && strcmp(argv[1], "loop") == 0)
		check_loop();
	else
		check_vectors();
	CHECK(syscall(SYS_arch_prctl, ARCH_GET_FS, &now) == 0 && now == fs);
	CHECK(syscall(SYS_arch_prctl, ARCH_GET_GS, &now) == 0 && now == gs);
	CHECK(fegetround() == FE_UPWARD);
	printf("ok\n");
	return 0;
}
