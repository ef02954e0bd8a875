/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lines of attributes: `nice`, `ioprio`, ..., and those of statelog_scheduling.c. */
#include <stdlib.h>

#include "process/names.h"
#include "process/statelog_out.h"
#include "process/statelog_parse.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* How a value is written. */
enum form { DECIMAL, HEX, SIGNAL, IOPRIO, SPECULATION };

struct kind {
	const char *word;
	enum form form;
	int64_t min, max;
};

static const struct kind kinds[ATTRIBUTES] = {
	[ATTRIBUTE_PERSONALITY] = { "personality", HEX, 0, UINT32_MAX },
	[ATTRIBUTE_OOM_SCORE_ADJ] = { "oom-score-adj", DECIMAL, -1000, 1000 },
	[ATTRIBUTE_COREDUMP_FILTER] = { "coredump-filter", HEX, 0, UINT32_MAX },
	[ATTRIBUTE_DUMPABLE] = { "dumpable", DECIMAL, 0, 2 },
	[ATTRIBUTE_SUBREAPER] = { "child-subreaper", DECIMAL, 0, 1 },
	[ATTRIBUTE_THP_DISABLE] = { "thp-disable", DECIMAL, 0, 1 },
	[ATTRIBUTE_MDWE] = { "mdwe", DECIMAL, 0, 3 },
	[ATTRIBUTE_TERMINAL] = { "controlling-terminal", DECIMAL, 0, 1 },
	[ATTRIBUTE_FUTURE_LOCKS] = { "lock-future", DECIMAL, LOCKS_NONE, LOCKS_NEW_ON_FAULT },
	[ATTRIBUTE_PKEYS] = { "pkeys", HEX, 0, PKEYS_ALL },
	[ATTRIBUTE_NICE] = { "nice", DECIMAL, -20, 19 },
	[ATTRIBUTE_IOPRIO] = { "ioprio", IOPRIO, 0, UINT16_MAX },
	[ATTRIBUTE_TIMERSLACK] = { "timerslack", DECIMAL, 0, INT64_MAX },
	[ATTRIBUTE_PDEATHSIG] = { "pdeathsig", SIGNAL, 0, SIGNALS - 1 },
	[ATTRIBUTE_NO_NEW_PRIVS] = { "no-new-privs", DECIMAL, 0, 1 },
	[ATTRIBUTE_SECCOMP] = { "seccomp", DECIMAL, 0, 2 },
	[ATTRIBUTE_SECUREBITS] = { "securebits", HEX, 0, 0xff },
	[ATTRIBUTE_TSC] = { "tsc", DECIMAL, 1, 2 },
	[ATTRIBUTE_CPUID] = { "cpuid", DECIMAL, 0, 1 },
	[ATTRIBUTE_STORE_BYPASS] = { "store-bypass", SPECULATION, 0, 15 },
	[ATTRIBUTE_INDIRECT_BRANCH] = { "indirect-branch", SPECULATION, 0, 15 },
};

/* uapi/linux/ioprio.h: the class is in the upper three bits, the level in the lower ones. */
enum { IOPRIO_SHIFT = 13 };
static const char *const io_classes[] = { "none", "realtime", "best-effort", "idle" };

/* PR_SPEC_ENABLE, PR_SPEC_DISABLE, PR_SPEC_FORCE_DISABLE */
static const struct { int value; const char *word; } speculations[] = {
	{ 2, "enable" }, { 4, "disable" }, { 8, "force-disable" },
};

/* What is no single number, for the lines that are kept until all are read. */
enum { LINE_SCHEDULING = ATTRIBUTES, LINE_CPUS, LINE_SIGMASK };

/* ---- Values ---------------------------------------------------------------------------------- */

static int take_signed(struct parser *s, struct field f, const struct kind *k, int64_t *value)
{
	bool negative = f.len && *f.text == '-';
	struct field digits = { f.text + negative, f.len - negative };
	uint64_t n;

	if (number_decimal(s, digits, k->word, INT64_MAX, &n) != 0)
		return -1;
	*value = negative ? -(int64_t)n : (int64_t)n;
	if (*value < k->min || *value > k->max)
		return field_error(s, f, "%s: '%s' is not between %ld and %ld", k->word,
				   field_quote(f).text, (long)k->min, (long)k->max);
	return 0;
}

static int take_ioprio(struct parser *s, struct field f, int64_t *value)
{
	struct field rest = f, class = field_next(&rest, ' ');
	uint64_t level = 0;

	for (size_t i = 0; i < COUNT(io_classes); i++) {
		if (!field_is(class, io_classes[i]))
			continue;
		if (rest.len &&
		    number_decimal(s, rest, "level", (1 << IOPRIO_SHIFT) - 1, &level) != 0)
			return -1;
		*value = (int64_t)(i << IOPRIO_SHIFT | level);
		return 0;
	}
	return field_error(s, f,
			   "ioprio: '%s' is not none, realtime, best-effort or idle, and a level",
			   field_quote(f).text);
}

static int take_value(struct parser *s, struct field f, const struct kind *k, int64_t *value)
{
	uint64_t n;
	int signo;

	switch (k->form) {
	case DECIMAL:
		return take_signed(s, f, k, value);
	case HEX:
		if (number_hex(s, f, k->word, (uint64_t)k->max, &n) != 0)
			return -1;
		*value = (int64_t)n;
		return 0;
	case SIGNAL:
		*value = 0;
		if (field_is(f, "none"))
			return 0;
		if (field_signal(s, f, &signo) != 0)
			return -1;
		*value = signo;
		return 0;
	case IOPRIO:
		return take_ioprio(s, f, value);
	case SPECULATION:
		for (size_t i = 0; i < COUNT(speculations); i++)
			if (field_is(f, speculations[i].word)) {
				*value = speculations[i].value;
				return 0;
			}
		return field_error(s, f, "%s: '%s' is not enable, disable or force-disable",
				   k->word, field_quote(f).text);
	}
	return -1;
}

/* ---- Lines of the process and of one thread -------------------------------------------------- */

static int find_kind(struct field word)
{
	for (int i = 0; i < ATTRIBUTES; i++)
		if (field_is(word, kinds[i].word))
			return i;
	return field_is(word, "sched") ? LINE_SCHEDULING : field_is(word, "cpus") ? LINE_CPUS
		: field_is(word, "sigmask") ? LINE_SIGMASK : -1;
}

bool statelog_is_attribute(const char *word, size_t len)
{
	return find_kind((struct field){ word, len }) >= 0;
}

static bool has(const struct attributes *a, int which)
{
	return which == LINE_SCHEDULING ? a->scheduling.known : which == LINE_CPUS ? a->cpus != NULL
		: attribute_known(a, (enum attribute)which);
}

static int take_into(struct parser *s, int which, struct attributes *a)
{
	struct field f = s->line.fields[1];
	int64_t value = 0;

	if (which == LINE_SCHEDULING)
		return take_scheduling(s, f, &a->scheduling);
	if (which == LINE_CPUS)
		return take_cpu_list(s, f, a);
	if (take_value(s, f, &kinds[which], &value) != 0)
		return -1;
	attribute_set(a, (enum attribute)which, value);
	return 0;
}

static int take_sigmask(struct parser *s, struct attribute_line *line)
{
	uint64_t mask;

	if (number_hex(s, s->line.fields[1], "sigmask", UINT64_MAX, &mask) != 0)
		return -1;
	line->value = (int64_t)mask;
	return 0;
}

int take_attribute(struct parser *s)
{
	const struct line *l = &s->line;
	struct pending *pending = &s->pending;
	int which = find_kind(l->fields[0]);
	struct attribute_line line = { .at = field_place(s, l->fields[0]), .which = which }, *lines;
	struct attributes own = { 0 };

	if (l->count == 2 && which == LINE_SIGMASK)
		return field_error(s, l->fields[0], "sigmask needs a thread");
	if (l->count == 2) {
		if (has(&s->p->attributes, which))
			return field_error(s, l->fields[0], "%s has a line already",
					   field_quote(l->fields[0]).text);
		return take_into(s, which, &s->p->attributes);
	}
	if (which < ATTRIBUTES_OF_THREADS)
		return field_error(s, l->fields[2], "%s is of the process: it has no thread",
				   field_quote(l->fields[0]).text);
	if (field_tid(s, l->fields[2], &line.tid) != 0 ||
	    (which == LINE_SIGMASK ? take_sigmask(s, &line) : take_into(s, which, &own)) != 0)
		return -1;
	line.scheduling = own.scheduling;
	line.cpus = own.cpus;
	line.cpu_words = own.cpu_words;
	if (which < ATTRIBUTES)
		line.value = own.values[which];
	lines = arena_grow(&s->p->arena, pending->attributes, pending->attribute_count,
			   &pending->attribute_capacity, sizeof *lines);
	if (!lines)
		return parser_no_memory(s);
	pending->attributes = lines;
	lines[pending->attribute_count++] = line;
	return 0;
}

static int by_tid(const void *a, const void *b)
{
	const struct attribute_line *x = a, *y = b;

	if (x->tid != y->tid)
		return x->tid < y->tid ? -1 : 1;
	if (x->which != y->which)
		return x->which < y->which ? -1 : 1;
	return (x->at.line > y->at.line) - (x->at.line < y->at.line);
}

static void apply(struct thread *t, const struct attribute_line *line)
{
	struct attributes *a = &t->attributes;

	if (line->which == LINE_SIGMASK) {
		t->blocked = (uint64_t)line->value;
		t->blocked_known = true;
	} else if (line->which == LINE_SCHEDULING) {
		a->scheduling = line->scheduling;
	} else if (line->which == LINE_CPUS) {
		a->cpus = line->cpus;
		a->cpu_words = line->cpu_words;
	} else {
		attribute_set(a, (enum attribute)line->which, line->value);
	}
}

/* After finish_threads(). */
int finish_attributes(struct parser *s)
{
	struct attribute_line *lines = s->pending.attributes;

	if (s->pending.attribute_count)
		qsort(lines, s->pending.attribute_count, sizeof *lines, by_tid);
	for (size_t i = 0; i < s->pending.attribute_count; i++) {
		struct thread *t;

		if (i && lines[i].tid == lines[i - 1].tid && lines[i].which == lines[i - 1].which)
			return place_error(s, lines[i].at,
					   "line %d says the same of thread %d already",
					   lines[i - 1].at.line, lines[i].tid);
		t = parser_thread(s, lines[i].at, lines[i].tid);
		if (!t)
			return -1;
		apply(t, &lines[i]);
	}
	return 0;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static void put_value(struct out *o, const struct kind *k, int64_t value)
{
	char name[32];

	switch (k->form) {
	case DECIMAL:
		print(o, "%ld", (long)value);
		return;
	case HEX:
		print(o, "%#lx", (unsigned long)value);
		return;
	case SIGNAL:
		if (value)
			signal_name_write(name, sizeof name, (int)value);
		print(o, "%s", value ? name : "none");
		return;
	case IOPRIO:
		print(o, "%s %ld", io_classes[value >> IOPRIO_SHIFT & 3],
		      (long)(value & ((1 << IOPRIO_SHIFT) - 1)));
		return;
	case SPECULATION:
		for (size_t i = 0; i < COUNT(speculations); i++)
			if (speculations[i].value == value)
				print(o, "%s", speculations[i].word);
	}
}

static void put_end(struct out *o, pid_t tid)
{
	if (tid)
		print(o, " : %d\n", tid);
	else
		print(o, "\n");
}

/* TID 0: of the process, or of all threads that have no line of their own. */
static void put_attributes_of(struct out *o, const struct attributes *a, pid_t tid)
{
	for (int i = 0; i < ATTRIBUTES; i++) {
		if (!attribute_known(a, (enum attribute)i))
			continue;
		print(o, "%s : ", kinds[i].word);
		put_value(o, &kinds[i], a->values[i]);
		put_end(o, tid);
	}
	if (a->scheduling.known) {
		put_scheduling(o, &a->scheduling);
		put_end(o, tid);
	}
	if (a->cpus) {
		put_cpus(o, a);
		put_end(o, tid);
	}
}

void put_attributes(struct out *o, const struct process *p)
{
	put_attributes_of(o, &p->attributes, 0);
	for (size_t i = 0; i < p->thread_count; i++) {
		const struct thread *t = &p->threads[i];

		put_attributes_of(o, &t->attributes, t->tid);
		if (t->blocked_known)
			print(o, "sigmask : %#lx : %d\n", (unsigned long)t->blocked, t->tid);
	}
}
