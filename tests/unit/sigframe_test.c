/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Signal frames: a child enters one, and must find in it all that was put there.  x86-64. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process/sigframe.h"
#include "tests/unit/check.h"

enum { STACK_SIZE = 65536, FOUND = 42, LOST = 43 };

static uint8_t pattern[32], found[32];
static uint8_t stack[STACK_SIZE] __attribute__((aligned(64)));

/* Where the frame leads: the registers as they are at its very beginning, then C. */
extern const char landing[];
__asm__(".text\n"
	"landing:\n\t"
	"vmovdqu %ymm7, found(%rip)\n\t"
	"andq $-16, %rsp\n\t"
	"call landed\n\t"
	"ud2\n");

void landed(uint64_t argument);
void landed(uint64_t argument)
{
	sigset_t blocked;

	sigprocmask(SIG_BLOCK, NULL, &blocked);
	_exit(argument == 4711 && memcmp(found, pattern, sizeof found) == 0 &&
	      sigismember(&blocked, SIGUSR1) && !sigismember(&blocked, SIGUSR2) ? FOUND : LOST);
}

static void *saved_vectors(size_t size)
{
	void *area = aligned_alloc(64, (size + 63) & ~(size_t)63);

	memset(area, 0, size);
	__asm__ volatile("vmovdqu %1, %%ymm7\n\t"
			 "xsave64 (%0)\n\t"
			 "vzeroall"
			 : : "r"(area), "m"(pattern), "a"(7), "d"(0) : "memory", "xmm7");
	return area;
}

static void enter_frame(void)
{
	size_t size = xsave_host_size();
	void *frame = aligned_alloc(64, (sigframe_size(size) + 63) & ~(size_t)63);
	struct user_regs_struct regs = {
		.rip = (uintptr_t)landing, .rsp = (uintptr_t)(stack + STACK_SIZE), .rdi = 4711,
		.eflags = 0x202,
	};

	sigframe_build(frame, (uintptr_t)frame, &regs, saved_vectors(size), size,
		       1ull << (SIGUSR1 - 1));
	__asm__ volatile("movq %0, %%rsp\n\t"
			 "syscall\n\t"
			 "ud2"
			 : : "r"(frame), "a"(SYS_rt_sigreturn) : "memory");
}

int main(void)
{
	int status = 0;
	pid_t child;

	if (!__builtin_cpu_supports("avx")) {
		CHECK(true, "no AVX here: nothing to lose");
		return CHECK_DONE();
	}
	for (size_t i = 0; i < sizeof pattern; i++)
		pattern[i] = (uint8_t)(i + 1);
	child = fork();
	if (child == 0)
		enter_frame();
	CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status), "the child ends by itself");
	CHECK(WEXITSTATUS(status) == FOUND,
	      "registers, whole vector registers and signal mask are those of the frame");
	return CHECK_DONE();
}
