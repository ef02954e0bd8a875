/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What signals do, which are blocked, and which wait. */
#define _GNU_SOURCE
#include "holds.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* The real-time signals are shared out so that no two holds meet: here are 15 to 23. */
#define SIG_FLAGS (SIGRTMIN + 15)
#define SIG_QUEUED (SIGRTMIN + 16)
#define SIG_THREAD (SIGRTMIN + 17)
#define SIG_ALTSTACK (SIGRTMIN + 18)
#define SIG_ALTSTACK_THREAD (SIGRTMIN + 19)
#define SIG_WAITED (SIGRTMIN + 20)
#define SIG_NESTED (SIGRTMIN + 21)
#define SIG_ONCE (SIGRTMIN + 22)
#define SIG_IGNORED (SIGRTMIN + 23)

#define SIG_STANDARD SIGPWR

static const struct timespec at_once;

/*
 * What is to wait for the process must be blocked in the threads of all holds, and so before there
 * are any.  9 to 13 are the signals of counters.c and locks.c.
 */
__attribute__((constructor)) static void block_everywhere(void)
{
	const int signals[] = { SIG_QUEUED, SIG_STANDARD, SIG_WAITED };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
		sigaddset(&set, signals[i]);
	for (int signo = SIGRTMIN + 9; signo <= SIGRTMIN + 13; signo++)
		sigaddset(&set, signo);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

/* ---- A handler with flags and mask ---- */

static volatile sig_atomic_t flags_runs, nested_in_handler, nested_runs;
static volatile int flags_value;

static void on_nested(int signo)
{
	(void)signo;
	nested_runs = nested_runs + 1;
}

static void on_flags(int signo, siginfo_t *info, void *context)
{
	(void)context;
	flags_runs = flags_runs + 1;
	flags_value = info->si_value.sival_int;
	if (signo == SIG_FLAGS) {
		raise(SIG_NESTED);
		nested_in_handler = nested_runs;
	}
}

static void flags_set_up(void)
{
	struct sigaction action = { .sa_sigaction = on_flags, .sa_flags = SA_SIGINFO | SA_NODEFER };
	struct sigaction nested = { .sa_handler = on_nested };

	sigaddset(&action.sa_mask, SIG_NESTED);
	NEED(sigaction(SIG_FLAGS, &action, NULL) == 0);
	NEED(sigaction(SIG_NESTED, &nested, NULL) == 0);
}

static const char *flags_check(void)
{
	struct sigaction action;

	EXPECT(sigaction(SIG_FLAGS, NULL, &action) == 0);
	EXPECT(action.sa_sigaction == on_flags);
	EXPECT((action.sa_flags & (SA_SIGINFO | SA_NODEFER | SA_RESETHAND)) ==
	       (SA_SIGINFO | SA_NODEFER));
	EXPECT(sigismember(&action.sa_mask, SIG_NESTED) == 1 &&
	       sigismember(&action.sa_mask, SIGHUP) == 0);
	EXPECT(sigqueue(getpid(), SIG_FLAGS, (union sigval){ .sival_int = 4711 }) == 0);
	EXPECT(flags_runs == 1 && flags_value == 4711);
	EXPECT(nested_in_handler == 0 && nested_runs == 1);
	return NULL;
}

/* ---- A handler that is to run once ---- */

static void once_set_up(void)
{
	struct sigaction action = { .sa_handler = on_nested,
				    .sa_flags = SA_RESETHAND | SA_RESTART };

	NEED(sigaction(SIG_ONCE, &action, NULL) == 0);
}

static const char *once_check(void)
{
	struct sigaction action;
	int before = nested_runs;

	EXPECT(raise(SIG_ONCE) == 0);
	EXPECT(nested_runs == before + 1);
	EXPECT(sigaction(SIG_ONCE, NULL, &action) == 0);
	EXPECT(action.sa_handler == SIG_DFL);
	return NULL;
}

/*
 * ---- SIGCHLD by default, but with a flag.  SA_NOCLDWAIT would take other holds' children. ----
 */

static void nocldstop_set_up(void)
{
	struct sigaction action = { .sa_handler = SIG_DFL, .sa_flags = SA_NOCLDSTOP };

	NEED(sigaction(SIGCHLD, &action, NULL) == 0);
}

static const char *nocldstop_check(void)
{
	struct sigaction action;

	EXPECT(sigaction(SIGCHLD, NULL, &action) == 0);
	EXPECT(action.sa_handler == SIG_DFL && action.sa_flags & SA_NOCLDSTOP);
	return NULL;
}

/* ---- Ignored ---- */

static void ignored_set_up(void)
{
	struct sigaction action = { .sa_handler = SIG_IGN, .sa_flags = SA_RESTART };

	NEED(sigaction(SIG_IGNORED, &action, NULL) == 0);
}

static const char *ignored_check(void)
{
	struct sigaction action;

	EXPECT(sigaction(SIG_IGNORED, NULL, &action) == 0);
	EXPECT(action.sa_handler == SIG_IGN && action.sa_flags & SA_RESTART);
	EXPECT(raise(SIG_IGNORED) == 0);
	return NULL;
}

/* ---- Signals that wait, with their values, in their order ---- */

static void queued_set_up(void)
{
	for (int i = 0; i < 3; i++)
		NEED(sigqueue(getpid(), SIG_QUEUED,
			      (union sigval){ .sival_ptr = (char *)0x123456789ab0 + i }) == 0);
	NEED(kill(getpid(), SIG_STANDARD) == 0);
}

static const char *queued_check(void)
{
	sigset_t set, one;
	siginfo_t info;

	EXPECT(pthread_sigmask(SIG_BLOCK, NULL, &set) == 0);
	EXPECT(sigismember(&set, SIG_QUEUED) == 1 && sigismember(&set, SIG_STANDARD) == 1);
	EXPECT(sigismember(&set, SIG_FLAGS) == 0);
	sigemptyset(&one);
	sigaddset(&one, SIG_QUEUED);
	for (int i = 0; i < 3; i++) {
		EXPECT(sigtimedwait(&one, &info, &at_once) == SIG_QUEUED);
		EXPECT(info.si_code == SI_QUEUE && info.si_uid == getuid());
		EXPECT(info.si_value.sival_ptr == (char *)0x123456789ab0 + i);
	}
	EXPECT(sigtimedwait(&one, &info, &at_once) == -1 && errno == EAGAIN);
	sigemptyset(&one);
	sigaddset(&one, SIG_STANDARD);
	EXPECT(sigtimedwait(&one, &info, &at_once) == SIG_STANDARD);
	EXPECT(info.si_code == SI_USER);
	return NULL;
}

/* ---- Threads of which each waits for its order to look ---- */

struct helper {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool ready, go;
	void (*prepare)(void);
	const char *(*look)(void);
	const char *found;
};

static void *help(void *argument)
{
	struct helper *h = argument;

	h->prepare();
	pthread_mutex_lock(&h->lock);
	h->ready = true;
	pthread_cond_broadcast(&h->changed);
	while (!h->go)
		pthread_cond_wait(&h->changed, &h->lock);
	pthread_mutex_unlock(&h->lock);
	h->found = h->look();
	return NULL;
}

static void helper_start(struct helper *h)
{
	NEED(pthread_mutex_init(&h->lock, NULL) == 0 && pthread_cond_init(&h->changed, NULL) == 0);
	NEED(pthread_create(&h->thread, NULL, help, h) == 0);
	pthread_mutex_lock(&h->lock);
	while (!h->ready)
		pthread_cond_wait(&h->changed, &h->lock);
	pthread_mutex_unlock(&h->lock);
}

static const char *helper_end(struct helper *h)
{
	pthread_mutex_lock(&h->lock);
	h->go = true;
	pthread_cond_broadcast(&h->changed);
	pthread_mutex_unlock(&h->lock);
	EXPECT(pthread_join(h->thread, NULL) == 0);
	return h->found;
}

/* ---- A thread with a mask and a queue of its own ---- */

static void own_prepare(void)
{
	sigset_t set;

	sigfillset(&set);
	sigdelset(&set, SIGQUIT);
	pthread_sigmask(SIG_SETMASK, &set, NULL);
	pthread_sigqueue(pthread_self(), SIG_THREAD, (union sigval){ .sival_int = 1 });
	pthread_sigqueue(pthread_self(), SIG_THREAD, (union sigval){ .sival_int = 2 });
	pthread_kill(pthread_self(), SIGUSR1);
}

static const char *own_look(void)
{
	sigset_t set, one;
	siginfo_t info;

	EXPECT(pthread_sigmask(SIG_BLOCK, NULL, &set) == 0);
	EXPECT(sigismember(&set, SIGHUP) == 1 && sigismember(&set, SIGQUIT) == 0);
	sigemptyset(&one);
	sigaddset(&one, SIG_THREAD);
	for (int i = 1; i <= 2; i++) {
		EXPECT(sigtimedwait(&one, &info, &at_once) == SIG_THREAD);
		EXPECT(info.si_code == SI_QUEUE && info.si_value.sival_int == i);
	}
	sigemptyset(&one);
	sigaddset(&one, SIGUSR1);
	/* libc's sigtimedwait() shows another code. */
	EXPECT(syscall(SYS_rt_sigtimedwait, &one, &info, &at_once, 8) == SIGUSR1);
	EXPECT(info.si_code == SI_TKILL);
	return NULL;
}

static struct helper own = { .prepare = own_prepare, .look = own_look };

static void own_set_up(void)
{
	helper_start(&own);
}

static const char *own_check(void)
{
	sigset_t pending;

	EXPECT(sigpending(&pending) == 0);
	EXPECT(sigismember(&pending, SIG_THREAD) == 0);
	return helper_end(&own);
}

/* ---- Alternate stacks ---- */

enum { ALTSTACK_SIZE = 65536 };

static char *altstack, *thread_altstack;
static volatile uintptr_t handler_stack;

static void on_altstack(int signo)
{
	char here;

	(void)signo;
	handler_stack = (uintptr_t)&here;
}

static char *use_altstack(int signo)
{
	struct sigaction action = { .sa_handler = on_altstack, .sa_flags = SA_ONSTACK };
	char *memory = mmap(NULL, ALTSTACK_SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	stack_t stack = { .ss_sp = memory, .ss_size = ALTSTACK_SIZE };

	if (memory == MAP_FAILED || sigaltstack(&stack, NULL) < 0 ||
	    sigaction(signo, &action, NULL) < 0)
		return NULL;
	return memory;
}

static const char *altstack_look(int signo, char *memory)
{
	stack_t stack;

	EXPECT(sigaltstack(NULL, &stack) == 0);
	EXPECT(stack.ss_sp == memory && stack.ss_size == ALTSTACK_SIZE && stack.ss_flags == 0);
	handler_stack = 0;
	EXPECT(raise(signo) == 0);
	EXPECT(handler_stack - (uintptr_t)memory < ALTSTACK_SIZE);
	return NULL;
}

static void altstack_set_up(void)
{
	altstack = use_altstack(SIG_ALTSTACK);
	NEED(altstack);
}

static const char *altstack_check(void)
{
	return altstack_look(SIG_ALTSTACK, altstack);
}

static void thread_altstack_prepare(void)
{
	thread_altstack = use_altstack(SIG_ALTSTACK_THREAD);
}

static const char *thread_altstack_look(void)
{
	return altstack_look(SIG_ALTSTACK_THREAD, thread_altstack);
}

static struct helper with_altstack = { .prepare = thread_altstack_prepare,
				       .look = thread_altstack_look };

static void thread_altstack_set_up(void)
{
	helper_start(&with_altstack);
	NEED(thread_altstack);
}

static const char *thread_altstack_check(void)
{
	return helper_end(&with_altstack);
}

/* ---- A thread that waits for a signal ---- */

static struct {
	pthread_t thread;
	pid_t tid;
	siginfo_t info;
	int result;
} waited;

static void *wait_for_signal(void *argument)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIG_WAITED);
	__atomic_store_n(&waited.tid, (pid_t)syscall(SYS_gettid), __ATOMIC_SEQ_CST);
	waited.result = sigwaitinfo(&set, &waited.info);
	return argument;
}

static void waited_set_up(void)
{
	NEED(pthread_create(&waited.thread, NULL, wait_for_signal, NULL) == 0);
	while (!__atomic_load_n(&waited.tid, __ATOMIC_SEQ_CST))
		sched_yield();
}

static const char *waited_check(void)
{
	EXPECT(sigqueue(getpid(), SIG_WAITED, (union sigval){ .sival_int = 99 }) == 0);
	EXPECT(pthread_join(waited.thread, NULL) == 0);
	EXPECT(waited.result == SIG_WAITED && waited.info.si_value.sival_int == 99);
	return NULL;
}

const struct hold signal_holds[] = {
	{ "handler", "a handler has its flags and its mask", flags_set_up, flags_check, 0 },
	{ "handler-once", "a handler that was to run once runs once", once_set_up, once_check, 0 },
	{ "sigchld-flags", "a signal with its default action has its flags", nocldstop_set_up,
	  nocldstop_check, 0 },
	{ "ignored", "a signal is ignored, with its flags", ignored_set_up, ignored_check, 0 },
	{ "queued", "signals wait for the process, in their order, with their values",
	  queued_set_up,
	  queued_check, 0 },
	{ "queued-thread", "signals wait for one thread, with their values", own_set_up, own_check,
	  HOLD_NOT_IN_CORE },
	{ "altstack", "the first thread has its alternate stack", altstack_set_up, altstack_check,
	  0 },
	{ "altstack-thread", "another thread has its alternate stack", thread_altstack_set_up,
	  thread_altstack_check, HOLD_NOT_IN_CORE },
	{ "sigwaitinfo", "a thread that waits for a signal gets it", waited_set_up, waited_check,
	  0 },
	{ 0 },
};
