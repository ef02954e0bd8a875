/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "process/interrupted.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#include "process/raw_x86_64.h"
#include "process/syscall_restart.h"

/* The bytes in front of PC, as many as can be read: CODE is filled from its end. */
static size_t code_before(uint64_t pc, uint8_t code[SYSCALL_CODE_SIZE])
{
	const uint64_t page = 4096;
	uint64_t start = pc - SYSCALL_CODE_SIZE;
	size_t len = SYSCALL_CODE_SIZE;
	struct iovec to = { code, len }, from = { (void *)(uintptr_t)start, len };
	long pid = raw_syscall(SYS_getpid, 0, 0, 0, 0, 0);

	/* The page in front of the instruction's own may not be there: ask the kernel. */
	if (start / page != (pc - 2) / page) {
		if (raw_syscall(SYS_process_vm_readv, pid, (long)&to, 1, (long)&from, 1) ==
		    (long)len)
			return len;
		start = pc - 2;
		len = 2;
	}
	memcpy(code + SYSCALL_CODE_SIZE - len, (const void *)(uintptr_t)start, len);
	return len;
}

bool interrupted_call_resume(ucontext_t *context)
{
	greg_t *g = context->uc_mcontext.gregs;
	struct syscall_regs regs = {
		.pc = (uint64_t)g[REG_RIP], .result = (uint64_t)g[REG_RAX], .number = UINT64_MAX,
		.rdi = (uint64_t)g[REG_RDI], .rsi = (uint64_t)g[REG_RSI],
		.rdx = (uint64_t)g[REG_RDX], .r10 = (uint64_t)g[REG_R10],
	};
	uint8_t code[SYSCALL_CODE_SIZE];

	if (g[REG_RAX] != -EINTR)
		return false;
	size_t len = code_before(regs.pc, code);

	if (!syscall_resume_after_eintr(&regs, code + sizeof code - len, len))
		return false;
	g[REG_RIP] = (greg_t)regs.pc;
	g[REG_RAX] = (greg_t)regs.result;
	g[REG_RDI] = (greg_t)regs.rdi;
	g[REG_RDX] = (greg_t)regs.rdx;
	return true;
}
