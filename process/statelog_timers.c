/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lines `itimer`, `timer`, `clocks` and `pending`. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "process/names.h"
#include "process/statelog_out.h"
#include "process/statelog_parse.h"
#include "util/format.h"

static const char *const interval_timers[INTERVAL_TIMERS] = { "real", "virtual", "prof" };

enum { SECOND = 1000000000 };
enum { NOTIFY_SIGNAL = 0, NOTIFY_NONE = 1, NOTIFY_THREAD = 4 };  /* SIGEV_* */

/* As many as a ktime_t holds. */
static const uint64_t seconds_max = 9223372035;

/* ---- Times ------------------------------------------------------ */

static void put_duration(struct out *o, uint64_t ns)
{
	print(o, " : ");
	put_time(o, (struct timespec){ (time_t)(ns / SECOND), (long)(ns % SECOND) });
}

static int take_time(struct parser *s, struct field f, const char *what, uint64_t *ns)
{
	struct timespec t = { 0 };

	if (field_time(s, f, what, &t) != 0)
		return -1;
	if ((uint64_t)t.tv_sec > seconds_max)
		return field_error(s, f, "%s: %s is more than %lu seconds", what,
				   field_quote(f).text, (unsigned long)seconds_max);
	*ns = (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
	return 0;
}

static int take_times(struct parser *s, const struct field *f, struct timer_times *t)
{
	return take_time(s, f[0], "remaining time", &t->remaining) != 0 ||
	       take_time(s, f[1], "interval", &t->interval) != 0 ? -1 : 0;
}

/* ---- Interval timers ------------------------------------------------------------------------- */

int take_itimer(struct parser *s)
{
	const struct field *f = s->line.fields;
	int which = 0;

	while (which < INTERVAL_TIMERS && !field_is(f[1], interval_timers[which]))
		which++;
	if (which == INTERVAL_TIMERS)
		return field_error(s, f[1], "'%s' is no interval timer (real, virtual, prof)",
				   field_quote(f[1]).text);
	struct interval_timer *timer = &s->p->interval_timers[which];

	if (timer->known)
		return field_error(s, f[1], "interval timer %s has a line already",
				   interval_timers[which]);
	timer->known = true;
	return take_times(s, f + 2, &timer->times);
}

/* ---- POSIX timers ---------------------------------------------------------------------------- */

/* A word and, behind it, the rest of the field. */
static bool next_word(struct field *f, char *word, size_t size)
{
	return field_copy(field_next(f, ' '), word, size);
}

static int take_integer(struct parser *s, struct field f, const char *what, int *n)
{
	bool negative = f.len && *f.text == '-';
	struct field digits = { f.text + negative, f.len - negative };
	uint64_t value;

	if (number_decimal(s, digits, what, INT32_MAX, &value) != 0)
		return -1;
	*n = negative ? -(int)value : (int)value;
	return 0;
}

static int take_clock(struct parser *s, struct field f, struct posix_timer *t)
{
	struct field rest = f, number = f;
	char word[40];

	if (!next_word(&rest, word, sizeof word) || !clock_id_find(word, &t->clock))
		return take_integer(s, number, "clock", &t->clock);
	if (rest.len && t->clock != CLOCK_OF_THREAD)
		return field_error(s, rest, "only CLOCK_THREAD_CPUTIME_ID has a thread");
	return rest.len ? field_tid(s, rest, &t->clock_tid) : 0;
}

/* `none`, `SIGALRM VALUE`, `SIGALRM VALUE thread TID` */
static int take_notify(struct parser *s, struct field f, struct posix_timer *t)
{
	struct field rest = f, value;

	t->notify = NOTIFY_NONE;
	if (field_is(f, "none"))
		return 0;
	t->notify = NOTIFY_SIGNAL;
	if (field_signal(s, field_next(&rest, ' '), &t->signo) != 0)
		return -1;
	value = field_next(&rest, ' ');
	if (number_hex(s, value, "value", UINT64_MAX, &t->value) != 0)
		return -1;
	if (!rest.len)
		return 0;
	t->notify = NOTIFY_THREAD;
	if (!field_is(field_next(&rest, ' '), "thread"))
		return field_error(s, f,
				   "notification: it is 'none' or 'SIGNAL VALUE [thread THREAD]'");
	return field_tid(s, rest, &t->tid);
}

int take_timer(struct parser *s)
{
	const struct line *l = &s->line;
	struct posix_timer timer = { 0 }, *added;
	struct timer_line *lines;
	uint64_t id;

	if (l->count == 5)
		return field_error(s, l->fields[4], "the interval is missing");
	if (number_decimal(s, l->fields[1], "timer id", INT32_MAX, &id) != 0 ||
	    take_clock(s, l->fields[2], &timer) != 0 || take_notify(s, l->fields[3], &timer) != 0)
		return -1;
	timer.id = (int)id;
	timer.times_known = l->count == 6;
	if (timer.times_known && take_times(s, l->fields + 4, &timer.times) != 0)
		return -1;
	added = process_add_posix_timer(s->p);
	lines = arena_grow(&s->p->arena, s->pending.timers, s->pending.timer_count,
			   &s->pending.timer_capacity, sizeof *lines);
	if (!added || !lines)
		return parser_no_memory(s);
	*added = timer;
	s->pending.timers = lines;
	lines[s->pending.timer_count++] =
		(struct timer_line){ field_place(s, l->fields[1]), timer };
	s->p->have |= HAVE_TIMERS;
	return 0;
}

static int by_id(const void *a, const void *b)
{
	const struct timer_line *x = a, *y = b;

	if (x->timer.id != y->timer.id)
		return x->timer.id < y->timer.id ? -1 : 1;
	return (x->at.line > y->at.line) - (x->at.line < y->at.line);
}

int finish_timers(struct parser *s)
{
	struct timer_line *lines = s->pending.timers;

	if (s->pending.timer_count)
		qsort(lines, s->pending.timer_count, sizeof *lines, by_id);
	for (size_t i = 0; i < s->pending.timer_count; i++) {
		if (i && lines[i].timer.id == lines[i - 1].timer.id)
			return place_error(s, lines[i].at, "timer %d stands on line %d already",
					   lines[i].timer.id, lines[i - 1].at.line);
		s->p->posix_timers[i] = lines[i].timer;
	}
	return 0;
}

int take_timers(struct parser *s)
{
	if (!field_is(s->line.fields[1], "none"))
		return field_error(s, s->line.fields[1],
				   "only 'timers : none' says something of all");
	s->p->have |= HAVE_TIMERS;
	return 0;
}

/* ---- Clocks ---------------------------------------------------------------------------------- */

int take_clocks(struct parser *s)
{
	const struct field *f = s->line.fields;
	struct clocks *c = &s->p->clocks;

	c->known = true;
	return take_time(s, f[1], "CLOCK_REALTIME", &c->realtime) != 0 ||
	       take_time(s, f[2], "CLOCK_MONOTONIC", &c->monotonic) != 0 ||
	       take_time(s, f[3], "CLOCK_BOOTTIME", &c->boottime) != 0 ? -1 : 0;
}

/* ---- Signals that wait ----------------------------------------------------------------------- */

static int take_code(struct parser *s, struct field f, int *code)
{
	char word[32];

	if (field_copy(f, word, sizeof word) && signal_code_find(word, code))
		return 0;
	return take_integer(s, f, "code", code);
}

/* `ERRNO WORD WORD` */
static int take_more(struct parser *s, struct field f, struct pending_signal *pending)
{
	struct field rest = f;

	if (take_integer(s, field_next(&rest, ' '), "error number", &pending->error) != 0)
		return -1;
	for (int i = 1; i < PENDING_WORDS; i++)
		if (number_hex(s, field_next(&rest, ' '), "word", UINT64_MAX, &pending->words[i]) !=
		    0)
			return -1;
	return rest.len ? field_error(s, rest, "more than an error number and two words") : 0;
}

static int take_info(struct parser *s, const struct field *f, size_t count,
		     struct pending_signal *pending)
{
	uint64_t pid, uid;

	if (count < 4)
		return field_error(s, f[0], "it needs all of 'CODE : PID : UID : VALUE'");
	if (take_code(s, f[0], &pending->code) != 0 ||
	    number_decimal(s, f[1], "pid", UINT32_MAX, &pid) != 0 ||
	    number_decimal(s, f[2], "uid", UINT32_MAX, &uid) != 0 ||
	    number_hex(s, f[3], "value", UINT64_MAX, &pending->words[0]) != 0 ||
	    (count > 4 && take_more(s, f[4], pending) != 0))
		return -1;
	pending->pid = (uint32_t)pid;
	pending->uid = (uint32_t)uid;
	pending->info_known = true;
	return 0;
}

int take_pending(struct parser *s)
{
	const struct line *l = &s->line;
	struct pending_signal pending = { 0 }, *added;

	s->p->have |= HAVE_PENDING;
	if (l->count == 2 && field_is(l->fields[1], "none"))
		return 0;
	if (l->count == 2)
		return field_error(s, l->fields[1], "only 'pending : none' has no signal");
	if (!field_is(l->fields[1], "process") && field_tid(s, l->fields[1], &pending.tid) != 0)
		return -1;
	if (field_signal(s, l->fields[2], &pending.signo) != 0)
		return -1;
	if (pending.signo == SIGKILL || pending.signo == SIGSTOP)
		return field_error(s, l->fields[2], "%s never waits",
				   field_quote(l->fields[2]).text);
	if (l->count > 3 && take_info(s, l->fields + 3, l->count - 3, &pending) != 0)
		return -1;
	added = process_add_pending_signal(s->p);
	if (!added)
		return parser_no_memory(s);
	*added = pending;
	return 0;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static void put_timer(struct out *o, const struct posix_timer *t)
{
	const char *clock = clock_id_name(t->clock);
	char signal[16];

	print(o, "timer : %d : ", t->id);
	if (clock)
		print(o, "%s", clock);
	else
		print(o, "%d", t->clock);
	if (t->clock == CLOCK_OF_THREAD && t->clock_tid)
		print(o, " %d", t->clock_tid);
	if (t->notify == NOTIFY_NONE) {
		print(o, " : none");
	} else {
		signal_name_write(signal, sizeof signal, t->signo);
		print(o, " : %s %#lx", signal, (unsigned long)t->value);
	}
	if (t->notify == NOTIFY_THREAD)
		print(o, " thread %d", t->tid);
	if (t->times_known) {
		put_duration(o, t->times.remaining);
		put_duration(o, t->times.interval);
	}
	print(o, "\n");
}

void put_timers(struct out *o, const struct process *p)
{
	if (p->clocks.known) {
		print(o, "clocks");
		put_duration(o, p->clocks.realtime);
		put_duration(o, p->clocks.monotonic);
		put_duration(o, p->clocks.boottime);
		print(o, "\n");
	}
	for (int i = 0; i < INTERVAL_TIMERS; i++) {
		if (!p->interval_timers[i].known)
			continue;
		print(o, "itimer : %s", interval_timers[i]);
		put_duration(o, p->interval_timers[i].times.remaining);
		put_duration(o, p->interval_timers[i].times.interval);
		print(o, "\n");
	}
	if (p->have & HAVE_TIMERS && !p->posix_timer_count)
		print(o, "timers : none\n");
	for (size_t i = 0; i < p->posix_timer_count; i++)
		put_timer(o, &p->posix_timers[i]);
}

static void put_info(struct out *o, const struct pending_signal *pending)
{
	const char *code = signal_code_name(pending->code);

	if (code)
		print(o, " : %s", code);
	else
		print(o, " : %d", pending->code);
	print(o, " : %u : %u : %#lx", pending->pid, pending->uid, (unsigned long)pending->words[0]);
	if (pending->error || pending->words[1] || pending->words[2])
		print(o, " : %d %#lx %#lx", pending->error, (unsigned long)pending->words[1],
		      (unsigned long)pending->words[2]);
}

void put_pending(struct out *o, const struct process *p)
{
	if (p->have & HAVE_PENDING && !p->pending_signal_count)
		print(o, "pending : none\n");
	for (size_t i = 0; i < p->pending_signal_count; i++) {
		const struct pending_signal *pending = &p->pending_signals[i];
		char who[16] = "process", signal[16];

		if (pending->tid)
			format(who, sizeof who, "%d", pending->tid);
		signal_name_write(signal, sizeof signal, pending->signo);
		print(o, "pending : %s : %s", who, signal);
		if (pending->info_known)
			put_info(o, pending);
		print(o, "\n");
	}
}
