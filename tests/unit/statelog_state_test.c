/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lines of the state text about waiting signals, timers, attributes and credentials. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "process/statelog.h"
#include "tests/unit/check.h"
#include "tests/unit/same_model.h"
#include "util/io.h"

static struct process p;
static struct error err;

static void count_warning(void *context, const char *message)
{
	printf("# %s\n", message);
	++*(int *)context;
}

static int parse(const char *text, size_t len)
{
	int warnings = 0;

	process_free(&p);
	err.message[0] = '\0';
	int result = statelog_parse(&p, "log", text, len, count_warning, &warnings, &err);

	return result < 0 || warnings ? -1 : 0;
}

/* ---- Lines ----------------------------------------------------------------------------------- */

static void test_lines(void)
{
	static const char text[] =
		"thread : 7\n"
		"nice : 5\n"
		"nice : -3 : 9\n"
		"sched : SCHED_FIFO 10 reset-on-fork : 9\n"
		"cpus : 0-2,64 : 7\n"
		"cpus : all\n"
		"ioprio : best-effort 4\n"
		"pdeathsig : SIGHUP : 7\n"
		"itimer : real : 1.5 : 0.000001\n"
		"timer : 3 : CLOCK_MONOTONIC : SIGRTMIN+1 0xab thread 9 : 2 : 3.000000001\n"
		"timer : 1 : CLOCK_THREAD_CPUTIME_ID 7 : none\n"
		"pending : process : SIGUSR1 : SI_QUEUE : 12 : 34 : 0x56 : -1 0x1 0x2\n"
		"pending : 9 : SIGUSR2\n"
		"credentials : uid 1 2 3 4 : gid 5 6 7 8 : groups 9 10\n"
		"clocks : 1700000000.25 : 5 : 6\n";
	int64_t value;

	if (!CHECK(parse(text, strlen(text)) == 0, "lines of every kind are read: %s", err.message))
		return;
	CHECK(p.thread_count == 2 && p.threads[1].tid == 9,
	      "a thread that only an attribute names is added");
	CHECK(process_attribute(&p, &p.threads[0], ATTRIBUTE_NICE, &value) && value == 5 &&
	      process_attribute(&p, &p.threads[1], ATTRIBUTE_NICE, &value) && value == -3,
	      "a thread's own line wins over that of all");
	CHECK(process_scheduling(&p, &p.threads[1])->priority == 10 &&
		      process_scheduling(&p, &p.threads[1])->reset_on_fork &&
		      !process_scheduling(&p, &p.threads[0]),
	      "a policy has a priority and a thread");
	CHECK(process_cpus(&p, &p.threads[0])->cpu_words == 2 &&
		      process_cpus(&p, &p.threads[0])->cpus[0] == 7 &&
		      process_cpus(&p, &p.threads[0])->cpus[1] == 1 &&
		      process_cpus(&p, &p.threads[1])->cpu_words == 0,
	      "cpus are a list, or all");
	CHECK(p.attributes.values[ATTRIBUTE_IOPRIO] == (2 << 13 | 4),
	      "an i/o priority has a class");
	CHECK(p.interval_timers[0].times.remaining == 1500000000 &&
		      p.interval_timers[0].times.interval == 1000,
	      "times are seconds with decimals");
	CHECK(p.posix_timer_count == 2 && p.posix_timers[0].id == 1 &&
		      p.posix_timers[0].clock_tid == 7 && !p.posix_timers[0].times_known,
	      "timers are sorted, and their times may be unknown");
	CHECK(p.posix_timers[1].tid == 9 && p.posix_timers[1].value == 0xab &&
	      p.posix_timers[1].times.interval == 3000000001, "a timer tells a thread");
	CHECK(p.pending_signal_count == 2 && p.pending_signals[0].code == SI_QUEUE &&
	      p.pending_signals[0].error == -1 && p.pending_signals[0].words[2] == 2 &&
	      p.pending_signals[1].tid == 9 && !p.pending_signals[1].info_known,
	      "signals wait with what came with them");
	CHECK(p.credentials.uids[1] == 2 && p.credentials.gids[3] == 8 &&
		      p.credentials.group_count == 2,
	      "credentials are user, group and groups");
}

static void test_mistakes(void)
{
	static const struct { const char *text, *message;
	} cases[] = {
		{ "nice : 20\n", "log:1:8: nice: '20' is not between -20 and 19" },
		{ "nice : 1\nnice : 2\n", "log:2:1: nice has a line already" },
		{ "nice : 1 : 5\nnice : 2 : 5\n",
		  "log:2:1: line 1 says the same of thread 5 already" },
		{ "sigmask : ff\n", "log:1:1: sigmask needs a thread" },
		{ "nice : 1 : 0\n", "log:1:12: thread id: no thread has 0" },
		{ "personality : 0 : 5\n",
		  "log:1:19: personality is of the process: it has no thread" },
		{ "sched : SCHED_FIFO\n", "log:1:19: priority is missing" },
		{ "sched : SCHED_SLOW\n",
		  "log:1:9: sched: 'SCHED_SLOW' is no policy (SCHED_OTHER, SCHED_FIFO 10, ...)" },
		{ "sched : SCHED_OTHER 5\n", "log:1:21: sched: '5' is too much" },
		{ "cpus : 5-3\n", "log:1:8: cpu: the range ends before it starts" },
		{ "cpus : 8192\n", "log:1:8: cpu: 8192 is more than 8191" },
		{ "cpus : \n", "log:1:8: cpu is missing" },
		{ "ioprio : high 3\n",
		  "log:1:10: ioprio: 'high 3' is not none, realtime, best-effort or idle, and a "
		  "level" },
		{ "itimer : unreal : 1 : 1\n",
		  "log:1:10: 'unreal' is no interval timer (real, virtual, prof)" },
		{ "itimer : real : 1 : 1\nitimer : real : 1 : 1\n",
		  "log:2:10: interval timer real has a line already" },
		{ "itimer : real : 1.0000000001 : 1\n",
		  "log:1:19: remaining time: '0000000001' are not at most nine decimals" },
		{ "itimer : real : 9223372036 : 1\n",
		  "log:1:17: remaining time: 9223372036 is more than 9223372035 seconds" },
		{ "timer : 1 : CLOCK_MONOTONIC : none\ntimer : 1 : CLOCK_MONOTONIC : none\n",
		  "log:2:9: timer 1 stands on line 1 already" },
		{ "timer : 1 : CLOCK_WALL : none\n",
		  "log:1:13: clock: 'CLOCK_WALL' is not a number" },
		{ "timer : 1 : CLOCK_REALTIME 5 : none\n",
		  "log:1:28: only CLOCK_THREAD_CPUTIME_ID has a thread" },
		{ "timer : 1 : CLOCK_REALTIME : none : 5\n", "log:1:37: the interval is missing" },
		{ "timer : 1 : CLOCK_REALTIME : SIGALRM 0 to 5\n",
		  "log:1:30: notification: it is 'none' or 'SIGNAL VALUE [thread THREAD]'" },
		{ "pending : process : SIGKILL\n", "log:1:21: SIGKILL never waits" },
		{ "pending : process : SIGHUP : SI_USER\n",
		  "log:1:30: it needs all of 'CODE : PID : UID : VALUE'" },
		{ "pending : everybody : SIGHUP\n",
		  "log:1:11: thread id: 'everybody' is not a number" },
		{ "credentials : uid 0 0 0 : gid 0 0 0 0 : groups\n", "log:1:24: uid is missing" },
		{ "credentials : uid 0 0 0 0 : uid 0 0 0 0 : groups\n",
		  "log:1:29: it begins with 'gid'" },
		{ "capabilities : permitted 0 : inheritable 0 : effective 0 : bounding 0 : "
		  "ambient 0\n",
		  "log:1:16: it begins with 'inheritable'" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CHECK(parse(cases[i].text, strlen(cases[i].text)) < 0, "a mistake is refused: %s",
		      cases[i].message);
		CHECK_TEXT(err.message, cases[i].message, "and its place is named");
	}
}

/* ---- Random models --------------------------------------------------------------------------- */

/* The values that each attribute may have. */
static int64_t random_value(int which)
{
	static const int speculation[] = { 2, 4, 8 };

	switch (which) {
	case ATTRIBUTE_OOM_SCORE_ADJ: return (int64_t)below(2001) - 1000;
	case ATTRIBUTE_PERSONALITY:
	case ATTRIBUTE_COREDUMP_FILTER: return (int64_t)below(1ull << 32);
	case ATTRIBUTE_DUMPABLE: case ATTRIBUTE_SECCOMP: return (int64_t)below(3);
	case ATTRIBUTE_MDWE: return (int64_t)below(4);
	case ATTRIBUTE_FUTURE_LOCKS: return (int64_t)below(3);
	case ATTRIBUTE_PKEYS: return (int64_t)below(1 << 15) * 2;
	case ATTRIBUTE_NICE: return (int64_t)below(40) - 20;
	case ATTRIBUTE_IOPRIO: return (int64_t)(below(4) << 13 | below(8));
	case ATTRIBUTE_TIMERSLACK: return (int64_t)(number() >> (1 + below(63)));
	case ATTRIBUTE_PDEATHSIG: return (int64_t)below(SIGNALS);
	case ATTRIBUTE_SECUREBITS: return (int64_t)below(256);
	case ATTRIBUTE_TSC: return 1 + (int64_t)below(2);
	case ATTRIBUTE_STORE_BYPASS: case ATTRIBUTE_INDIRECT_BRANCH: return speculation[below(3)];
	default: return (int64_t)below(2);
	}
}

static void random_attributes(struct process *q, struct attributes *a, int first)
{
	for (int i = first; i < ATTRIBUTES; i++)
		if (below(2))
			attribute_set(a, (enum attribute)i, random_value(i));
	if (below(2)) {
		static const uint32_t policies[] = { 0, 1, 2, 3, 5, 6 };

		a->scheduling = (struct scheduling){
			.known = true, .policy = policies[below(6)], .reset_on_fork = below(2),
		};
		if (a->scheduling.policy == 1 || a->scheduling.policy == 2)
			a->scheduling.priority = 1 + (uint32_t)below(99);
		if (a->scheduling.policy == 6)
			a->scheduling.runtime = number() >> 1;
	}
	if (below(2)) {
		uint64_t *bits = arena_alloc(&q->arena, CPU_WORDS * sizeof *bits);

		a->cpus = bits;
		a->cpu_words = below(4) ? 1 + below(CPU_WORDS) : 0;
		for (size_t i = 0; i < a->cpu_words; i++)
			bits[i] = below(2) ? number() & number() : below(2) ? 0 : UINT64_MAX;
		if (a->cpu_words)
			bits[a->cpu_words - 1] |= 1;
		else
			a->cpus = attributes_all_cpus;
	}
}

static void random_credentials(struct process *q)
{
	struct credentials *c = &q->credentials;
	uint32_t *groups = arena_alloc(&q->arena, 100 * sizeof *groups);

	c->known = below(2);
	c->caps_known = below(2);
	for (int i = 0; i < CREDENTIAL_IDS && c->known; i++) {
		c->uids[i] = (uint32_t)below(UINT32_MAX);
		c->gids[i] = (uint32_t)below(UINT32_MAX);
	}
	for (int i = 0; i < CAPABILITY_SETS && c->caps_known; i++)
		c->caps[i] = number();
	c->group_count = c->known ? below(100) : 0;
	for (size_t i = 0; i < c->group_count; i++)
		groups[i] = (uint32_t)below(UINT32_MAX);
	c->groups = groups;
}

static struct timer_times random_times(void)
{
	const uint64_t most = 9223372035999999999ull;

	return (struct timer_times){ (number() >> below(64)) % most,
				     below(2) ? 0 : number() % most };
}

static void random_timers(struct process *q)
{
	static const int clocks[] = { 0, 1, 7, 8, 9, 11, -6, -2, 5, -77, INT32_MAX, -INT32_MAX };
	static const int notifies[] = { SIGEV_SIGNAL, SIGEV_NONE, SIGEV_THREAD_ID };
	int id = 0;

	for (int i = 0; i < INTERVAL_TIMERS; i++)
		if (below(2))
			q->interval_timers[i] = (struct interval_timer){ true, random_times() };
	for (size_t n = below(6); n > 0; n--) {
		struct posix_timer *t = process_add_posix_timer(q);

		id += 1 + (int)below(1000);
		*t = (struct posix_timer){
			.id = id, .clock = clocks[below(12)], .notify = notifies[below(3)],
			.times_known = below(2),
		};
		if (t->clock == -2 && below(2))
			t->clock_tid = 1 + (pid_t)below(4000000);
		if (t->notify != SIGEV_NONE) {
			t->signo = 1 + (int)below(SIGNALS - 1);
			t->value = number();
		}
		if (t->notify == SIGEV_THREAD_ID)
			t->tid = 1 + (pid_t)below(4000000);
		if (t->times_known)
			t->times = random_times();
	}
	if (q->posix_timer_count || below(2))
		q->have |= HAVE_TIMERS;
	if (below(2))
		q->clocks = (struct clocks){ true, random_times().remaining, 5,
					     random_times().remaining };
}

static void random_pending(struct process *q)
{
	for (size_t n = below(6); n > 0; n--) {
		struct pending_signal *s = process_add_pending_signal(q);

		s->tid = below(2) ? 0 : 1 + (pid_t)below(4000000);
		do
			s->signo = 1 + (int)below(SIGNALS - 1);
		while (s->signo == SIGKILL || s->signo == SIGSTOP);
		s->info_known = below(4);
		if (!s->info_known)
			continue;
		s->code = (int)below(20) - 10;
		s->error = below(2) ? 0 : -5;
		s->pid = (uint32_t)number();
		s->uid = (uint32_t)number();
		for (int i = 0; i < PENDING_WORDS; i++)
			s->words[i] = below(2) ? 0 : number();
	}
	if (q->pending_signal_count || below(2))
		q->have |= HAVE_PENDING;
}

static bool comes_back(const struct process *q)
{
	struct arena a = { 0 };
	char path[64];
	size_t len;
	int fd = memfd_create("text", MFD_CLOEXEC);
	bool good = fd >= 0 && statelog_write(q, fd, &err) == 0;

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	char *text = good ? read_file(&a, path, 1 << 26, &len, &err) : NULL;
	good = text && parse(text, len) == 0 && same_model(q, &p);
	if (!good && text)
		fwrite(text, 1, len, stderr);
	arena_free(&a);
	close(fd);
	return good;
}

static void test_random_models(void)
{
	bool good = true;

	for (int i = 0; good && i < 3000; i++) {
		struct process q;
		pid_t tid = 0;

		process_init(&q);
		for (size_t n = below(5); n > 0; n--) {
			struct thread *t = process_add_thread(&q);

			t->tid = tid += 1 + (pid_t)below(1000);
			if (below(2))
				random_attributes(&q, &t->attributes, ATTRIBUTES_OF_THREADS);
			t->blocked_known = below(2);
			t->blocked = t->blocked_known ? number() : 0;
		}
		random_attributes(&q, &q.attributes, 0);
		random_credentials(&q);
		random_timers(&q);
		random_pending(&q);
		good = comes_back(&q);
		process_free(&q);
	}
	CHECK(good, "random models come back from their text as they were: %s", err.message);
}

int main(void)
{
	process_init(&p);
	test_lines();
	test_mistakes();
	test_random_models();
	process_free(&p);
	return CHECK_DONE();
}
