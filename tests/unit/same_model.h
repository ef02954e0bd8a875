/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether two models say the same as far as the state text can say it: what it has no line for
 * (registers, where bytes are, line numbers) is not looked at.
 */
#ifndef TESTS_UNIT_SAME_MODEL_H
#define TESTS_UNIT_SAME_MODEL_H

#include <string.h>

#include "process/process.h"
#include "tests/unit/random_file_details.h"

static inline bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static inline bool same_description(const struct description *a, const struct description *b)
{
	bool same = a->kind == b->kind && same_text(a->name, b->name) && a->offset == b->offset &&
		    a->flags == b->flags && a->flags_known == b->flags_known &&
		    a->deleted == b->deleted && a->pipe_id == b->pipe_id && a->count == b->count &&
		    a->semaphore == b->semaphore &&
		    a->hung_up == b->hung_up && a->queued_size == b->queued_size &&
		    (!a->queued_size || memcmp(a->queued, b->queued, a->queued_size) == 0) &&
		    same_file_details(a, b);

	return same;
}

/* The first descriptor that refers to the same description: the numbers of these do not matter. */
static inline size_t first_of(const struct process *p, size_t at)
{
	size_t i = 0;

	while (p->descriptors[i].description != p->descriptors[at].description)
		i++;
	return i;
}

static inline bool same_files(const struct process *a, const struct process *b)
{
	if (a->descriptor_count != b->descriptor_count)
		return false;
	for (size_t i = 0; i < a->descriptor_count; i++) {
		const struct descriptor *x = &a->descriptors[i], *y = &b->descriptors[i];

		if (x->fd != y->fd || x->close_on_exec != y->close_on_exec ||
		    x->in_flight != y->in_flight ||
		    first_of(a, i) != first_of(b, i) ||
		    !same_description(&a->descriptions[x->description],
				      &b->descriptions[y->description]))
			return false;
	}
	return same_nameless_files(a, b) && same_text(a->cwd, b->cwd) &&
	       same_text(a->root, b->root) && a->umask == b->umask && a->children == b->children;
}

static inline bool same_attributes(const struct attributes *a, const struct attributes *b)
{
	for (int i = 0; i < ATTRIBUTES; i++)
		if (attribute_known(a, (enum attribute)i) && a->values[i] != b->values[i])
			return false;
	return a->known == b->known && scheduling_same(&a->scheduling, &b->scheduling) &&
	       attributes_same_cpus(a, b);
}

static inline bool same_credentials(const struct credentials *a, const struct credentials *b)
{
	return a->known == b->known && a->caps_known == b->caps_known &&
	       memcmp(a->uids, b->uids, sizeof a->uids) == 0 &&
	       memcmp(a->gids, b->gids, sizeof a->gids) == 0 &&
	       memcmp(a->caps, b->caps, sizeof a->caps) == 0 && a->group_count == b->group_count &&
	       (!a->group_count ||
		memcmp(a->groups, b->groups, a->group_count * sizeof *a->groups) == 0);
}

static inline bool same_times(const struct timer_times *a, const struct timer_times *b)
{
	return a->remaining == b->remaining && a->interval == b->interval;
}

static inline bool same_timers(const struct process *a, const struct process *b)
{
	for (int i = 0; i < INTERVAL_TIMERS; i++)
		if (a->interval_timers[i].known != b->interval_timers[i].known ||
		    !same_times(&a->interval_timers[i].times, &b->interval_timers[i].times))
			return false;
	if (a->posix_timer_count != b->posix_timer_count || a->clocks.known != b->clocks.known ||
	    a->clocks.realtime != b->clocks.realtime ||
	    a->clocks.monotonic != b->clocks.monotonic || a->clocks.boottime != b->clocks.boottime)
		return false;
	for (size_t i = 0; i < a->posix_timer_count; i++) {
		const struct posix_timer *x = &a->posix_timers[i], *y = &b->posix_timers[i];

		if (x->id != y->id || x->clock != y->clock || x->clock_tid != y->clock_tid ||
		    x->notify != y->notify || x->signo != y->signo || x->value != y->value ||
		    x->tid != y->tid || x->times_known != y->times_known ||
		    !same_times(&x->times, &y->times))
			return false;
	}
	return true;
}

static inline bool same_pending(const struct process *a, const struct process *b)
{
	if (a->pending_signal_count != b->pending_signal_count)
		return false;
	for (size_t i = 0; i < a->pending_signal_count; i++) {
		const struct pending_signal *x = &a->pending_signals[i],
					    *y = &b->pending_signals[i];

		if (x->tid != y->tid || x->signo != y->signo || x->info_known != y->info_known ||
		    x->code != y->code || x->error != y->error || x->pid != y->pid ||
		    x->uid != y->uid || memcmp(x->words, y->words, sizeof x->words) != 0)
			return false;
	}
	return true;
}

static inline bool same_threads(const struct process *a, const struct process *b)
{
	if (a->thread_count != b->thread_count)
		return false;
	for (size_t i = 0; i < a->thread_count; i++) {
		const struct thread *x = &a->threads[i], *y = &b->threads[i];

		if (x->tid != y->tid || strcmp(x->name, y->name) != 0 ||
		    x->altstack.known != y->altstack.known || x->altstack.sp != y->altstack.sp ||
		    x->altstack.size != y->altstack.size ||
		    x->altstack.flags != y->altstack.flags ||
		    x->blocked_known != y->blocked_known ||
		    (x->blocked_known && x->blocked != y->blocked) ||
		    !same_attributes(&x->attributes, &y->attributes))
			return false;
	}
	return true;
}

static inline bool same_memory(const struct process *a, const struct process *b)
{
	if (a->mapping_count != b->mapping_count || a->start_brk != b->start_brk ||
	    a->brk != b->brk || memcmp(&a->mm, &b->mm, sizeof a->mm) != 0)
		return false;
	for (size_t i = 0; i < a->mapping_count; i++) {
		const struct mapping *x = &a->mappings[i], *y = &b->mappings[i];

		if (x->start != y->start || x->end != y->end || x->prot != y->prot ||
		    x->prot_known != y->prot_known || x->shared != y->shared ||
		    x->grows_down != y->grows_down || x->label != y->label ||
		    !same_text(x->path, y->path) || x->file_offset != y->file_offset ||
		    x->deleted != y->deleted)
			return false;
	}
	return true;
}

static inline bool same_signals_and_limits(const struct process *a, const struct process *b)
{
	for (int i = 0; i < SIGNALS; i++) {
		const struct disposition *x = &a->dispositions[i], *y = &b->dispositions[i];

		if (x->kind != y->kind || x->handler != y->handler || x->flags != y->flags ||
		    x->mask != y->mask || x->restorer != y->restorer)
			return false;
	}
	for (int i = 0; i < LIMITS; i++) {
		const struct limit *x = &a->limits[i], *y = &b->limits[i];

		if (x->known != y->known ||
		    (x->known && (x->soft != y->soft || x->hard != y->hard)))
			return false;
	}
	return true;
}

static inline bool same_identity(const struct process *a, const struct process *b)
{
	return a->pid == b->pid && a->ppid == b->ppid && a->pgrp == b->pgrp && a->sid == b->sid &&
	       strcmp(a->comm, b->comm) == 0 && same_text(a->exe, b->exe);
}

static inline bool same_model(const struct process *a, const struct process *b)
{
	return a->have == b->have && same_identity(a, b) && same_threads(a, b) &&
	       same_memory(a, b) && same_files(a, b) && same_signals_and_limits(a, b) &&
	       same_pending(a, b) && same_timers(a, b) &&
	       same_attributes(&a->attributes, &b->attributes) &&
	       same_credentials(&a->credentials, &b->credentials);
}

#endif
