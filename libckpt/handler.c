/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The handler of the checkpoint signal.  It works on a stack of its own: that of the thread may be
 * nearly full, and pages that are not touched cost nothing.  The program sees no trace of it: a
 * call that the signal interrupted is issued again.
 */
#define _GNU_SOURCE
#include "libckpt/agent.h"

#include <linux/kcmp.h>
#include <string.h>
#include <ucontext.h>

#include "process/interrupted.h"
#include "process/raw_x86_64.h"

enum { STACK_SIZE = 256 * 1024, RESTORER = 0x04000000 /* SA_RESTORER */ };

static char stack[STACK_SIZE] __attribute__((aligned(64)));

struct kernel_sigaction wanted_actions[REMEMBERED_SIGNALS];

static struct { int checkpoint, period; } ours;

uint64_t block_signals(void)
{
	/* The C library would leave its own two signals unblocked. */
	uint64_t all = UINT64_MAX, old = 0;

	raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, (long)&all, (long)&old, sizeof all, 0);
	return old;
}

void restore_signals(uint64_t mask)
{
	raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, (long)&mask, 0, sizeof mask, 0);
}

/* ---- The signal ------------------------------------------------------------------------------ */

/*
 * A child of vfork() works in its parent's memory, and a checkpoint of it is one of its parent.
 * It is about to execute something else.
 */
static bool borrows_memory(void)
{
	long self = raw_syscall(SYS_getpid, 0, 0, 0, 0, 0);

	return self != settings.pid &&
	       raw_syscall(SYS_kcmp, self, raw_syscall(SYS_getppid, 0, 0, 0, 0, 0), KCMP_VM, 0,
			   0) == 0;
}

/*
 * Whether a handler of the program's is about to run, for a signal that came while ours ran.  Then
 * a call such as pause() must not be issued again: it would wait for what has already come.
 */
static bool handler_is_due(const ucontext_t *context)
{
	uint64_t pending = 0, blocked;

	memcpy(&blocked, &context->uc_sigmask, sizeof blocked);
	raw_syscall(SYS_rt_sigpending, (long)&pending, sizeof pending, 0, 0, 0);
	pending &= ~blocked;
	for (int signo = 1; signo <= 64; signo++) {
		struct kernel_sigaction act;

		if (pending >> (signo - 1) & 1 && !handler_owns(signo) &&
		    raw_syscall(SYS_rt_sigaction, signo, 0, (long)&act, sizeof act.mask, 0) == 0 &&
		    act.handler != (uintptr_t)SIG_DFL && act.handler != (uintptr_t)SIG_IGN)
			return true;
	}
	return false;
}

static void work(void *argument)
{
	const enum occasion *occasion = argument;
	int code;

	checkpoint(*occasion, NULL, &code);
}

static void handle_signal(int signo, siginfo_t *info, void *context)
{
	enum occasion occasion = period_ended(info) ? BY_PERIOD : BY_SIGNAL;
	bool by_us;

	/* The period's own signal, sent by somebody else, asks for nothing. */
	if (signo == ours.period && occasion != BY_PERIOD) {
		if (!handler_is_due(context))
			interrupted_call_resume(context);
		return;
	}
	block_signals();
	/* A checkpoint after which the program ends is never dropped. */
	if (!borrows_memory() &&
	    agent_take(occasion == BY_SIGNAL && !settings.config.continues, &by_us)) {
		call_on_stack(stack + sizeof stack, work, &occasion);
		agent_release();
	}
	if (!handler_is_due(context))
		interrupted_call_resume(context);
}

/* ---- Its place ------------------------------------------------------------------------------- */

/*
 * The return from the handler.  Debuggers and unwinders know it by these bytes (gdb also by its
 * name, amd64_linux_sigtramp_p()) where no unwind table covers it and the byte in front, at which
 * they look as for a caller: so it is no C function, which would have one.
 */
void restorer(void) __asm__("__restore_rt") __attribute__((visibility("hidden")));
__asm__(".pushsection .text\n"
	"nop\n"
	".hidden __restore_rt\n"
	".type __restore_rt, @function\n"
	"__restore_rt:\n"
	"movq $15, %rax\n"
	"syscall\n"
	".size __restore_rt, . - __restore_rt\n"
	".popsection");

static void install(int signo)
{
	struct kernel_sigaction act = {
		.handler = (uintptr_t)handle_signal,
		.flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART | RESTORER,
		.restorer = (uintptr_t)restorer,
		.mask = UINT64_MAX,
	};
	uint64_t unblocked = (uint64_t)1 << (signo - 1);

	raw_syscall(SYS_rt_sigaction, signo, (long)&act, (long)&wanted_actions[signo],
		    sizeof act.mask, 0);
	/* A mask that was inherited is not the program's wish. */
	raw_syscall(SYS_rt_sigprocmask, SIG_UNBLOCK, (long)&unblocked, 0, sizeof unblocked, 0);
}

void handler_install(void)
{
	int period = period_signal();

	ours.checkpoint = (int)settings.config.asyncsig;
	ours.period = period != ours.checkpoint ? period : 0;
	if (ours.checkpoint)
		install(ours.checkpoint);
	if (ours.period)
		install(ours.period);
}

static void give_back(int signo)
{
	struct kernel_sigaction act = wanted_actions[signo];

	if (!signo)
		return;
	act.flags |= RESTORER;
	act.restorer = act.restorer ? act.restorer : (uintptr_t)restorer;
	raw_syscall(SYS_rt_sigaction, signo, (long)&act, 0, sizeof act.mask, 0);
}

void handler_remove(void)
{
	give_back(ours.checkpoint);
	give_back(ours.period);
	ours.checkpoint = ours.period = 0;
}

bool handler_owns(int signo)
{
	return signo > 0 && (signo == ours.checkpoint || signo == ours.period);
}
