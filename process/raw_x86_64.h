/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the libraries that are guests in a program must do below its C library.  x86-64.
 */
#ifndef PROCESS_RAW_X86_64_H
#define PROCESS_RAW_X86_64_H

#include <stdint.h>
#include <sys/syscall.h>

/*
 * A system call that leaves errno alone: the result,
 * or minus an errno value.  A sixth argument is 0.
 */
static inline long raw_syscall(long number, long a, long b, long c, long d, long e)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = 0;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

/* Calls FUNCTION(ARGUMENT) on the stack that ends at TOP, which is 16-byte aligned. */
__attribute__((visibility("hidden")))
void call_on_stack(void *top, void (*function)(void *), void *argument);

/*
 * As clone() with FLAGS and the stack that ends at TOP: the child calls FUNCTION, which never
 * returns.  Thread-local storage stays that of the caller, errno included.
 */
static inline long raw_clone(unsigned long flags, void *top, void (*function)(void))
{
	register long r10 __asm__("r10") = 0;
	register long r8 __asm__("r8") = 0;
	long result;

	__asm__ volatile("syscall\n\t"
			 "testq %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "call *%[function]\n\t"
			 "ud2\n"
			 "1:"
			 : "=a"(result)
			 : "a"((long)SYS_clone), "D"(flags), "S"(top), "d"(0L), "r"(r10), "r"(r8),
			   [function] "r"(function)
			 : "rcx", "r11", "memory", "cc");
	return result;
}

#endif
