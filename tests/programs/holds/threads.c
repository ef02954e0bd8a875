/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Threads, and what they hold and wait for. */
#define _GNU_SOURCE
#include "holds.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <sys/rseq.h>
#endif

/*
 * A worker says how far it is, and is told how far it may go: 1 is before the checkpoint, more is
 * after it.  A worker that is about to block says so before; then it is waited for until it sleeps.
 */
struct worker {
	pthread_t thread;
	pid_t tid;
	int at, may;
	const char *found;
};

static const struct timespec moment = { .tv_nsec = 1000000 };

static void reach(struct worker *w, int stage)
{
	__atomic_store_n(&w->at, stage, __ATOMIC_SEQ_CST);
}

static void await(const int *word, int stage)
{
	while (__atomic_load_n(word, __ATOMIC_SEQ_CST) < stage)
		nanosleep(&moment, NULL);
}

static void let(struct worker *w, int stage)
{
	__atomic_store_n(&w->may, stage, __ATOMIC_SEQ_CST);
}

static void start_worker(struct worker *w, void *(*run)(void *))
{
	NEED(pthread_create(&w->thread, NULL, run, w) == 0);
	await(&w->at, 1);
}

static const char *end_worker(struct worker *w)
{
	EXPECT(pthread_join(w->thread, NULL) == 0);
	return w->found;
}

/* ---- Mutexes that are held across the checkpoint ---- */

static pthread_mutex_t plain = PTHREAD_MUTEX_INITIALIZER, recursive, checking, inherits;

static void *try_plain(void *argument)
{
	struct worker *w = argument;

	reach(w, 1);
	await(&w->may, 2);
	w->found = pthread_mutex_trylock(&plain) == EBUSY &&
				   pthread_mutex_trylock(&recursive) == EBUSY &&
				   pthread_mutex_trylock(&inherits) == EBUSY
			   ? NULL
			   : "a held mutex can be locked";
	return NULL;
}

static struct worker trier;

static void init_mutex(pthread_mutex_t *m, int type, int protocol, int robust)
{
	pthread_mutexattr_t attr;

	NEED(pthread_mutexattr_init(&attr) == 0 && pthread_mutexattr_settype(&attr, type) == 0 &&
	     pthread_mutexattr_setprotocol(&attr, protocol) == 0 &&
	     pthread_mutexattr_setrobust(&attr, robust) == 0 && pthread_mutex_init(m, &attr) == 0);
}

static void mutex_set_up(void)
{
	init_mutex(&recursive, PTHREAD_MUTEX_RECURSIVE, PTHREAD_PRIO_NONE, PTHREAD_MUTEX_STALLED);
	init_mutex(&checking, PTHREAD_MUTEX_ERRORCHECK, PTHREAD_PRIO_NONE, PTHREAD_MUTEX_STALLED);
	init_mutex(&inherits, PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_INHERIT, PTHREAD_MUTEX_STALLED);
	NEED(pthread_mutex_lock(&plain) == 0 && pthread_mutex_lock(&recursive) == 0 &&
	     pthread_mutex_lock(&recursive) == 0 && pthread_mutex_lock(&checking) == 0 &&
	     pthread_mutex_lock(&inherits) == 0);
	start_worker(&trier, try_plain);
}

static const char *mutex_check(void)
{
	const char *lost;

	EXPECT(pthread_mutex_lock(&checking) == EDEADLK);
	let(&trier, 2);
	lost = end_worker(&trier);
	EXPECT(pthread_mutex_lock(&recursive) == 0);
	for (int i = 0; i < 3; i++)
		EXPECT(pthread_mutex_unlock(&recursive) == 0);
	EXPECT(pthread_mutex_unlock(&recursive) == EPERM);
	EXPECT(pthread_mutex_unlock(&checking) == 0 && pthread_mutex_unlock(&plain) == 0);
	EXPECT(pthread_mutex_unlock(&inherits) == 0 && pthread_mutex_trylock(&inherits) == 0);
	return lost;
}

/* ---- Mutexes that a thread waits for: a plain one, and one that hands on priority ---- */

static pthread_mutex_t wanted = PTHREAD_MUTEX_INITIALIZER, wanted_inherits;
static struct worker wanting, wanting_inherits;

static void *want(void *argument)
{
	struct worker *w = argument;
	pthread_mutex_t *m = w == &wanting ? &wanted : &wanted_inherits;

	reach(w, 1);
	w->found = pthread_mutex_lock(m) == 0 && w->may == 2 ? NULL : "a mutex was not to be had";
	pthread_mutex_unlock(m);
	return NULL;
}

static void wanted_set_up(void)
{
	NEED(pthread_mutex_lock(&wanted) == 0);
	start_worker(&wanting, want);
}

static const char *wanted_check(void)
{
	let(&wanting, 2);
	EXPECT(pthread_mutex_unlock(&wanted) == 0);
	return end_worker(&wanting);
}

static void inherits_set_up(void)
{
	init_mutex(&wanted_inherits, PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_INHERIT,
		   PTHREAD_MUTEX_STALLED);
	NEED(pthread_mutex_lock(&wanted_inherits) == 0);
	start_worker(&wanting_inherits, want);
}

static const char *inherits_check(void)
{
	let(&wanting_inherits, 2);
	EXPECT(pthread_mutex_unlock(&wanted_inherits) == 0);
	return end_worker(&wanting_inherits);
}

/* ---- A robust mutex whose owner ends with it, after the restart ---- */

static pthread_mutex_t robust;
static struct worker owner;

static void *own_and_end(void *argument)
{
	struct worker *w = argument;

	w->found = pthread_mutex_lock(&robust) == 0 ? NULL : "the mutex was not to be had";
	reach(w, 1);
	await(&w->may, 2);
	return NULL;
}

static void robust_set_up(void)
{
	init_mutex(&robust, PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_NONE, PTHREAD_MUTEX_ROBUST);
	start_worker(&owner, own_and_end);
}

static const char *robust_check(void)
{
	EXPECT(pthread_mutex_trylock(&robust) == EBUSY);
	let(&owner, 2);
	EXPECT(end_worker(&owner) == NULL);
	EXPECT(pthread_mutex_trylock(&robust) == EOWNERDEAD);
	EXPECT(pthread_mutex_consistent(&robust) == 0 && pthread_mutex_unlock(&robust) == 0);
	return NULL;
}

/* ---- A condition variable: one waits without a limit, one with a far one ---- */

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool happened;
static struct worker waiting, patient;

static void *wait_for_it(void *argument)
{
	struct worker *w = argument;
	struct timespec far;
	int result = 0;

	clock_gettime(CLOCK_REALTIME, &far);
	far.tv_sec += 10000;
	pthread_mutex_lock(&guard);
	reach(w, 1);
	while (!happened && !result)
		result = w == &waiting ? pthread_cond_wait(&changed, &guard)
				       : pthread_cond_timedwait(&changed, &guard, &far);
	w->found = result ? "the wait failed" : NULL;
	pthread_mutex_unlock(&guard);
	return NULL;
}

static void condition_set_up(void)
{
	start_worker(&waiting, wait_for_it);
	start_worker(&patient, wait_for_it);
}

static const char *condition_check(void)
{
	const char *lost;

	EXPECT(pthread_mutex_lock(&guard) == 0);
	happened = true;
	EXPECT(pthread_cond_broadcast(&changed) == 0 && pthread_mutex_unlock(&guard) == 0);
	lost = end_worker(&waiting);
	return lost ? lost : end_worker(&patient);
}

/* ---- Read-write locks: one read-held, one write-held, with somebody waiting ---- */

static pthread_rwlock_t read_held = PTHREAD_RWLOCK_INITIALIZER,
			write_held = PTHREAD_RWLOCK_INITIALIZER;
static struct worker reader;

static void *read_it(void *argument)
{
	struct worker *w = argument;

	reach(w, 1);
	w->found =
		pthread_rwlock_rdlock(&write_held) == 0 && w->may == 2 ? NULL : "the lock was open";
	pthread_rwlock_unlock(&write_held);
	return NULL;
}

static void rwlock_set_up(void)
{
	NEED(pthread_rwlock_rdlock(&read_held) == 0 && pthread_rwlock_wrlock(&write_held) == 0);
	start_worker(&reader, read_it);
}

static const char *rwlock_check(void)
{
	EXPECT(pthread_rwlock_trywrlock(&read_held) == EBUSY &&
	       pthread_rwlock_tryrdlock(&read_held) == 0);
	EXPECT(pthread_rwlock_unlock(&read_held) == 0 && pthread_rwlock_unlock(&read_held) == 0);
	EXPECT(pthread_rwlock_trywrlock(&read_held) == 0);
	let(&reader, 2);
	EXPECT(pthread_rwlock_unlock(&write_held) == 0);
	return end_worker(&reader);
}

/* ---- A barrier and a semaphore that threads wait at ---- */

static pthread_barrier_t barrier;
static sem_t semaphore;
static struct worker at_barrier, at_semaphore;

static void *wait_at(void *argument)
{
	struct worker *w = argument;

	reach(w, 1);
	if (w == &at_barrier)
		pthread_barrier_wait(&barrier);
	else
		w->found = sem_wait(&semaphore) == 0 ? NULL : "the semaphore's wait failed";
	return NULL;
}

static void barrier_set_up(void)
{
	NEED(pthread_barrier_init(&barrier, NULL, 2) == 0 && sem_init(&semaphore, 0, 0) == 0);
	start_worker(&at_barrier, wait_at);
	start_worker(&at_semaphore, wait_at);
}

static const char *barrier_check(void)
{
	int result = pthread_barrier_wait(&barrier);

	EXPECT(result == 0 || result == PTHREAD_BARRIER_SERIAL_THREAD);
	EXPECT(end_worker(&at_barrier) == NULL);
	EXPECT(sem_post(&semaphore) == 0);
	return end_worker(&at_semaphore);
}

/* ---- A thread that waits for another's end, and gets its value ---- */

static struct worker joined, joining;

static void *end_when_told(void *argument)
{
	struct worker *w = argument;

	reach(w, 1);
	await(&w->may, 2);
	return &joined;
}

static void *join(void *argument)
{
	struct worker *w = argument;
	void *value = NULL;

	reach(w, 1);
	w->found = pthread_join(joined.thread, &value) == 0 && value == &joined ? NULL
										: "the join failed";
	return NULL;
}

static void join_set_up(void)
{
	start_worker(&joined, end_when_told);
	start_worker(&joining, join);
}

static const char *join_check(void)
{
	EXPECT(pthread_tryjoin_np(joining.thread, NULL) == EBUSY);
	let(&joined, 2);
	return end_worker(&joining);
}

/* ---- A thread that is cancelled, and one that gets a signal: libc names them by their ids ---- */

static struct worker cancelled, signalled;
static int cleaned, signals;

static void clean(void *argument)
{
	*(int *)argument = 1;
}

static void *be_cancelled(void *argument)
{
	struct worker *w = argument;

	pthread_cleanup_push(clean, &cleaned);
	reach(w, 1);
	for (;;)
		pause();
	pthread_cleanup_pop(0);
	return NULL;
}

static void on_signal(int signo)
{
	(void)signo;
	signals = (int)syscall(SYS_gettid);
}

static void *be_signalled(void *argument)
{
	struct worker *w = argument;

	w->tid = (pid_t)syscall(SYS_gettid);
	reach(w, 1);
	pause();
	w->found = __atomic_load_n(&signals, __ATOMIC_SEQ_CST) == (int)syscall(SYS_gettid)
		   ? NULL : "the signal went elsewhere";
	return NULL;
}

static void cancel_set_up(void)
{
	start_worker(&cancelled, be_cancelled);
}

static const char *cancel_check(void)
{
	void *value = NULL;

	EXPECT(pthread_cancel(cancelled.thread) == 0);
	EXPECT(pthread_join(cancelled.thread, &value) == 0 && value == PTHREAD_CANCELED);
	EXPECT(cleaned);
	return NULL;
}

static void kill_set_up(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	NEED(sigaction(SIGRTMIN + 28, &action, NULL) == 0);
	start_worker(&signalled, be_signalled);
}

static const char *kill_check(void)
{
	EXPECT(pthread_kill(signalled.thread, SIGRTMIN + 28) == 0);
	return end_worker(&signalled);
}

/* ---- Values of each thread: specific data, thread-local variables ---- */

static pthread_key_t key;
static __thread int local = 5;
static int destroyed;
static struct worker with_data;

static void destroy(void *value)
{
	destroyed = *(int *)value;
}

static void *hold_data(void *argument)
{
	static int value = 1234;
	struct worker *w = argument;

	pthread_setspecific(key, &value);
	local = 77;
	reach(w, 1);
	await(&w->may, 2);
	w->found = pthread_getspecific(key) == &value && local == 77 && errno == 0 ? NULL
		   : "a thread's own values are others";
	return NULL;
}

static void data_set_up(void)
{
	NEED(pthread_key_create(&key, destroy) == 0);
	start_worker(&with_data, hold_data);
	local = 6;
}

static const char *data_check(void)
{
	EXPECT(local == 6 && pthread_getspecific(key) == NULL);
	let(&with_data, 2);
	EXPECT(end_worker(&with_data) == NULL);
	EXPECT(destroyed == 1234);
	return NULL;
}

/* ---- The cpu, as libc reads it from the restartable sequences' area ---- */

static struct worker counting;

static const char *look_at_cpu(void)
{
	unsigned cpu, node;

	for (int i = 0; i < 100; i++) {
		cpu_set_t one;

		CPU_ZERO(&one);
		CPU_SET(i % 2, &one);
		if (sched_setaffinity(0, sizeof one, &one) < 0)
			continue;
		EXPECT(sched_getcpu() == i % 2);
		EXPECT(syscall(SYS_getcpu, &cpu, &node, NULL) == 0 && (int)cpu == i % 2);
	}
#ifdef __GLIBC__
	const volatile struct rseq *r =
		(const void *)((char *)__builtin_thread_pointer() + __rseq_offset);

	EXPECT(!__rseq_size || (int)r->cpu_id >= 0);
#endif
	return NULL;
}

static void *count_cpus(void *argument)
{
	struct worker *w = argument;

	reach(w, 1);
	await(&w->may, 2);
	w->found = look_at_cpu();
	return NULL;
}

static void cpu_set_up(void)
{
	start_worker(&counting, count_cpus);
}

static const char *cpu_check(void)
{
	cpu_set_t then;
	const char *lost;

	EXPECT(sched_getaffinity(0, sizeof then, &then) == 0);
	lost = look_at_cpu();
	EXPECT(sched_setaffinity(0, sizeof then, &then) == 0);
	let(&counting, 2);
	return lost ? lost : end_worker(&counting);
}

/* ---- The threads of C11 ---- */

static mtx_t c11_mutex;
static cnd_t c11_condition;
static thrd_t c11_thread;
static tss_t c11_key;
static int c11_stage;

static int c11_run(void *argument)
{
	tss_set(c11_key, argument);
	mtx_lock(&c11_mutex);
	__atomic_store_n(&c11_stage, 1, __ATOMIC_SEQ_CST);
	while (c11_stage != 2)
		cnd_wait(&c11_condition, &c11_mutex);
	mtx_unlock(&c11_mutex);
	return tss_get(c11_key) == argument ? 42 : 0;
}

static void c11_set_up(void)
{
	NEED(mtx_init(&c11_mutex, mtx_plain) == thrd_success &&
	     cnd_init(&c11_condition) == thrd_success);
	NEED(tss_create(&c11_key, NULL) == thrd_success);
	NEED(thrd_create(&c11_thread, c11_run, &c11_key) == thrd_success);
	await(&c11_stage, 1);
}

static const char *c11_check(void)
{
	int result = 0;

	EXPECT(mtx_lock(&c11_mutex) == thrd_success);
	c11_stage = 2;
	EXPECT(cnd_signal(&c11_condition) == thrd_success &&
	       mtx_unlock(&c11_mutex) == thrd_success);
	EXPECT(thrd_join(c11_thread, &result) == thrd_success && result == 42);
	return NULL;
}

/* ---- New threads, after the restart ---- */

static struct worker fresh;

static void *begin(void *argument)
{
	struct worker *w = argument;

	w->tid = (pid_t)syscall(SYS_gettid);
	reach(w, 1);
	return NULL;
}

static void fresh_set_up(void)
{
}

static const char *fresh_check(void)
{
	for (int i = 0; i < 20; i++) {
		fresh.at = 0;
		EXPECT(pthread_create(&fresh.thread, NULL, begin, &fresh) == 0);
		EXPECT(end_worker(&fresh) == NULL && fresh.at == 1 && fresh.tid != getpid());
	}
	return NULL;
}

const struct hold thread_holds[] = {
	{ "mutexes", "mutexes of every kind are held by their owner", mutex_set_up, mutex_check,
	  0 },
	{ "mutex-wanted", "a thread waits for a mutex and gets it", wanted_set_up, wanted_check,
	  0 },
	{ "mutex-inherits", "a thread waits for a mutex that hands on priority and gets it",
	  inherits_set_up,
	  inherits_check, HOLD_OLD_IDS },
	{ "mutex-robust", "a robust mutex outlives its owner", robust_set_up, robust_check,
	  HOLD_OLD_IDS },
	{ "condition", "threads wait for a condition and are told", condition_set_up,
	  condition_check, 0 },
	{ "rwlock", "read-write locks are held, and waited for", rwlock_set_up, rwlock_check, 0 },
	{ "barrier", "threads wait at a barrier and a semaphore", barrier_set_up, barrier_check,
	  0 },
	{ "join", "a thread waits for another's end", join_set_up, join_check, 0 },
	{ "cancel", "a thread can be cancelled", cancel_set_up, cancel_check, HOLD_OLD_IDS },
	{ "pthread-kill", "a thread can be sent a signal", kill_set_up, kill_check, HOLD_OLD_IDS },
	{ "thread-data", "each thread has its own values", data_set_up, data_check, 0 },
	{ "getcpu", "the cpu is known, as it changes", cpu_set_up, cpu_check, 0 },
	{ "c11", "threads of C11 go on", c11_set_up, c11_check, 0 },
	{ "new-threads", "new threads can be made", fresh_set_up, fresh_check, 0 },
	{ 0 },
};
