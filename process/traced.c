/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "process/traced.h"

#include <elf.h>
#include <errno.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

int traced_read(pid_t pid, addr_t from, void *to, size_t len, struct error *err)
{
	struct iovec local = { to, len }, remote = { (void *)from, len };
	ssize_t n = process_vm_readv(pid, &local, 1, &remote, 1, 0);

	if (n != (ssize_t)len)
		return error_sys(err, n < 0 ? errno : EFAULT, "reading memory of process %d", pid);
	return 0;
}

int traced_write(pid_t pid, addr_t to, const void *from, size_t len, struct error *err)
{
	while (len) {
		/* One call transfers at most MAX_RW_COUNT bytes. */
		struct iovec local = { (void *)(uintptr_t)from, len }, remote = { (void *)to, len };
		ssize_t n = process_vm_writev(pid, &local, 1, &remote, 1, 0);

		if (n <= 0)
			return error_sys(err, n < 0 ? errno : EFAULT,
					 "writing memory of process %d", pid);
		from = (const char *)from + n;
		to += (addr_t)n;
		len -= (size_t)n;
	}
	return 0;
}

int traced_registers(pid_t tid, struct user_regs_struct *regs, struct error *err)
{
	struct iovec iov = { regs, sizeof *regs };

	if (ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &iov) < 0)
		return error_sys(err, errno, "reading the registers of thread %d", tid);
	if (iov.iov_len != sizeof *regs)
		return error_set(err, ENOTSUP, "thread %d runs 32-bit code, which is not supported",
				 tid);
	return 0;
}

int traced_set_registers(pid_t tid, const struct user_regs_struct *regs, struct error *err)
{
	struct iovec iov = { (void *)(uintptr_t)regs, sizeof *regs };

	if (ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, &iov) < 0)
		return error_sys(err, errno, "setting the registers of thread %d", tid);
	return 0;
}
