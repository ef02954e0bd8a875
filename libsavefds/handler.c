/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The handler.  When it returns, the kernel delivers the same signal again at the very instruction
 * that it had interrupted, now with the default action: the core is that of a process which never
 * had a handler.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <ucontext.h>
#include <unistd.h>

#include "libsavefds/library.h"
#include "process/interrupted.h"
#include "process/raw_x86_64.h"
#include "util/cleanup.h"

enum { STACK_SIZE = 256 * 1024 };

/* The thread's own stack may be nearly full.  Pages that are not touched cost nothing. */
static char stack[STACK_SIZE] __attribute__((aligned(64)));

/* The process that uses the stack, or 0.  The child of a fork does not inherit the use. */
static uint32_t owner;

static uint64_t block_signals(void)
{
	uint64_t all = UINT64_MAX, old = 0;

	/* The C library would leave its own two signals unblocked. */
	raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, (long)&all, (long)&old, sizeof all, 0);
	return old;
}

static void restore_signals(uint64_t mask)
{
	raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, (long)&mask, 0, sizeof mask, 0);
}

/* ---- One user of the stack at a time -------------------------------------------------------- */

static bool stack_take(uint32_t *holder)
{
	uint32_t self = (uint32_t)getpid(), now = __atomic_load_n(&owner, __ATOMIC_ACQUIRE);

	do {
		*holder = now;
		if (now == self)
			return false;
	} while (!__atomic_compare_exchange_n(&owner, &now, self, false, __ATOMIC_ACQ_REL,
					      __ATOMIC_ACQUIRE));
	return true;
}

static void stack_release(void)
{
	__atomic_store_n(&owner, 0, __ATOMIC_RELEASE);
	raw_syscall(SYS_futex, (long)&owner, FUTEX_WAKE, INT_MAX, 0, 0);
}

static void stack_wait(uint32_t holder)
{
	while (__atomic_load_n(&owner, __ATOMIC_ACQUIRE) == holder)
		raw_syscall(SYS_futex, (long)&owner, FUTEX_WAIT, holder, 0, 0);
}

/* ---- The interrupted system call ------------------------------------------------------------ */

/*
 * A call that waits returned -EINTR because of us: it is issued again.  Where no call is issued
 * again, the mask to return to may be another one than that under which the signal came
 * (sigsuspend, ppoll, ...) and must let the signal through.
 */
static void mend_context(ucontext_t *context, int signo)
{
	if (!interrupted_call_resume(context))
		sigdelset(&context->uc_sigmask, signo);
}

/* ---- The work ------------------------------------------------------------------------------- */

struct request {
	int signo;
	siginfo_t *info;
	ucontext_t *context;
};

/* Without a core to go with it, a text would only spoil that of an older core. */
static bool core_comes(void)
{
	struct rlimit limit;
	char first = 0;

	if (prctl(PR_GET_DUMPABLE) != 1)
		return false;
	if (getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur > 0)
		return true;
	/* A program that takes the core (core_pattern "|...") gets it whatever the limit is. */
	cleanup_fd int fd = open("/proc/sys/kernel/core_pattern", O_RDONLY | O_CLOEXEC);

	return fd >= 0 && read(fd, &first, 1) == 1 && (first == '|' || first == '@');
}

static void save(const struct request *r)
{
	char path[PATH_MAX];
	struct error err;

	if (!core_comes()) {
		complain("no core can be dumped, so the text is not written either "
			 "(ulimit -c unlimited)");
		return;
	}
	freeze_others();
	settings_file(path);
	if (text_write(path, &r->context->uc_stack, true, &err) < 0)
		complain(err.message);
}

/* The same signal once more, with the original sender in it; it waits until we return. */
static void send_again(const struct request *r)
{
	struct kernel_sigaction by_default = { 0 };
	long pid = getpid(), tid = raw_syscall(SYS_gettid, 0, 0, 0, 0, 0);

	raw_syscall(SYS_rt_sigaction, r->signo, (long)&by_default, 0, sizeof by_default.mask, 0);
	if (raw_syscall(SYS_rt_tgsigqueueinfo, pid, tid, r->signo, (long)r->info, 0) < 0)
		raw_syscall(SYS_tgkill, pid, tid, r->signo, 0, 0);
}

static void work(void *argument)
{
	const struct request *r = argument;
	int state;

	/* open(), read() and write() are cancellation points. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	save(r);
	pthread_setcancelstate(state, &state);
	mend_context(r->context, r->signo);
	send_again(r);
	freeze_until_core();
}

/*
 * A thread that gets a watched signal while another one is at work only waits: the process is about
 * to be dumped, and when it goes on after a restart it must not die of the second signal.
 */
void handle_signal(int signo, siginfo_t *info, void *context)
{
	struct request r = { .signo = signo, .info = info, .context = context };
	int saved = errno;
	uint32_t holder;

	block_signals();
	if (stack_take(&holder)) {
		call_on_stack(stack + sizeof stack, work, &r);
		stack_release();
	} else {
		stack_wait(holder);
		mend_context(context, 0);
	}
	errno = saved;
}

struct sigaction handler_action(void)
{
	struct sigaction act = {
		.sa_sigaction = handle_signal,
		.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART,
	};

	sigfillset(&act.sa_mask);
	return act;
}

__attribute__((constructor)) static void start(void)
{
	/* The kernel dumps no core of an init process: it ignores signals without a handler. */
	if (getpid() == 1)
		return;
	settings_read();
	for (int signo = 1; signo < _NSIG; signo++) {
		struct sigaction old, act = handler_action();

		if (!settings_watch(signo) || real_sigaction(signo, NULL, &old) < 0)
			continue;
		if (old.sa_handler == SIG_DFL || (old.sa_handler == SIG_IGN && settings_force()))
			if (real_sigaction(signo, &act, NULL) < 0)
				complain("cannot install the signal handler");
	}
}

/* ---- savefds() ------------------------------------------------------------------------------ */

__attribute__((visibility("default"))) int savefds(const char *file);

struct call {
	const char *file;
	int result;
	struct error err;
};

static void write_now(void *argument)
{
	struct call *c = argument;
	char path[PATH_MAX];
	stack_t altstack;

	sigaltstack(NULL, &altstack);
	altstack.ss_flags &= ~SS_ONSTACK;
	settings_file(path);
	c->result = text_write(c->file ? c->file : path, &altstack, false, &c->err);
}

/*
 * Writes the text now, to FILE or, when it is NULL, where the handler would write it.  Returns 0,
 * or -1 with errno.  Async-signal-safe.
 */
int savefds(const char *file)
{
	struct call c = { .file = file, .result = -1, .err = { .code = EBUSY } };
	int state, saved = errno;
	uint64_t mask = block_signals();
	uint32_t holder;

	if (stack_take(&holder)) {
		pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
		call_on_stack(stack + sizeof stack, write_now, &c);
		pthread_setcancelstate(state, &state);
		stack_release();
	}
	restore_signals(mask);
	errno = c.result < 0 ? c.err.code : saved;
	return c.result;
}
