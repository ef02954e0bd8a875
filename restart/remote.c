/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "restart/remote.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>

int remote_get_registers(pid_t tid, struct user_regs_struct *regs, struct error *err)
{
	struct iovec iov = { .iov_base = regs, .iov_len = sizeof *regs };

	if (ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &iov) < 0)
		return error_sys(err, errno, "reading the registers of thread %d", tid);
	return 0;
}

int remote_set_registers(pid_t tid, const struct user_regs_struct *regs, struct error *err)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)regs, .iov_len = sizeof *regs };

	if (ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, &iov) < 0)
		return error_sys(err, errno, "setting the registers of thread %d", tid);
	return 0;
}

int remote_read(pid_t pid, addr_t from, void *to, size_t len, struct error *err)
{
	struct iovec local = { to, len }, remote = { (void *)from, len };
	ssize_t n = process_vm_readv(pid, &local, 1, &remote, 1, 0);

	if (n != (ssize_t)len)
		return error_sys(err, n < 0 ? errno : EFAULT, "reading memory of process %d", pid);
	return 0;
}

int remote_write(pid_t pid, addr_t to, const void *from, size_t len, struct error *err)
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

int remote_wait(pid_t tid, int *status, struct error *err)
{
	while (waitpid(tid, status, __WALL) < 0)
		if (errno != EINTR)
			return error_sys(err, errno, "waiting for process %d", tid);
	return 0;
}

int remote_syscall(const struct remote *r, long *result, struct error *err, long nr, uint64_t a,
		   uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
	struct user_regs_struct regs;
	int status;

	if (remote_get_registers(r->pid, &regs, err) < 0)
		return -1;
	regs.rip = r->syscall_at;
	regs.rax = (unsigned long long)nr;
	regs.orig_rax = (unsigned long long)-1;
	regs.rdi = a;
	regs.rsi = b;
	regs.rdx = c;
	regs.r10 = d;
	regs.r8 = e;
	regs.r9 = f;
	if (remote_set_registers(r->pid, &regs, err) < 0)
		return -1;
	if (ptrace(PTRACE_SINGLESTEP, r->pid, 0, 0) < 0)
		return error_sys(err, errno, "stepping process %d", r->pid);
	if (remote_wait(r->pid, &status, err) < 0)
		return -1;
	if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP)
		return error_set(err, ESRCH, "the new process died (wait status 0x%x)",
				 (unsigned)status);
	if (remote_get_registers(r->pid, &regs, err) < 0)
		return -1;
	*result = (long)regs.rax;
	return 0;
}
