/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "restart/start.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/auxvec.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process/arch.h"
#include "restart/launch.h"
#include "restart/vdso.h"
#include "util/cleanup.h"

/* ---- Up to the first instruction ------------------------------------------------------------- */

/* Until the last moment EXITKILL sees to it that nothing survives a restart that is killed. */
enum { TRACE_OPTIONS = PTRACE_O_EXITKILL };

/*
 * All signals are blocked until the registers are in place, or one that comes in between would run
 * a restored handler on the bootstrap's stack.  SIGTRAP is not: a trap that finds it blocked resets
 * its disposition (kernel/signal.c, force_sig_info_to_task).
 */
static void block_signals(void)
{
	sigset_t set;

	sigfillset(&set);
	sigdelset(&set, SIGTRAP);
	sigprocmask(SIG_SETMASK, &set, NULL);
	signal(SIGTRAP, SIG_DFL);
}

/* What the child tells through a pipe when it cannot become the bootstrap process. */
struct complaint {
	enum { LENDING, TRACING, EXECUTING } stage;
	int code;
};

__attribute__((noreturn)) static void complain(int report, struct complaint c)
{
	_exit(write(report, &c, sizeof c) == sizeof c ? 1 : 2);
}

__attribute__((noreturn)) static void run_child(const struct restore *r, int report)
{
	char *argv[] = { r->program, NULL };
	char *envp[] = { NULL };

	block_signals();
	if (!r->options->wait)
		setsid();
	if (launch_lend(r) < 0)
		complain(report, (struct complaint){ LENDING, errno });
	if (ptrace(PTRACE_TRACEME, 0, 0, 0) < 0)
		complain(report, (struct complaint){ TRACING, errno });
	kill(getpid(), SIGSTOP);
	execve(r->program, argv, envp);
	complain(report, (struct complaint){ EXECUTING, errno });
}

static int explain_end(const struct restore *r, int report, struct error *err)
{
	struct complaint c;

	if (read(report, &c, sizeof c) != sizeof c)
		return error_set(err, ESRCH, "%s ended before it could be restored", r->program);
	if (c.stage == TRACING)
		return error_set(err, LAUNCH_NO_PTRACE, "ptrace is not permitted here");
	return error_sys(err, c.code, "%s",
			 c.stage == LENDING ? "lending descriptors" : r->program);
}

/* Waits for the child's next stop; when it ended instead, says why. */
static int wait_for_stop(const struct restore *r, pid_t pid, int report, int *signal,
			 struct error *err)
{
	int status;

	if (remote_wait(pid, &status, err) < 0)
		return -1;
	if (!WIFSTOPPED(status))
		return explain_end(r, report, err);
	*signal = WSTOPSIG(status);
	return 0;
}

static int start(const struct restore *r, pid_t *pid, struct error *err)
{
	cleanup_fd int report_read = -1, report_write = -1;
	int ends[2], signal;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_sys(err, errno, "pipe");
	report_read = ends[0];
	report_write = ends[1];
	*pid = launch_fork(r->keep_ids ? r->process->pid : 0);
	if (*pid < 0)
		return error_sys(err, errno, "new process");
	if (*pid == 0)
		run_child(r, report_write);
	close(steal_fd(&report_write));

	if (wait_for_stop(r, *pid, report_read, &signal, err) < 0)
		return -1;
	if (ptrace(PTRACE_SETOPTIONS, *pid, 0, TRACE_OPTIONS) < 0 ||
	    ptrace(PTRACE_CONT, *pid, 0, 0) < 0)
		return error_sys(err, errno, "ptrace");
	if (wait_for_stop(r, *pid, report_read, &signal, err) < 0)
		return -1;
	if (signal != SIGTRAP)
		return error_set(err, EINTR, "%s: stopped by signal %d", r->program, signal);
	return 0;
}

/* ---- Its vdso, and with it a `syscall` instruction ------------------------------------------- */

/*
 * At its first instruction the stack pointer leads to argc, the arguments, the environment (both as
 * run_child() gave them: one and none) and then the auxiliary vector.
 */
static int find_vdso(struct restore *r, struct remote *remote, struct error *err)
{
	struct user_regs_struct regs;
	uint64_t words[4 + 2 * 40] = { 0 };
	addr_t vdso = 0;

	if (traced_registers(remote->pid, &regs, err) < 0)
		return -1;
	/* The stack may end, at a page's end, before that many words do. */
	size_t page_size = r->process->arch->page_size;
	size_t len = page_size - regs.rsp % page_size;
	if (len < sizeof words / 2)
		len += page_size;
	if (traced_read(remote->pid, regs.rsp, words, len < sizeof words ? len : sizeof words,
			err) < 0)
		return -1;
	for (size_t i = 4; i + 1 < sizeof words / sizeof words[0] && words[i] != AT_NULL; i += 2)
		if (words[i] == AT_SYSINFO_EHDR)
			vdso = words[i + 1];
	if (!vdso || vdso_here(&r->vdso, vdso, err) < 0)
		return error_set(err, ENOTSUP, "this kernel gives processes no vdso");
	remote->syscall_at = vdso + vdso_syscall_offset();
	return 0;
}

/* ---- -b -------------------------------------------------------------------------------------- */

/* Lets PROG run to an address first. */
static int run_to_breakpoint(const struct restore *r, const struct remote *remote,
			     struct error *err)
{
	pid_t pid = remote->pid;
	addr_t at = r->options->breakpoint_at;
	struct user_regs_struct regs;
	int status;

	errno = 0;
	long word = ptrace(PTRACE_PEEKTEXT, pid, at, 0);
	if (errno || ptrace(PTRACE_POKETEXT, pid, at, (word & ~0xffl) | 0xcc) < 0)
		return error_sys(err, errno, "--breakpoint: address 0x%llx of %s",
				 (unsigned long long)at, r->program);
	if (ptrace(PTRACE_CONT, pid, 0, 0) < 0)
		return error_sys(err, errno, "ptrace");
	if (remote_wait(pid, &status, err) < 0 || traced_registers(pid, &regs, err) < 0 ||
	    !WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP || regs.rip != at + 1)
		return error_set(err, EINVAL, "--breakpoint: %s did not reach 0x%llx",
				 r->program, (unsigned long long)at);
	/* Its start-up code has registered an rseq area, which is about to be unmapped. */
	struct { uint64_t pointer; uint32_t size, signature, flags, pad; } rseq;
	long result;
	if (ptrace(PTRACE_GET_RSEQ_CONFIGURATION, pid, sizeof rseq, &rseq) > 0 && rseq.pointer)
		return remote_syscall(remote, &result, err, SYS_rseq, rseq.pointer, rseq.size,
				      1, rseq.signature, 0, 0);
	return 0;
}

int start_program(struct restore *r, struct remote *remote, struct error *err)
{
	if (start(r, &remote->pid, err) < 0 || find_vdso(r, remote, err) < 0)
		return -1;
	return r->options->breakpoint ? run_to_breakpoint(r, remote, err) : 0;
}
