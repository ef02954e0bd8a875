/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What came with the signals that wait.  A process can only see
 * that by taking them, which this one may: it is about to end.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "libsavefds/library.h"
#include "process/raw_x86_64.h"

/* A timer that beats fast sends again and again; this ends a queue that never does. */
enum { QUEUE_MAX = 100000 };

/* The kernel's siginfo_t, up to where it means something. */
struct siginfo_head {
	int32_t signo, error, code, pad;
	uint32_t pid, uid;
	uint64_t words[PENDING_WORDS];
};

/* The next of them, or false. */
static bool take(int signo, siginfo_t *info)
{
	const uint64_t set = (uint64_t)1 << (signo - 1);
	const struct timespec at_once = { 0 };

	return raw_syscall(SYS_rt_sigtimedwait, (long)&set, (long)info, (long)&at_once, sizeof set,
			   0) == signo;
}

/* Whether a signal of the same timer was taken before: the timer has sent this one since. */
static bool sent_since(const struct process *p, const struct siginfo_head *head)
{
	for (size_t i = 0; head->code == SI_TIMER && i < p->pending_signal_count; i++) {
		const struct pending_signal *before = &p->pending_signals[i];

		if (before->info_known && before->signo == head->signo &&
		    before->code == SI_TIMER && before->pid == head->pid)
			return true;
	}
	return false;
}

static int add(struct process *p, pid_t tid, const siginfo_t *info, struct error *err)
{
	struct pending_signal *pending;
	struct siginfo_head head;

	memcpy(&head, info, sizeof head);
	if (sent_since(p, &head))
		return 0;
	pending = process_add_pending_signal(p);
	if (!pending)
		return error_sys(err, ENOMEM, "the signals that wait");
	*pending = (struct pending_signal){
		.tid = tid, .signo = head.signo, .info_known = true, .code = head.code,
		.error = head.error, .pid = head.pid, .uid = head.uid,
	};
	memcpy(pending->words, head.words, sizeof pending->words);
	return 0;
}

/*
 * Those of the process, and of the calling thread SELF, get what came with
 * them.  Where the same signal waits for both, which is which cannot be told.
 * A signal that has the text written is none to wait for after a restart.
 */
int pending_take(struct process *p, pid_t self, struct error *err)
{
	size_t count = p->pending_signal_count;
	const struct pending_signal *seen = p->pending_signals;
	siginfo_t info;

	p->pending_signals = NULL;
	p->pending_signal_count = p->pending_signal_capacity = 0;
	for (size_t i = 0; i < count; i++) {
		const struct pending_signal *s = &seen[i];
		struct pending_signal *other;

		if (settings_watch(s->signo))
			continue;
		if (!s->tid || s->tid == self) {
			for (int n = 0; n < QUEUE_MAX && take(s->signo, &info); n++)
				if (add(p, s->tid, &info, err) < 0)
					return -1;
			continue;
		}
		other = process_add_pending_signal(p);
		if (!other)
			return error_sys(err, ENOMEM, "the signals that wait");
		*other = *s;
	}
	return 0;
}
