/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Stopping all threads of a process, however new or short-lived, and letting them go. */
#define _GNU_SOURCE
#include "ckpt/tracee.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "process/procfs_dir.h"
#include "process/syscall_restart.h"
#include "util/cleanup.h"

enum {
	/*
	 * A thread in a sleep that no signal reaches does not stop, while the others stand still:
	 * nobody waits for it longer.
	 */
	TICK_MS = 20,
	STOP_TICKS = 100,
	END_TICKS = 500,  /* one that has been killed may be stuck in a driver */
	EXEC_RETRIES = 20,
	ERESTARTNOHAND = 514,  /* include/linux/errno.h */
};

static volatile sig_atomic_t ticks;
static const struct tracee *volatile ticking_for;

/*
 * waitid() with WEXITED alone would take a tracee's stops as well, which somebody else waits for.
 */
static void bury_if_ended(pid_t tid)
{
	const int options = WEXITED | WNOHANG | __WALL;
	siginfo_t info = { 0 };

	if (waitid(P_PID, (id_t)tid, &info, options | WNOWAIT) == 0 && info.si_pid == tid &&
	    (info.si_code == CLD_EXITED || info.si_code == CLD_KILLED ||
	     info.si_code == CLD_DUMPED))
		waitid(P_PID, (id_t)tid, &info, options);
}

/* The next tick: once, so that of many threads there is time for more than ticks. 0: none. */
static void set_alarm(long milliseconds)
{
	const struct itimerval timer = { .it_value.tv_usec = milliseconds * 1000 };

	setitimer(ITIMER_REAL, &timer, NULL);
}

/*
 * Buries the threads that have ended.  A thread in exec waits until the others are no more, and
 * holds the lock that PTRACE_SEIZE of it waits for (de_thread() and ptrace_attach(),
 * cred_guard_mutex): so nobody but a signal handler of ours can end both.  And a leader that was
 * killed cannot be waited for while one of its threads is unburied.
 */
static void on_tick(int signo)
{
	const struct tracee *t = ticking_for;
	int saved = errno;

	(void)signo;
	for (size_t i = 0; t && i < t->count; i++)
		bury_if_ended(t->threads[i].tid);
	ticks++;
	if (t)
		set_alarm(TICK_MS);
	errno = saved;
}

/*
 * A clock that ticks while anything of the process
 * is traced.  It also ends a waitpid() now and then.
 */
static void set_ticking(const struct tracee *t)
{
	const struct sigaction action = { .sa_handler = on_tick };

	ticks = 0;
	ticking_for = t;
	sigaction(SIGALRM, &action, NULL);
	set_alarm(t ? TICK_MS : 0);
}

/*
 * Waits for the stop that PTRACE_INTERRUPT asked for.  A signal that is on its way to the thread is
 * delivered first: its handler will run when the thread goes on.  Returns 0, 1 when the thread has
 * ended, or -1.
 */
static int wait_for_stop(pid_t tid, struct error *err)
{
	for (;;) {
		int status;

		if (waitpid(tid, &status, __WALL) < 0) {
			/*
			 * A thread that calls exec takes the leader's
			 * id; its own is gone without a word.
			 */
			if (errno == ECHILD)
				return 1;
			if (errno == EINTR && ticks < STOP_TICKS)
				continue;
			return error_set(err, ETIMEDOUT, "thread %d does not stop (it waits in the "
					 "kernel for a device, or for a child that it has made "
					 "with vfork): try again", tid);
		}
		if (!WIFSTOPPED(status))
			return 1;
		if (status >> 16 == PTRACE_EVENT_STOP)
			return 0;
		if (ptrace(PTRACE_CONT, tid, 0, status >> 16 ? 0 : WSTOPSIG(status)) < 0)
			return error_sys(err, errno, "stopping thread %d", tid);
	}
}

/*
 * The kernel ends some calls with EINTR when their thread is stopped (epoll_wait, semop, ...),
 * which the program has not deserved.  With the code of a call like pause() such a call begins
 * again, unless a signal handler runs first: then it fails with EINTR, as it must.
 */
static int mend_eintr(pid_t tid, struct user_regs_struct *regs, struct error *err)
{
	struct syscall_regs s = { .pc = regs->rip, .result = regs->rax, .number = regs->orig_rax };

	if ((int64_t)regs->rax != -EINTR || (int64_t)regs->orig_rax < 0 ||
	    syscall_resume(&s, NULL, 0) != SYSCALL_RESUMED)
		return 0;
	regs->rax = (unsigned long long)-ERESTARTNOHAND;
	return traced_set_registers(tid, regs, err);
}

static struct tracee_thread *add_thread(struct tracee *t, pid_t tid)
{
	if (t->count == t->capacity) {
		size_t capacity = t->capacity ? t->capacity * 2 : 16;
		struct tracee_thread *threads = malloc(capacity * sizeof *threads),
				     *old = t->threads;

		if (!threads)
			return NULL;
		if (old)
			memcpy(threads, old, t->count * sizeof *threads);
		/* In this order, as on_tick() may look at any moment. */
		*(struct tracee_thread *volatile *)&t->threads = threads;
		free(old);
		t->capacity = capacity;
	}
	t->threads[t->count] = (struct tracee_thread){ .tid = tid };
	return &t->threads[t->count++];
}

static bool is_known(const struct tracee *t, pid_t tid)
{
	for (size_t i = t->count; i-- > 0;)
		if (t->threads[i].tid == tid)
			return true;
	return false;
}

static int refuse(pid_t pid, int code, struct error *err)
{
	/* Somebody may just have begun to trace it. */
	if (code == EPERM && tracee_check_untraced(pid, err) < 0)
		return -1;
	if (code == EPERM)
		return error_set(err, code, "process %d may not be stopped: it belongs to somebody "
				 "else, or the system forbids ptrace "
				 "(kernel.yama.ptrace_scope)", pid);
	return error_sys(err, code, "process %d", pid);
}

/* Asks the threads that are not known yet to stop.  Returns how many there were, or -1. */
static int seize_new(struct tracee *t, struct error *err)
{
	cleanup_fd int fd = -1;
	struct proc_dir dir;
	uint64_t tid;
	int found = 0, more;

	if (proc_dir_open(&dir, &fd, t->pid, "task", err) < 0)
		return -1;
	while ((more = proc_dir_next(&dir, &tid, err)) > 0) {
		if (is_known(t, (pid_t)tid))
			continue;
		if (ptrace(PTRACE_SEIZE, (pid_t)tid, 0, PTRACE_O_TRACESYSGOOD) < 0) {
			int code = errno;

			if (code != ESRCH && !tracee_has_ended((pid_t)tid))
				return refuse(t->pid, code, err);
			if ((pid_t)tid == t->pid)
				return error_set(err, EAGAIN,
						 "process %d: its first thread has ended", t->pid);
			/* It has just ended, or taken the leader's id: look again. */
			found++;
			continue;
		}
		if (!add_thread(t, (pid_t)tid))
			return error_set(err, ENOMEM, "not enough memory");
		ptrace(PTRACE_INTERRUPT, (pid_t)tid, 0, 0);
		found++;
	}
	return more < 0 ? -1 : found;
}

/* Waits for the last COUNT threads of the list and reads what they stand at. */
static int wait_for_new(struct tracee *t, size_t first, struct error *err)
{
	for (size_t i = first; i < t->count;) {
		struct tracee_thread *thread = &t->threads[i];
		int ended = wait_for_stop(thread->tid, err);

		if (ended < 0)
			return -1;
		if (ended) {
			t->threads[i] = t->threads[--t->count];
			continue;
		}
		if (traced_registers(thread->tid, &thread->regs, err) < 0 ||
		    mend_eintr(thread->tid, &thread->regs, err) < 0)
			return -1;
		if (ptrace(PTRACE_GETSIGMASK, thread->tid, sizeof thread->blocked,
			   &thread->blocked) < 0)
			return error_sys(err, errno, "reading the signal mask of thread %d",
					 thread->tid);
		i++;
	}
	return 0;
}

/*
 * When a thread calls exec, it kills the others, stopped ones too, and goes on as the leader: then
 * what was read of the leader is of a program that is no more.
 */
static int verify(const struct tracee *t, struct error *err)
{
	struct user_regs_struct regs;

	for (size_t i = 0; i < t->count; i++)
		if (traced_registers(t->threads[i].tid, &regs, err) < 0 ||
		    memcmp(&regs, &t->threads[i].regs, sizeof regs) != 0)
			return error_set(err, EAGAIN,
					 "process %d starts other programs all the time", t->pid);
	return 0;
}

static int stop_all(struct tracee *t, struct error *err)
{
	for (;;) {
		size_t before = t->count;
		int found = seize_new(t, err);

		if (found < 0)
			return -1;
		if (found == 0)
			break;
		if (wait_for_new(t, before, err) < 0)
			return -1;
	}
	if (verify(t, err) < 0)
		return -1;
	for (size_t i = 0; i < t->count; i++) {
		if (t->threads[i].tid != t->pid)
			continue;
		struct tracee_thread leader = t->threads[i];

		t->threads[i] = t->threads[0];
		t->threads[0] = leader;
		return 0;
	}
	return error_set(err, ESRCH, "process %d has ended, or its first thread has and the others "
			 "go on without it", t->pid);
}

int tracee_stop(struct tracee *t, pid_t pid, struct error *err)
{
	int result, tries = 0;

	memset(t, 0, sizeof *t);
	t->pid = pid;
	do {
		set_ticking(t);
		result = stop_all(t, err);
		if (result < 0)
			tracee_release(t);
		/* EPERM, too, may be that of a thread that has ended since. */
	} while (result < 0 && (err->code == EAGAIN || err->code == EPERM) &&
		 ++tries < EXEC_RETRIES);
	t->all_stopped = result == 0;
	return result;
}

/* Only a stopped thread can be let go; one that is still on its way to its stop is waited for. */
static void detach(pid_t tid, bool stopped)
{
	struct user_regs_struct regs;
	struct error ignored;

	while (ptrace(PTRACE_DETACH, tid, 0, 0) < 0 && errno == ESRCH && !stopped) {
		if (wait_for_stop(tid, &ignored) != 0)
			return;
		if (traced_registers(tid, &regs, &ignored) < 0 ||
		    mend_eintr(tid, &regs, &ignored) < 0)
			return;
	}
}

void tracee_release(struct tracee *t)
{
	tracee_end_calls(t);
	/*
	 * One that was stopped and is no more has been
	 * killed, perhaps by another one that calls exec.
	 */
	for (size_t i = t->count; i-- > 0;)
		detach(t->threads[i].tid, t->all_stopped);
	t->count = 0;
	t->all_stopped = false;
	set_ticking(NULL);
}

void tracee_bury(struct tracee *t)
{
	int status;

	set_ticking(t);
	/* The leader comes last: it is not told to have ended before the others are buried. */
	for (size_t i = t->count; i-- > 0;)
		while (waitpid(t->threads[i].tid, &status, __WALL) >= 0 ?
		       WIFSTOPPED(status) : errno == EINTR && ticks < END_TICKS)
			;
	t->count = 0;
	t->caller = NULL;  /* nothing is to be put back */
	set_ticking(NULL);
}

void tracee_rest(void)
{
	set_ticking(NULL);
}

void tracee_free(struct tracee *t)
{
	free(t->threads);
	free(t->scratch.saved);
	memset(t, 0, sizeof *t);
}
