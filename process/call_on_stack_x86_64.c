/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "process/raw_x86_64.h"

/*
 * With what a debugger needs to find its way back from the other stack.  It takes an outer frame at
 * a lower address for a corrupt stack, but between a signal's frame and that below (gdb,
 * get_prev_frame_always_1()); the other stack may be above that of a thread, so this is one.
 */
__asm__(".pushsection .text\n"
	".globl call_on_stack\n"
	".hidden call_on_stack\n"
	".type call_on_stack, @function\n"
	"call_on_stack:\n"
	".cfi_startproc\n"
	".cfi_signal_frame\n"
	"pushq %rbp\n"
	".cfi_def_cfa_offset 16\n"
	".cfi_offset %rbp, -16\n"
	"movq %rsp, %rbp\n"
	".cfi_def_cfa_register %rbp\n"
	"movq %rdi, %rsp\n"
	"movq %rdx, %rdi\n"
	"call *%rsi\n"
	"leave\n"
	".cfi_def_cfa %rsp, 8\n"
	"ret\n"
	".cfi_endproc\n"
	".size call_on_stack, . - call_on_stack\n"
	".popsection");
