/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "process/attributes.h"

#include <string.h>

#include "process/process.h"

const uint64_t attributes_all_cpus[1];

void attribute_set(struct attributes *a, enum attribute which, int64_t value)
{
	a->known |= 1u << which;
	a->values[which] = value;
}

bool attribute_known(const struct attributes *a, enum attribute which)
{
	return a->known >> which & 1;
}

bool process_attribute(const struct process *p, const struct thread *t, enum attribute which,
		       int64_t *value)
{
	const struct attributes *a = t && attribute_known(&t->attributes, which) ? &t->attributes
										 : &p->attributes;

	if (!attribute_known(a, which))
		return false;
	*value = a->values[which];
	return true;
}

const struct scheduling *process_scheduling(const struct process *p, const struct thread *t)
{
	if (t && t->attributes.scheduling.known)
		return &t->attributes.scheduling;
	return p->attributes.scheduling.known ? &p->attributes.scheduling : NULL;
}

const struct attributes *process_cpus(const struct process *p, const struct thread *t)
{
	if (t && t->attributes.cpus)
		return &t->attributes;
	return p->attributes.cpus ? &p->attributes : NULL;
}

bool attributes_same_cpus(const struct attributes *a, const struct attributes *b)
{
	if (!a->cpus || !b->cpus)
		return !a->cpus && !b->cpus;
	return a->cpu_words == b->cpu_words &&
	       memcmp(a->cpus, b->cpus, a->cpu_words * sizeof *a->cpus) == 0;
}

bool scheduling_same(const struct scheduling *a, const struct scheduling *b)
{
	return a->known == b->known && a->policy == b->policy && a->priority == b->priority &&
	       a->reset_on_fork == b->reset_on_fork && a->runtime == b->runtime &&
	       a->deadline == b->deadline && a->period == b->period;
}

/* ---- What all threads have alike ------------------------------------------------------------- */

/*
 * Whether all threads that know a value know the same one, *VALUE.  What only the thread that asked
 * can know the others have inherited from it, as a rule; but for the signal at a parent's end.
 */
static bool all_have(const struct process *p, enum attribute which, int64_t *value)
{
	bool known = false, others = false;

	for (size_t i = 0; i < p->thread_count; i++) {
		const struct attributes *a = &p->threads[i].attributes;

		if (!attribute_known(a, which)) {
			others = true;
			continue;
		}
		if (known && a->values[which] != *value)
			return false;
		*value = a->values[which];
		known = true;
	}
	return known && !(which == ATTRIBUTE_PDEATHSIG && others && *value);
}

static bool all_scheduled_alike(const struct process *p)
{
	const struct scheduling *first = &p->threads[0].attributes.scheduling;

	for (size_t i = 0; i < p->thread_count; i++)
		if (!scheduling_same(&p->threads[i].attributes.scheduling, first))
			return false;
	return first->known;
}

static bool all_on_the_same_cpus(const struct process *p)
{
	const struct attributes *first = &p->threads[0].attributes;

	for (size_t i = 0; i < p->thread_count; i++)
		if (!attributes_same_cpus(&p->threads[i].attributes, first))
			return false;
	return first->cpus != NULL;
}

static void share_values(struct process *p)
{
	int64_t value;

	for (int which = ATTRIBUTES_OF_THREADS; which < ATTRIBUTES; which++) {
		if (!all_have(p, (enum attribute)which, &value))
			continue;
		attribute_set(&p->attributes, (enum attribute)which, value);
		for (size_t i = 0; i < p->thread_count; i++)
			p->threads[i].attributes.known &= ~(1u << which);
	}
}

void attributes_share(struct process *p)
{
	struct attributes *common = &p->attributes;

	if (!p->thread_count)
		return;
	share_values(p);
	if (all_scheduled_alike(p)) {
		common->scheduling = p->threads[0].attributes.scheduling;
		for (size_t i = 0; i < p->thread_count; i++)
			p->threads[i].attributes.scheduling.known = false;
	}
	if (all_on_the_same_cpus(p)) {
		common->cpus = p->threads[0].attributes.cpus;
		common->cpu_words = p->threads[0].attributes.cpu_words;
		for (size_t i = 0; i < p->thread_count; i++)
			p->threads[i].attributes.cpus = NULL;
	}
}

void attributes_merge(struct attributes *a, const struct attributes *text)
{
	for (int which = 0; which < ATTRIBUTES; which++)
		if (attribute_known(text, (enum attribute)which))
			attribute_set(a, (enum attribute)which, text->values[which]);
	if (text->scheduling.known)
		a->scheduling = text->scheduling;
	if (text->cpus) {
		a->cpus = text->cpus;
		a->cpu_words = text->cpu_words;
	}
}
