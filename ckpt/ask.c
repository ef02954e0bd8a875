/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "ckpt/ask.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>

#include "process/questions.h"

/* ---- Calls in the process's name ------------------------------------------------------------- */

static int call(void *context, long *result, struct error *err, long nr,
		const uint64_t args[ASKER_ARGS])
{
	return tracee_call(context, result, err, nr, args[0], args[1], args[2], args[3], 0, 0);
}

static int read_answer(void *context, addr_t from, void *to, size_t len, struct error *err)
{
	const struct tracee *t = context;

	return traced_read(t->pid, from, to, len, err);
}

static struct asker asker_of(struct tracee *t)
{
	return (struct asker){
		.call = call, .read = read_answer, .context = t, .data = t->scratch.data,
	};
}

int ask_process(struct process *p, struct tracee *t, struct error *err)
{
	struct asker a = asker_of(t);
	struct thread *leader = &p->threads[0];

	if (ask_altstack(leader, &a, err) < 0 || ask_timers(p, &a, err) < 0 ||
	    ask_settings(p, leader, &a, err) < 0 || ask_future_locks(p, &a, err) < 0)
		return -1;
	return p->thread_count > 1 ? ask_dispositions(p, &a, err) : 0;
}

/* What fork() copies. */
static int ask_copied(struct process *p, const struct asker *a, struct error *err)
{
	if (p->thread_count == 1 && ask_dispositions(p, a, err) < 0)
		return -1;
	if (ask_brk(p, a, err) < 0 || ask_pkeys(p, a, err) < 0)
		return -1;
	return ask_inherited(p, &p->threads[0], a, err);
}

int ask_rest(struct process *p, struct tracee *t, struct error *err)
{
	struct asker a = asker_of(t);

	return ask_copied(p, &a, err);
}

static int call_snapshot(void *context, long *result, struct error *err, long nr,
			 const uint64_t args[ASKER_ARGS])
{
	const struct snapshot_caller *s = context;

	return tracee_call_in(s->pid, s->syscall_ret, s->sp, NULL, result, err, nr,
			      args[0], args[1], args[2], args[3], 0, 0);
}

static int read_snapshot(void *context, addr_t from, void *to, size_t len, struct error *err)
{
	const struct snapshot_caller *s = context;

	return traced_read(s->pid, from, to, len, err);
}

int ask_snapshot(struct process *p, const struct snapshot_caller *s, struct error *err)
{
	struct asker a = {
		.call = call_snapshot, .read = read_snapshot, .context = (void *)(uintptr_t)s,
		.data = s->data,
	};

	if (ask_copied(p, &a, err) < 0)
		return -1;
	return traced_write(s->pid, s->start, s->saved, s->size, err);
}

/* Alternate stacks are asked for only where a handler wants one. */
bool ask_wants_threads(const struct process *p)
{
	for (int i = 1; i < SIGNALS && p->thread_count > 1; i++)
		if (p->dispositions[i].kind == DISPOSITION_HANDLER &&
		    p->dispositions[i].flags & SA_ONSTACK)
			return true;
	return false;
}

int ask_threads(struct process *p, struct tracee *t, struct error *err)
{
	int result = 0;

	for (size_t i = 1; i < t->count && result == 0; i++) {
		struct thread *thread = process_thread(p, t->threads[i].tid);
		struct error unable;

		if (thread && tracee_begin_calls(t, i, p, &unable) == 0) {
			struct asker a = asker_of(t);

			result = ask_altstack(thread, &a, err);
		}
		tracee_end_calls(t);
	}
	return result;
}

/* ---- Signals that wait ----------------------------------------------------------------------- */

/*
 * The kernel's siginfo_t up to where it means something (SI_EXPANSION_SIZE bytes behind are zero).
 */
struct siginfo_head {
	int32_t signo, error, code, pad;
	uint32_t pid, uid;
	uint64_t words[PENDING_WORDS];
};

_Static_assert(sizeof(struct siginfo_head) == 48, "include/uapi/asm-generic/siginfo.h");

static int add_pending(struct process *p, pid_t tid, const siginfo_t *info, struct error *err)
{
	struct pending_signal *pending;
	struct siginfo_head head;

	/* Sent just now, or to a process that is stopped already: no state of it. */
	if (info->si_signo == SIGSTOP || info->si_signo == SIGKILL)
		return 0;
	pending = process_add_pending_signal(p);
	if (!pending)
		return error_set(err, ENOMEM, "not enough memory");
	memcpy(&head, info, sizeof head);
	*pending = (struct pending_signal){
		.tid = tid, .signo = head.signo, .info_known = true, .code = head.code,
		.error = head.error, .pid = head.pid, .uid = head.uid,
	};
	memcpy(pending->words, head.words, sizeof pending->words);
	return 0;
}

/* A queue, as seen by TID: its own, or (SHARED) the process's. */
static int read_queue(struct process *p, pid_t tid, bool shared, struct error *err)
{
	enum { BATCH = 32 };
	siginfo_t infos[BATCH];
	struct __ptrace_peeksiginfo_args args = {
		.flags = shared ? PTRACE_PEEKSIGINFO_SHARED : 0, .nr = BATCH,
	};
	long n;

	do {
		n = ptrace(PTRACE_PEEKSIGINFO, tid, &args, infos);
		if (n < 0)
			return error_sys(err, errno, "the signals that wait for thread %d", tid);
		for (long i = 0; i < n; i++)
			if (add_pending(p, shared ? 0 : tid, &infos[i], err) < 0)
				return -1;
		args.off += (uint64_t)n;
	} while (n == BATCH);
	return 0;
}

int ask_pending(struct process *p, const struct tracee *t, struct error *err)
{
	if (read_queue(p, t->pid, true, err) < 0)
		return -1;
	for (size_t i = 0; i < t->count; i++)
		if (read_queue(p, t->threads[i].tid, false, err) < 0)
			return -1;
	p->have |= HAVE_PENDING;
	return 0;
}
