/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The bootstrap process: PROG is executed under ptrace and held at its first instruction, so that
 * /proc/PID/exe, the command name and gdb's idea of the program are right without any privilege.
 * It then receives the bootstrap and the plan.  Each of its threads ends the plan in a trap; here
 * their registers are installed, and the leader's last act for us is to unmap the bootstrap.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/auxvec.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process/arch.h"
#include "process/sigframe.h"
#include "restart/launch.h"
#include "restart/registers.h"
#include "restart/remote.h"
#include "restart/vdso.h"
#include "util/cleanup.h"

extern const char bootstrap_blob[], bootstrap_blob_end[];

/* Until the last moment EXITKILL sees to it that nothing survives a restart that is killed. */
enum { TRACE_OPTIONS = PTRACE_O_EXITKILL | PTRACE_O_TRACECLONE };

struct session {
	struct restore *r;
	struct remote remote;
	struct plan plan;
	pid_t *tids;          /* by the thread's number, once it has trapped */
	size_t arrived;
	struct pin pin;       /* all: restart's own, which the program gets */
};

/* ---- Starting PROG --------------------------------------------------------------------------- */

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

static int explain_end(const struct session *s, int report, struct error *err)
{
	struct complaint c;

	if (read(report, &c, sizeof c) != sizeof c)
		return error_set(err, ESRCH, "%s ended before it could be restored", s->r->program);
	if (c.stage == TRACING)
		return error_set(err, LAUNCH_NO_PTRACE, "ptrace is not permitted here");
	return error_sys(err, c.code, "%s",
			 c.stage == LENDING ? "lending descriptors" : s->r->program);
}

/* Waits for the child's next stop; when it ended instead, says why. */
static int wait_for_stop(struct session *s, int report, int *signal, struct error *err)
{
	int status;

	if (remote_wait(s->remote.pid, &status, err) < 0)
		return -1;
	if (!WIFSTOPPED(status))
		return explain_end(s, report, err);
	*signal = WSTOPSIG(status);
	return 0;
}

static void pin(struct session *s)
{
	struct pin *p = &s->pin;
	int cpu = sched_getcpu();

	if (cpu < 0 || cpu >= CPU_SETSIZE || sched_getaffinity(0, sizeof p->all, &p->all) < 0)
		return;
	CPU_ZERO(&p->one);
	CPU_SET(cpu, &p->one);
	p->set = sched_setaffinity(0, sizeof p->one, &p->one) == 0;
	s->r->pin = p->set ? p : NULL;
}

static void unpin(struct session *s)
{
	if (!s->pin.set)
		return;
	for (size_t i = 0; i < s->arrived; i++)
		if (!restores_cpus(s->r, &s->r->process->threads[i]))
			sched_setaffinity(s->tids[i], sizeof s->pin.all, &s->pin.all);
	sched_setaffinity(0, sizeof s->pin.all, &s->pin.all);
	s->pin.set = false;
	s->r->pin = NULL;
}

static int start(struct session *s, struct error *err)
{
	cleanup_fd int report_read = -1, report_write = -1;
	int ends[2], signal;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_sys(err, errno, "pipe");
	report_read = ends[0];
	report_write = ends[1];
	pin(s);
	s->remote.pid = launch_fork(s->r->keep_ids ? s->r->process->pid : 0);
	if (s->remote.pid < 0)
		return error_sys(err, errno, "new process");
	if (s->remote.pid == 0)
		run_child(s->r, report_write);
	close(steal_fd(&report_write));

	if (wait_for_stop(s, report_read, &signal, err) < 0)
		return -1;
	if (ptrace(PTRACE_SETOPTIONS, s->remote.pid, 0, TRACE_OPTIONS) < 0 ||
	    ptrace(PTRACE_CONT, s->remote.pid, 0, 0) < 0)
		return error_sys(err, errno, "ptrace");
	if (wait_for_stop(s, report_read, &signal, err) < 0)
		return -1;
	if (signal != SIGTRAP)
		return error_set(err, EINTR, "%s: stopped by signal %d", s->r->program, signal);
	return 0;
}

/* -b: lets PROG run to an address first. */
static int run_to_breakpoint(struct session *s, struct error *err)
{
	pid_t pid = s->remote.pid;
	addr_t at = s->r->options->breakpoint_at;
	struct user_regs_struct regs;
	int status;

	errno = 0;
	long word = ptrace(PTRACE_PEEKTEXT, pid, at, 0);
	if (errno || ptrace(PTRACE_POKETEXT, pid, at, (word & ~0xffl) | 0xcc) < 0)
		return error_sys(err, errno, "--breakpoint: address 0x%llx of %s",
				 (unsigned long long)at, s->r->program);
	if (ptrace(PTRACE_CONT, pid, 0, 0) < 0)
		return error_sys(err, errno, "ptrace");
	if (remote_wait(pid, &status, err) < 0 || traced_registers(pid, &regs, err) < 0 ||
	    !WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP || regs.rip != at + 1)
		return error_set(err, EINVAL, "--breakpoint: %s did not reach 0x%llx",
				 s->r->program, (unsigned long long)at);
	/* Its start-up code has registered an rseq area, which is about to be unmapped. */
	struct { uint64_t pointer; uint32_t size, signature, flags, pad; } rseq;
	long result;
	if (ptrace(PTRACE_GET_RSEQ_CONFIGURATION, pid, sizeof rseq, &rseq) > 0 && rseq.pointer)
		return remote_syscall(&s->remote, &result, err, SYS_rseq, rseq.pointer, rseq.size,
				      1, rseq.signature, 0, 0);
	return 0;
}

/* ---- Finding the vdso of the child, and with it a `syscall` instruction ---------------------- */

/*
 * At its first instruction the stack pointer leads to argc, the arguments, the environment (both as
 * run_child() gave them: one and none) and then the auxiliary vector.
 */
static int find_child_vdso(struct session *s, struct error *err)
{
	struct user_regs_struct regs;
	uint64_t words[4 + 2 * 40] = { 0 };
	addr_t vdso = 0;

	if (traced_registers(s->remote.pid, &regs, err) < 0)
		return -1;
	/* The stack may end, at a page's end, before that many words do. */
	size_t page_size = s->r->process->arch->page_size;
	size_t len = page_size - regs.rsp % page_size;
	if (len < sizeof words / 2)
		len += page_size;
	if (traced_read(s->remote.pid, regs.rsp, words, len < sizeof words ? len : sizeof words,
			err) < 0)
		return -1;
	for (size_t i = 4; i + 1 < sizeof words / sizeof words[0] && words[i] != AT_NULL; i += 2)
		if (words[i] == AT_SYSINFO_EHDR)
			vdso = words[i + 1];
	if (!vdso || vdso_here(&s->r->vdso, vdso, err) < 0)
		return error_set(err, ENOTSUP, "this kernel gives processes no vdso");
	s->remote.syscall_at = vdso + vdso_syscall_offset();
	return 0;
}

/* ---- Putting bootstrap and plan into it ------------------------------------------------------ */

static int map_area(struct session *s, size_t image_size, struct error *err)
{
	addr_t area = s->r->area;
	long result;

	if (remote_syscall(&s->remote, &result, err, SYS_mmap, area,
			   AREA_PLAN + image_size + STACK_SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, (uint64_t)-1, 0) < 0)
		return -1;
	if ((addr_t)result != area)
		return error_sys(err, result < 0 && result > -4096 ? (int)-result : EEXIST,
				 "no room for the bootstrap at 0x%llx of the new process",
				 (unsigned long long)area);
	return 0;
}

static int inject(struct session *s, struct error *err)
{
	cleanup_free void *image = NULL;
	pid_t pid = s->remote.pid;
	addr_t area = s->r->area;
	size_t size;
	long result;

	if (restore_plan(s->r, &s->plan, err) < 0 ||
	    plan_finish(&s->plan, &image, &size, err) < 0 || map_area(s, size, err) < 0 ||
	    traced_write(pid, area + AREA_CODE, bootstrap_blob,
			 (size_t)(bootstrap_blob_end - bootstrap_blob), err) < 0 ||
	    traced_write(pid, area + AREA_PLAN, image, size, err) < 0 ||
	    remote_syscall(&s->remote, &result, err, SYS_mprotect, area + AREA_CODE, AREA_PLAN,
			   PROT_READ | PROT_EXEC, 0, 0, 0) < 0)
		return -1;
	if (result < 0)
		return error_sys(err, (int)-result, "making the bootstrap executable");

	struct user_regs_struct regs;
	if (traced_registers(pid, &regs, err) < 0)
		return -1;
	regs.rip = area + AREA_CODE;
	regs.rsp = (area + AREA_PLAN + size + STACK_SIZE) & ~15ull;
	regs.rdi = area + AREA_PLAN;
	regs.rsi = plan_first_op(&s->plan);
	regs.orig_rax = (unsigned long long)-1;
	return traced_set_registers(pid, &regs, err);
}

/* ---- Running the plan ------------------------------------------------------------------------ */

static int report_failure(struct session *s, struct error *err)
{
	struct plan_header header;
	char what[512];

	if (traced_read(s->remote.pid, s->r->area + AREA_PLAN, &header, sizeof header, err) < 0)
		return -1;
	if (!header.failed || header.failed > plan_next(&s->plan))
		return error_set(err, EPROTO, "the bootstrap trapped without a reason");
	plan_describe(&s->plan, header.failed - 1, what, sizeof what);
	if (header.error)
		return error_sys(err, header.error, "%s", what);
	return error_set(err, EPROTO, "%s: unexpected result", what);
}

static int on_trap(struct session *s, pid_t tid, struct error *err)
{
	struct user_regs_struct regs;

	if (traced_registers(tid, &regs, err) < 0)
		return -1;
	if (regs.rax == (unsigned long)PLAN_PAUSED)
		return ptrace(PTRACE_CONT, tid, 0, 0) < 0 ? error_sys(err, errno, "ptrace") : 0;
	if (regs.rax >= s->r->process->thread_count)
		return report_failure(s, err);
	s->tids[regs.rax] = tid;
	s->arrived++;
	return 0;
}

static int on_event(struct session *s, pid_t tid, int status, struct error *err)
{
	if (!WIFSTOPPED(status))
		return error_set(err, ESRCH,
				 "the new process died of %s %d while it was being restored",
				 WIFSIGNALED(status) ? "signal" : "exit status",
				 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	bool is_event = status >> 16 != 0;
	if (!is_event && WSTOPSIG(status) == SIGTRAP)
		return on_trap(s, tid, err);
	if (!is_event && WSTOPSIG(status) != SIGSTOP)
		return error_set(err, EFAULT, "the bootstrap died of signal %d", WSTOPSIG(status));
	/* A new thread begins with SIGSTOP; the one that made it reports PTRACE_EVENT_CLONE. */
	if (ptrace(PTRACE_CONT, tid, 0, 0) < 0)
		return error_sys(err, errno, "ptrace");
	return 0;
}

/* While the process copies its memory; it then pauses until its tracer waits for it. */
static int verify(struct session *s, struct error *err)
{
	bool spread = s->pin.set && s->plan.copiers > 1;

	if (!verified_meanwhile(s->r))
		return 0;
	if (spread)
		sched_setaffinity(0, sizeof s->pin.all, &s->pin.all);
	int result = core_check_memory(s->r->core, err);
	if (spread)
		sched_setaffinity(0, sizeof s->pin.one, &s->pin.one);
	return result;
}

static int run_plan(struct session *s, struct error *err)
{
	if (ptrace(PTRACE_CONT, s->remote.pid, 0, 0) < 0)
		return error_sys(err, errno, "ptrace");
	if (verify(s, err) < 0)
		return -1;
	while (s->arrived < s->r->process->thread_count) {
		int status;
		pid_t tid = waitpid(-1, &status, __WALL);

		if (tid < 0 && errno == EINTR)
			continue;
		if (tid < 0)
			return error_sys(err, errno, "waiting for the new process");
		if (on_event(s, tid, status, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- Setting it free ------------------------------------------------------------------------- */

static int install_xsave(struct session *s, pid_t tid, const struct thread *t, struct error *err)
{
	size_t size = xsave_host_size();
	cleanup_free void *area = registers_xsave(s->r->process, t, size, err);
	struct iovec iov = { area, size };

	if (!area)
		return -1;
	if (ptrace(PTRACE_SETREGSET, tid, NT_X86_XSTATE, &iov) < 0)
		return error_sys(err, errno, "setting the floating-point registers of thread %d",
				 tid);
	return 0;
}

static int install_thread(struct session *s, size_t i, struct error *err)
{
	const struct thread *t = &s->r->process->threads[i];
	struct user_regs_struct regs;

	if (registers_general(s->r, t, &regs, err) < 0 ||
	    install_xsave(s, s->tids[i], t, err) < 0 ||
	    traced_set_registers(s->tids[i], &regs, err) < 0)
		return -1;
	if (ptrace(PTRACE_SETSIGMASK, s->tids[i], sizeof t->blocked, &t->blocked) < 0)
		return error_sys(err, errno, "setting the signal mask of thread %d", s->tids[i]);
	return 0;
}

static int remove_bootstrap(struct session *s, struct error *err)
{
	struct remote leader = { .pid = s->remote.pid, .syscall_at = s->plan.syscall_at };
	long result;

	if (!leader.syscall_at)
		return 0;
	if (remote_syscall(&leader, &result, err, SYS_munmap, s->r->area, AREA_SIZE, 0, 0, 0, 0) <
	    0)
		return -1;
	return result < 0 ? error_sys(err, (int)-result, "unmapping the bootstrap") : 0;
}

/* From here on the program is on its own; a failure can only be that it was killed meanwhile. */
static int set_free(struct session *s, struct error *err)
{
	size_t count = s->r->process->thread_count;

	if (remove_bootstrap(s, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (install_thread(s, i, err) < 0)
			return -1;
	unpin(s);
	s->r->announce(s->r, s->remote.pid);
	/* Sent while all threads stand, a stop signal takes effect before any of them gets far. */
	if (!s->r->options->nostop)
		kill(s->remote.pid, SIGSTOP);
	for (size_t i = count; i-- > 0;)
		if (ptrace(PTRACE_DETACH, s->tids[i], 0, 0) < 0)
			return error_sys(err, errno, "detaching from thread %d", s->tids[i]);
	return 0;
}

/* ---- The driver ------------------------------------------------------------------------------ */

static void kill_child(struct session *s)
{
	int status;

	if (s->remote.pid <= 0)
		return;
	kill(s->remote.pid, SIGKILL);
	while (waitpid(-1, &status, __WALL) > 0 || errno == EINTR)
		;
}

pid_t launch_traced(struct restore *r, struct error *err)
{
	struct session s = { .r = r };

	s.tids = calloc(r->process->thread_count, sizeof *s.tids);
	if (!s.tids)
		return error_set(err, ENOMEM, "not enough memory");
	if (start(&s, err) < 0 ||
	    find_child_vdso(&s, err) < 0 ||
	    (r->options->breakpoint && run_to_breakpoint(&s, err) < 0) ||
	    inject(&s, err) < 0 ||
	    run_plan(&s, err) < 0 ||
	    set_free(&s, err) < 0) {
		kill_child(&s);
		s.remote.pid = -1;
	}
	unpin(&s);
	plan_free(&s.plan);
	free(s.tids);
	return s.remote.pid;
}
