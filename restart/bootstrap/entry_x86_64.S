/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The bootstrap's entry and what C cannot say.  The entry is byte 0 of the blob; restart jumps
 * there with rsp at the top of the leader's stack, rdi = header, rsi = first operation.
 */
#include <asm/unistd.h>

	.section .text.entry, "ax", @progbits
	.globl	_start
_start:
	xor	%ebp, %ebp
	and	$-16, %rsp
	call	bootstrap_run

	.text
	.globl	bootstrap_syscall
bootstrap_syscall:
	mov	%rdi, %rax
	mov	%rsi, %rdi
	mov	%rdx, %rsi
	mov	%rcx, %rdx
	mov	%r8, %r10
	mov	%r9, %r8
	mov	8(%rsp), %r9
	syscall
	ret

	.globl	bootstrap_clone
bootstrap_clone:
	mov	%rdx, %r8		/* the header and the operation survive the call */
	mov	%rcx, %r9
	mov	$__NR_clone3, %eax
	syscall
	test	%rax, %rax
	jz	1f
	ret
1:	mov	%r8, %rdi
	mov	%r9, %rsi
	jmp	_start

	.globl	bootstrap_trap
bootstrap_trap:
	mov	%rdi, %rax
	int3
	jmp	bootstrap_trap

	.globl	bootstrap_pause
bootstrap_pause:
	mov	%rdi, %rax
	int3
	xor	%eax, %eax
	ret

	.globl	bootstrap_sigreturn
bootstrap_sigreturn:
	mov	%rdi, %rsp
	mov	$__NR_rt_sigreturn, %eax
	syscall
	hlt

	.section .note.GNU-stack, "", @progbits
