/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * PROG, held at its first instruction (start.h), receives the bootstrap and the plan.  Each of its
 * threads ends the plan in a trap; here their registers are installed, and the leader's last act
 * for us is to unmap the bootstrap.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process/sigframe.h"
#include "restart/launch.h"
#include "restart/registers.h"
#include "restart/remote.h"
#include "restart/scheduling.h"
#include "restart/start.h"
#include "util/cleanup.h"

extern const char bootstrap_blob[], bootstrap_blob_end[];

struct session {
	struct restore *r;
	struct remote remote;
	struct plan plan;
	pid_t *tids;          /* by the thread's number, once it has trapped */
	size_t arrived;
	struct pin pin;       /* all: restart's own, which the program gets */
};

/* ---- On one cpu ------------------------------------------------------------------------------ */

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
	/* A new thread begins with SIGSTOP. */
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
	pin(&s);
	if (start_program(r, &s.remote, err) < 0 ||
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
