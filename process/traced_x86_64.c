/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The registers that a system call takes and leaves. */
#include "process/traced.h"

void traced_prepare_call(struct user_regs_struct *regs, addr_t at, long nr, uint64_t a, uint64_t b,
			 uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
	regs->rip = at;
	regs->rax = (unsigned long long)nr;
	/* Else a restart code in rax would be acted upon (arch_do_signal_or_restart()). */
	regs->orig_rax = (unsigned long long)-1;
	regs->rdi = a;
	regs->rsi = b;
	regs->rdx = c;
	regs->r10 = d;
	regs->r8 = e;
	regs->r9 = f;
}

int traced_result(pid_t tid, long *result, struct error *err)
{
	struct user_regs_struct regs;

	if (traced_registers(tid, &regs, err) < 0)
		return -1;
	*result = (long)regs.rax;
	return 0;
}
