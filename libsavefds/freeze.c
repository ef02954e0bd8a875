/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Stopping the other threads between the text and the core: if they ran on, the offsets in the text
 * would no longer be those of the core.
 *
 * A thread cannot be stopped from within its own process without a trace in its registers, but by
 * ptrace it can; and ptrace wants the tracer in another process.  So a helper is cloned that shares
 * our memory and descriptors.  The two speak through one futex word:
 *
 *   stage            entered by   then
 *   STAGE_CLONED     handler      it names the helper as its tracer (Yama)
 *   STAGE_GO         handler      the helper stops all other threads; the handler waits
 *   STAGE_FROZEN     helper       the handler writes the text and returns; the signal is delivered
 *   STAGE_REFUSED    helper       it ends; the handler reaps it and goes on without
 *
 * The helper also traces the handler's thread, without stopping it, until that thread has dumped
 * the core and is about to end (PTRACE_EVENT_EXIT).  Then the helper ends first, while its parent
 * is still there and ignores SIGCHLD, which makes the kernel reap it: nobody inherits a zombie.
 * Should its parent be gone in another way, it is killed.
 *
 * The helper runs on the thread-local storage of the handler's thread.  While the handler waits it
 * may use the C library, whose errno the handler has saved; afterwards it must not.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "libsavefds/library.h"
#include "process/raw_x86_64.h"
#include "process/procfs_dir.h"
#include "process/procfs_private.h"
#include "util/cleanup.h"

enum { STAGE_CLONED, STAGE_GO, STAGE_FROZEN, STAGE_REFUSED };

enum { HELPER_STACK_SIZE = 64 * 1024 };

static char helper_stack[HELPER_STACK_SIZE] __attribute__((aligned(64)));

static struct {
	bool active;
	uint32_t stage;
	pid_t pid;     /* of the process */
	pid_t thread;  /* the one that handles the signal */
} freeze;

/* ---- The word ------------------------------------------------------------------------------- */

static void enter(uint32_t stage)
{
	__atomic_store_n(&freeze.stage, stage, __ATOMIC_RELEASE);
	raw_syscall(SYS_futex, (long)&freeze.stage, FUTEX_WAKE, INT_MAX, 0, 0);
}

/* Waits for a stage behind STAGE, at most LIMIT seconds, and returns the stage that is then. */
static uint32_t wait_behind(uint32_t stage, int limit)
{
	struct timespec timeout = { .tv_sec = limit };

	while (__atomic_load_n(&freeze.stage, __ATOMIC_ACQUIRE) == stage)
		if (raw_syscall(SYS_futex, (long)&freeze.stage, FUTEX_WAIT, stage, (long)&timeout,
				0) == -ETIMEDOUT)
			break;
	return __atomic_load_n(&freeze.stage, __ATOMIC_ACQUIRE);
}

/* ---- The helper ----------------------------------------------------------------------------- */

static long trace(long request, pid_t tid, long data)
{
	return raw_syscall(SYS_ptrace, request, tid, 0, data, 0);
}

/*
 * Waits until COUNT threads have stopped.  One that sleeps where no signal reaches it (vfork, a
 * dead file server) is not waited for: it does not run in the program either.
 */
static void wait_for_stops(size_t count)
{
	struct timespec patience = { .tv_nsec = 100 * 1000 * 1000 };
	uint64_t child = (uint64_t)1 << (SIGCHLD - 1);

	while (count > 0) {
		long tid = raw_syscall(SYS_wait4, -1, 0, __WALL | WNOHANG, 0, 0);

		if (tid > 0)
			count--;
		else if (tid < 0 || raw_syscall(SYS_rt_sigtimedwait, (long)&child, 0,
						(long)&patience, sizeof child, 0) < 0)
			return;
	}
}

/* Stops the threads that are not stopped yet.  Returns how many there were. */
static size_t stop_threads(void)
{
	cleanup_fd int fd = -1;
	struct proc_dir dir;
	struct error err;
	size_t found = 0;
	uint64_t tid;

	if (proc_dir_open(&dir, &fd, freeze.pid, "task", &err) < 0)
		return 0;
	while (proc_dir_next(&dir, &tid, &err) > 0) {
		if ((pid_t)tid == freeze.thread || trace(PTRACE_SEIZE, (pid_t)tid, 0) < 0)
			continue;
		trace(PTRACE_INTERRUPT, (pid_t)tid, 0);
		found++;
	}
	wait_for_stops(found);
	return found;
}

/* Lets the handler's thread go on until it has dumped the core and is about to end. */
static void wait_for_end(void)
{
	enum { ABOUT_TO_END = SIGTRAP | PTRACE_EVENT_EXIT << 8 };
	int status;

	while (raw_syscall(SYS_wait4, freeze.thread, (long)&status, __WALL, 0, 0) > 0) {
		if (!WIFSTOPPED(status) || status >> 8 == ABOUT_TO_END)
			return;
		/* A signal on its way to the thread, or else (an event) none. */
		trace(PTRACE_CONT, freeze.thread, status >> 16 ? 0 : WSTOPSIG(status));
	}
}

static void stop_and_wait(void)
{
	if (trace(PTRACE_SEIZE, freeze.thread, PTRACE_O_TRACEEXIT) < 0) {
		enter(STAGE_REFUSED);
		return;
	}
	while (stop_threads() > 0)
		;  /* a thread may have made another one before it stopped */
	enter(STAGE_FROZEN);
	wait_for_end();
}

static void helper(void)
{
	enum { PATIENCE = 10 };
	struct kernel_sigaction by_default = { 0 };

	raw_syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	/* Stops are announced by SIGCHLD, but not to a tracer that ignores it. */
	raw_syscall(SYS_rt_sigaction, SIGCHLD, (long)&by_default, 0, sizeof by_default.mask, 0);
	if (raw_syscall(SYS_getppid, 0, 0, 0, 0, 0) == freeze.pid &&
	    wait_behind(STAGE_CLONED, PATIENCE) == STAGE_GO)
		stop_and_wait();
	raw_syscall(SYS_exit_group, 0, 0, 0, 0, 0);
}

/* ---- The handler's side --------------------------------------------------------------------- */

static bool has_threads(void)
{
	cleanup_fd int fd = -1;
	struct proc_dir dir;
	struct error err;
	uint64_t tid;
	int count = 0;

	if (proc_dir_open(&dir, &fd, 0, "task", &err) < 0)
		return false;
	while (count < 2 && proc_dir_next(&dir, &tid, &err) > 0)
		count++;
	return count > 1;
}

/* The thread ids of a /proc that belongs to another pid namespace would be those of strangers. */
static bool proc_is_ours(void)
{
	char self[24] = "";
	const char *number = self;

	return readlink("/proc/self", self, sizeof self - 1) > 0 &&
	       (pid_t)parse_number(&number, 10) == getpid();
}

/* Before Linux 5.16 a dump took every process that shares the memory for a thread (zap_threads). */
static bool kernel_can(void)
{
	struct utsname u;
	const char *release = u.release;
	uint64_t major, minor;

	if (uname(&u) < 0)
		return false;
	major = parse_number(&release, 10);
	release += *release == '.';
	minor = parse_number(&release, 10);
	return major > 5 || (major == 5 && minor >= 16);
}

void freeze_others(void)
{
	enum { FLAGS = CLONE_VM | CLONE_FILES | CLONE_FS | CLONE_UNTRACED, PATIENCE = 10 };
	long pid;

	freeze.active = false;
	if (!has_threads() || !proc_is_ours() || !kernel_can())
		return;
	freeze.pid = getpid();
	freeze.thread = (pid_t)raw_syscall(SYS_gettid, 0, 0, 0, 0, 0);
	freeze.stage = STAGE_CLONED;
	pid = raw_clone(FLAGS | SIGCHLD, helper_stack + sizeof helper_stack, helper);
	if (pid < 0)
		return;
	/* Without Yama the kernel does not know this option: no harm done. */
	prctl(PR_SET_PTRACER, pid, 0, 0, 0);
	enter(STAGE_GO);
	freeze.active = wait_behind(STAGE_GO, PATIENCE) == STAGE_FROZEN;
	if (freeze.stage == STAGE_REFUSED)
		raw_syscall(SYS_wait4, pid, 0, __WALL, 0, 0);
}

bool freeze_has_helper(void)
{
	return freeze.active;
}

void freeze_until_core(void)
{
	struct kernel_sigaction ignore = { .handler = (uintptr_t)SIG_IGN };

	if (freeze.active)
		raw_syscall(SYS_rt_sigaction, SIGCHLD, (long)&ignore, 0, sizeof ignore.mask, 0);
	freeze.active = false;
}
