/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Starting the engine: a program that checkpoints ours from outside, as `ckpt -p PID` does.
 *
 * It must be no child that the program ever sees, so it is made by a child that ends at once:
 *
 *	our thread --- clone ---> middle --- clone ---> engine
 *	    |     <-- wait4 ------ exit                   |  waits for the word
 *	    `------------------ ENGINE_GO --------------->|  execveat of the image
 *
 * Middle has no exit signal: no SIGCHLD, and no wait() without __WALL sees it.  Both share our
 * memory, which costs nothing however much it is, until the engine executes its image; both run on
 * stacks of their own, with all signals blocked, and make system calls only.  Where the program
 * would inherit orphans (pid 1, a subreaper) the engine is its child, without an exit signal too,
 * and is waited for.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/prctl.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "libckpt/agent.h"
#include "process/raw_x86_64.h"
#include "util/format.h"

enum {
	MIDDLE_STACK = 8 * 1024,
	ENGINE_STACK = 32 * 1024,
	SPARE = 64 * 1024,  /* a signal frame, with all registers that there may be */
	STATUS_FD = 3,
	IMAGE_FD = 4, /* in the engine */
	HIGH = 100, /* above what is put at fixed places */
	ARGUMENTS = 2 * EXCLUDED_MAX * 2 + 16,
	ARGUMENT_BYTES = EXCLUDED_MAX * 64 + CKPT_MAXNAME + 64,
	MFD_MAY_BE_RUN = 0x10, /* MFD_EXEC, Linux 6.3 */
};

struct engine_file engine_file;

static char middle_stack[MIDDLE_STACK] __attribute__((aligned(64)));
static char engine_stack[ENGINE_STACK] __attribute__((aligned(64)));

/*
 * Where the engine puts what its calls in our name need.  Otherwise it would look for it on the
 * stack of the first thread, where there may be nothing unused while our handler is on a stack of
 * its own.
 */
static char spare[SPARE] __attribute__((aligned(4096)));

enum { ENGINE_WAITS, ENGINE_GO };

static struct {
	uint32_t word;
	long pid;           /* what clone told */
	bool child;         /* it is our own child */
	bool traceable;     /* we have named it as our tracer */
	bool unwatched;
	int status_write;
	char *arguments[ARGUMENTS];
	char bytes[ARGUMENT_BYTES];
	size_t count, used;
} engine;

static long call(long number, long a, long b, long c, long d)
{
	return raw_syscall(number, a, b, c, d, 0);
}

/* ---- Its command line ------------------------------------------------------------------------ */

static void argument(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void argument(const char *fmt, ...)
{
	char *at = engine.bytes + engine.used;
	va_list args;

	if (engine.count + 1 >= ARGUMENTS || engine.used >= sizeof engine.bytes)
		return;  /* both are enough for all that settings can hold */
	va_start(args, fmt);
	engine.used += vformat(at, sizeof engine.bytes - engine.used, fmt, args) + 1;
	va_end(args);
	engine.arguments[engine.count++] = at;
	engine.arguments[engine.count] = NULL;
}

static void make_arguments(const struct engine_request *r, int status_read)
{
	engine.count = engine.used = 0;
	argument("ckpt");
	argument("--pid=%d", (int)call(SYS_getpid, 0, 0, 0, 0));
	argument("--name=%s", r->name);
	argument("--keep=%u", settings.config.keep);
	argument("--status-fd=%d", STATUS_FD);
	argument("--leave-out-fd=%d", status_read);
	argument("--spare-memory=%lx-%lx", (unsigned long)(uintptr_t)spare,
		 (unsigned long)(uintptr_t)spare + sizeof spare);
	argument("--leave-out-memory=%lx-%lx", (unsigned long)(uintptr_t)&alive,
		 (unsigned long)((uintptr_t)&alive + sizeof alive));
	if (r->ends) {
		argument("--exit");
		if (terminal_modes())
			argument("--terminal-modes=%s", terminal_modes());
	}
	for (size_t i = 0; i < settings.fd_count; i++)
		argument("--leave-out-fd=%d", settings.fds[i]);
	for (size_t i = 0; i < settings.memory_count; i++)
		argument("--leave-out-memory=%lx-%lx", (unsigned long)settings.memory[i].start,
			 (unsigned long)settings.memory[i].end);
}

/* ---- In the engine, before it is one --------------------------------------------------------- */

/* Our limits are the program's, which it has set for itself. */
static void raise_limits(void)
{
	static const int limits[] = {
		RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_DATA, RLIMIT_STACK, RLIMIT_NOFILE, RLIMIT_AS,
	};

	for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
		struct rlimit limit;

		if (call(SYS_prlimit64, 0, limits[i], 0, (long)&limit) < 0)
			continue;
		limit.rlim_cur = limit.rlim_max;
		call(SYS_prlimit64, 0, limits[i], (long)&limit, 0);
	}
}

/* No handler of the program's may run here, and what its terminal sends is not for the engine. */
static void reset_signals(void)
{
	static const int ignored[] = {
		SIGTSTP, SIGINT, SIGQUIT, SIGHUP, SIGTTOU, SIGTTIN, SIGXFSZ
	};
	struct kernel_sigaction act = { 0 };
	uint64_t none = 0;

	for (int signo = 1; signo <= 64; signo++)
		call(SYS_rt_sigaction, signo, (long)&act, 0, sizeof act.mask);
	act.handler = (uintptr_t)SIG_IGN;
	for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
		call(SYS_rt_sigaction, ignored[i], (long)&act, 0, sizeof act.mask);
	call(SYS_rt_sigprocmask, SIG_SETMASK, (long)&none, 0, sizeof none);
}

/* The image in the empty file FD, which can be executed then: 0, or minus an errno. */
static long fill(int fd)
{
	const char *from = engine_file.start;

	while (from < engine_file.end) {
		long done = call(SYS_write, fd, (long)from, engine_file.end - from, 0);

		if (done <= 0 && done != -EINTR)
			return done ? done : -ENOSPC;
		from += done > 0 ? done : 0;
	}
	return 0;
}

/* Makes FD the descriptor IMAGE_FD and executes it.  Returns minus an errno. */
static long execute(int fd)
{
	static char *const environment[] = { NULL };

	if (call(SYS_dup3, fd, IMAGE_FD, O_CLOEXEC, 0) < 0)
		return -EMFILE;
	call(SYS_close_range, IMAGE_FD + 1, -1, 0, 0);
	return raw_syscall(SYS_execveat, IMAGE_FD, (long)"", (long)engine.arguments,
			   (long)environment, AT_EMPTY_PATH);
}

static long execute_memfd(void)
{
	long fd = call(SYS_memfd_create, (long)"ckpt", MFD_CLOEXEC | MFD_MAY_BE_RUN, 0, 0), result;

	if (fd == -EINVAL)
		fd = call(SYS_memfd_create, (long)"ckpt", MFD_CLOEXEC, 0, 0);
	if (fd < 0)
		return fd;
	result = fill((int)fd);
	return result < 0 ? result : execute((int)fd);
}

/* Where memory must not be executed (vm.memfd_noexec): a file without a name. */
static long execute_file_in(const char *directory)
{
	char name[40];
	long result, readable, fd = call(SYS_openat, AT_FDCWD, (long)directory,
					 O_TMPFILE | O_RDWR | O_CLOEXEC, 0700);

	if (fd < 0)
		return fd;
	result = fill((int)fd);
	if (result < 0)
		return result;
	/* A file that is open for writing is not executed (ETXTBSY). */
	format(name, sizeof name, "/proc/self/fd/%d", (int)fd);
	readable = call(SYS_openat, AT_FDCWD, (long)name, O_RDONLY | O_CLOEXEC, 0);
	call(SYS_close, fd, 0, 0, 0);
	return readable < 0 ? readable : execute((int)readable);
}

static void report_failure(long error)
{
	char line[100];
	size_t len = format(line, sizeof line, "failed: the engine cannot be executed: error %d\n",
			    (int)-error);

	call(SYS_write, STATUS_FD, (long)line, (long)len, 0);
}

/*
 * The status at its place; nothing of the program's but its standard error, if somebody reads it.
 */
static bool arrange_descriptors(void)
{
	long status = call(SYS_fcntl, engine.status_write, F_DUPFD_CLOEXEC, HIGH, 0), null;

	if (status < 0)
		return false;
	null = call(SYS_openat, AT_FDCWD, (long)"/dev/null", O_RDWR, 0);
	if (null < 0)
		null = status;  /* a bare chroot: nothing is read, and only nonsense is written */
	for (int fd = 0; fd <= 2; fd++)
		if (fd < 2 || !engine.unwatched || call(SYS_fcntl, fd, F_GETFD, 0, 0) < 0)
			call(SYS_dup3, null, fd, 0, 0);
	return call(SYS_dup3, status, STATUS_FD, 0, 0) >= 0;
}

static void engine_main(void)
{
	static const char *const directories[] = { ".", "/tmp", "/var/tmp", "/dev/shm" };
	struct timespec patience = { .tv_sec = 10 };
	long error;

	while (__atomic_load_n(&engine.word, __ATOMIC_ACQUIRE) == ENGINE_WAITS)
		if (raw_syscall(SYS_futex, (long)&engine.word, FUTEX_WAIT, ENGINE_WAITS,
				(long)&patience, 0) == -ETIMEDOUT)
			raw_syscall(SYS_exit_group, 1, 0, 0, 0, 0);
	raise_limits();
	reset_signals();
	if (!arrange_descriptors())
		raw_syscall(SYS_exit_group, 1, 0, 0, 0, 0);
	error = execute_memfd();
	for (size_t i = 0; i < sizeof directories / sizeof directories[0]; i++)
		execute_file_in(directories[i]);
	report_failure(error);
	raw_syscall(SYS_exit_group, 1, 0, 0, 0, 0);
}

/* ---- In the program -------------------------------------------------------------------------- */

static void middle_main(void)
{
	engine.pid = raw_clone(CLONE_VM | CLONE_UNTRACED, engine_stack + sizeof engine_stack,
			       engine_main);
	raw_syscall(SYS_exit, 0, 0, 0, 0, 0);
}

/* Whether orphans of ours become our children. */
static bool adopts_orphans(void)
{
	int reaper = 0;

	return call(SYS_getpid, 0, 0, 0, 0) == 1 ||
	       (call(SYS_prctl, PR_GET_CHILD_SUBREAPER, (long)&reaper, 0, 0) == 0 && reaper);
}

static int make_process(struct error *err)
{
	engine.word = ENGINE_WAITS;
	engine.child = adopts_orphans();
	if (engine.child) {
		engine.pid = raw_clone(CLONE_VM | CLONE_UNTRACED,
				       engine_stack + sizeof engine_stack, engine_main);
	} else {
		long middle = raw_clone(CLONE_VM | CLONE_FILES | CLONE_FS | CLONE_UNTRACED,
					middle_stack + sizeof middle_stack, middle_main);

		if (middle < 0)
			engine.pid = middle;
		else
			while (call(SYS_wait4, middle, 0, __WALL, 0) == -EINTR)
				;
	}
	return engine.pid < 0 ? error_sys(err, (int)-engine.pid, "the engine cannot be started")
			      : 0;
}

/* Yama lets a process be traced by its ancestors, and by who it has named itself. */
static void name_tracer(void)
{
	char scope = 0;
	long fd = call(SYS_openat, AT_FDCWD, (long)"/proc/sys/kernel/yama/ptrace_scope",
		       O_RDONLY | O_CLOEXEC, 0);

	if (fd < 0)
		return;
	call(SYS_read, fd, (long)&scope, 1, 0);
	call(SYS_close, fd, 0, 0, 0);
	engine.traceable = scope == '1';
	if (engine.traceable)
		call(SYS_prctl, PR_SET_PTRACER, engine.pid, 0, 0);
}

/*
 * A pipe.  Its reading end is put high, where no thread of the restarted program gets a descriptor
 * while we are about to find out that there is none.
 */
static int open_pipe(int pipe[2], struct error *err)
{
	long result = call(SYS_pipe2, (long)pipe, O_CLOEXEC, 0, 0), moved = -1;

	if (result < 0)
		return error_sys(err, (int)-result, "no pipe to the engine");
	for (int least = 1000; moved < 0 && least > pipe[0]; least /= 2)
		moved = call(SYS_fcntl, pipe[0], F_DUPFD_CLOEXEC, least, 0);
	if (moved >= 0) {
		call(SYS_close, pipe[0], 0, 0, 0);
		pipe[0] = (int)moved;
	}
	return 0;
}

/* A program may be at its limit of open files. */
static int open_pipe_anyway(int pipe[2], struct error *err)
{
	enum { NEEDED = 8 };
	struct rlimit limit, more;
	int result = open_pipe(pipe, err);

	if (result == 0 || err->code != EMFILE ||
	    call(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, (long)&limit) < 0)
		return result;
	more = limit;
	more.rlim_cur =
		limit.rlim_max - limit.rlim_cur > NEEDED ? limit.rlim_cur + NEEDED : limit.rlim_max;
	call(SYS_prlimit64, 0, RLIMIT_NOFILE, (long)&more, 0);
	result = open_pipe(pipe, err);
	call(SYS_prlimit64, 0, RLIMIT_NOFILE, (long)&limit, 0);
	return result;
}

int engine_start(const struct engine_request *r, int *fd, struct error *err)
{
	int pipe[2], result;

	if (open_pipe_anyway(pipe, err) < 0)
		return -1;
	make_arguments(r, pipe[0]);
	engine.status_write = pipe[1];
	engine.unwatched = r->unwatched;
	result = make_process(err);
	call(SYS_close, pipe[1], 0, 0, 0);
	if (result < 0) {
		call(SYS_close, pipe[0], 0, 0, 0);
		return -1;
	}
	name_tracer();
	__atomic_store_n(&engine.word, ENGINE_GO, __ATOMIC_RELEASE);
	call(SYS_futex, (long)&engine.word, FUTEX_WAKE, INT32_MAX, 0);
	*fd = pipe[0];
	return 0;
}

void engine_forget(bool restarted)
{
	if (engine.traceable && !restarted)
		call(SYS_prctl, PR_SET_PTRACER, 0, 0, 0);
	if (engine.child && !restarted)
		call(SYS_wait4, engine.pid, 0, __WALL, 0);
	engine.traceable = engine.child = false;
}
