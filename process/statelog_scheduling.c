/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lines `sched` and `cpus`: a policy with its numbers, a list of cpus. */
#include <string.h>

#include "process/names.h"
#include "process/statelog_out.h"
#include "process/statelog_parse.h"

/* The next word: nanoseconds. */
static int take_time(struct parser *s, struct field *rest, const char *what, uint64_t *time)
{
	return number_decimal(s, field_next(rest, ' '), what, INT64_MAX, time);
}

int take_scheduling(struct parser *s, struct field f, struct scheduling *sched)
{
	struct field rest = f, word = field_next(&rest, ' ');
	uint64_t priority = 0;
	char name[32];

	*sched = (struct scheduling){ .known = true };
	if (!field_copy(word, name, sizeof name) || !policy_find(name, &sched->policy))
		return field_error(s, f,
				   "sched: '%s' is no policy (SCHED_OTHER, SCHED_FIFO 10, ...)",
				   field_quote(word).text);
	bool realtime = sched->policy == 1 || sched->policy == 2, deadline = sched->policy == 6;

	if (realtime && number_decimal(s, field_next(&rest, ' '), "priority", 99, &priority) != 0)
		return -1;
	if (realtime && !priority)
		return field_error(s, f, "priority: it is 1 at least");
	sched->priority = (uint32_t)priority;
	if (deadline &&
	    (take_time(s, &rest, "runtime", &sched->runtime) != 0 ||
	     take_time(s, &rest, "deadline", &sched->deadline) != 0 ||
	     take_time(s, &rest, "period", &sched->period) != 0))
		return -1;
	sched->reset_on_fork = field_is(rest, "reset-on-fork");
	if (rest.len && !sched->reset_on_fork)
		return field_error(s, rest, "sched: '%s' is too much", field_quote(rest).text);
	return 0;
}

int take_cpu_list(struct parser *s, struct field f, struct attributes *a)
{
	enum { CPUS_MAX = 8192 };  /* the kernel's NR_CPUS at most */
	uint64_t bits[CPUS_MAX / 64] = { 0 }, *copy;
	struct field rest = f;

	a->cpus = attributes_all_cpus;
	if (field_is(f, "all"))
		return 0;
	do {
		struct field last = field_next(&rest, ','), first = field_next(&last, '-');
		uint64_t from, to;

		if (number_decimal(s, first, "cpu", CPUS_MAX - 1, &from) != 0)
			return -1;
		to = from;
		if (last.len && number_decimal(s, last, "cpu", CPUS_MAX - 1, &to) != 0)
			return -1;
		if (to < from)
			return field_error(s, first, "cpu: the range ends before it starts");
		for (; from <= to; from++)
			bits[from / 64] |= (uint64_t)1 << (from % 64);
		if (to / 64 + 1 > a->cpu_words)
			a->cpu_words = to / 64 + 1;
	} while (rest.len);
	copy = arena_alloc(&s->p->arena, a->cpu_words * sizeof *copy);
	if (!copy)
		return parser_no_memory(s);
	memcpy(copy, bits, a->cpu_words * sizeof *copy);
	a->cpus = copy;
	return 0;
}

void put_scheduling(struct out *o, const struct scheduling *s)
{
	const char *name = policy_name(s->policy);

	print(o, "sched : %s", name ? name : "SCHED_OTHER");
	if (s->priority)
		print(o, " %u", s->priority);
	if (s->policy == 6)
		print(o, " %lu %lu %lu", (unsigned long)s->runtime, (unsigned long)s->deadline,
		      (unsigned long)s->period);
	if (s->reset_on_fork)
		print(o, " reset-on-fork");
}

static bool has_cpu(const struct attributes *a, size_t cpu)
{
	return cpu < a->cpu_words * 64 && a->cpus[cpu / 64] >> (cpu % 64) & 1;
}

void put_cpus(struct out *o, const struct attributes *a)
{
	const char *comma = "";

	print(o, "cpus : %s", a->cpu_words ? "" : "all");
	for (size_t cpu = 0; cpu < a->cpu_words * 64; cpu++) {
		size_t first = cpu;

		if (!has_cpu(a, cpu))
			continue;
		while (has_cpu(a, cpu + 1))
			cpu++;
		if (cpu > first)
			print(o, "%s%zu-%zu", comma, first, cpu);
		else
			print(o, "%s%zu", comma, first);
		comma = ",";
	}
}
