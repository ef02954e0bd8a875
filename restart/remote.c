/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "restart/remote.h"

#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

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

	if (traced_registers(r->pid, &regs, err) < 0)
		return -1;
	traced_prepare_call(&regs, r->syscall_at, nr, a, b, c, d, e, f);
	if (traced_set_registers(r->pid, &regs, err) < 0)
		return -1;
	if (ptrace(PTRACE_SINGLESTEP, r->pid, 0, 0) < 0)
		return error_sys(err, errno, "stepping process %d", r->pid);
	if (remote_wait(r->pid, &status, err) < 0)
		return -1;
	if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP)
		return error_set(err, ESRCH, "the new process died (wait status 0x%x)",
				 (unsigned)status);
	return traced_result(r->pid, result, err);
}
