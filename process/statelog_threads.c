/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lines of threads: `thread`, `sigaltstack`. */
#include <stdlib.h>
#include <string.h>

#include "process/names.h"
#include "process/statelog_parse.h"

enum { TID_MAX = 4 * 1024 * 1024 };  /* the kernel's PID_MAX_LIMIT */

int field_tid(struct parser *s, struct field f, pid_t *tid)
{
	uint64_t n;

	if (number_decimal(s, f, "thread id", TID_MAX, &n) != 0)
		return -1;
	if (!n)
		return field_error(s, f, "thread id: no thread has 0");
	*tid = (pid_t)n;
	return 0;
}

static int add_thread(struct parser *s, struct place at, pid_t tid)
{
	struct pending *pending = &s->pending;
	struct thread *t = process_add_thread(s->p);
	struct thread_line *array = arena_grow(&s->p->arena, pending->threads,
					       pending->thread_count, &pending->thread_capacity,
					       sizeof *array);

	if (!t || !array)
		return parser_no_memory(s);
	t->tid = tid;
	pending->threads = array;
	array[pending->thread_count++] = (struct thread_line){ at, tid, s->p->thread_count - 1 };
	return 0;
}

int take_thread(struct parser *s)
{
	const struct line *l = &s->line;
	const char *name = "";
	pid_t tid = 0;

	if (field_tid(s, l->fields[1], &tid) != 0 ||
	    (l->count > 2 && l->fields[2].len &&
	     field_name(s, l->fields[2], "name", &name) != 0) ||
	    add_thread(s, field_place(s, l->fields[1]), tid) != 0)
		return -1;
	if (strlen(name) >= THREAD_NAME_SIZE)
		return field_error(s, l->fields[2], "name: '%s' is longer than %d characters",
				   field_quote(l->fields[2]).text, THREAD_NAME_SIZE - 1);
	strcpy(s->p->threads[s->p->thread_count - 1].name, name);
	return 0;
}

int take_sigaltstack(struct parser *s)
{
	struct pending *pending = &s->pending;
	const struct field *f = s->line.fields;
	struct altstack_line a = { .at = field_place(s, f[1]), .altstack.known = true }, *array;
	const char *bad;
	char flags[100];

	if (field_tid(s, f[1], &a.tid) != 0 ||
	    number_hex(s, f[2], "stack pointer", UINT64_MAX, &a.altstack.sp) != 0 ||
	    number_decimal(s, f[3], "size", UINT64_MAX, &a.altstack.size) != 0)
		return -1;
	if (!field_copy(f[4], flags, sizeof flags) ||
	    !altstack_flags_read(flags, &a.altstack.flags, &bad))
		return field_error(s, f[4], "flags: '%s' is neither SS_DISABLE, SS_AUTODISARM nor "
				   "a number", field_quote(f[4]).text);
	array = arena_grow(&s->p->arena, pending->altstacks, pending->altstack_count,
			   &pending->altstack_capacity, sizeof *array);
	if (!array)
		return parser_no_memory(s);
	pending->altstacks = array;
	array[pending->altstack_count++] = a;
	return 0;
}

static int by_tid_alone(const void *a, const void *b)
{
	const struct thread_line *x = a, *y = b;

	return (x->tid > y->tid) - (x->tid < y->tid);
}

/* ---- When all lines are read ----------------------------------------------------------------- */

static int by_tid(const void *a, const void *b)
{
	const struct thread_line *x = a, *y = b;

	if (x->tid != y->tid)
		return x->tid < y->tid ? -1 : 1;
	return (x->at.line > y->at.line) - (x->at.line < y->at.line);
}

static int altstack_by_tid(const void *a, const void *b)
{
	const struct altstack_line *x = a, *y = b;

	if (x->tid != y->tid)
		return x->tid < y->tid ? -1 : 1;
	return (x->at.line > y->at.line) - (x->at.line < y->at.line);
}

static int sort_threads(struct parser *s)
{
	const struct thread_line *t = s->pending.threads;

	if (s->pending.thread_count)
		qsort(s->pending.threads, s->pending.thread_count, sizeof *t, by_tid);
	for (size_t i = 1; i < s->pending.thread_count; i++)
		if (t[i].tid == t[i - 1].tid)
			return place_error(s, t[i].at, "thread %d stands on line %d already",
					   t[i].tid, t[i - 1].at.line);
	return 0;
}

static int sort_altstacks(struct parser *s)
{
	const struct altstack_line *a = s->pending.altstacks;

	if (s->pending.altstack_count)
		qsort(s->pending.altstacks, s->pending.altstack_count, sizeof *a, altstack_by_tid);
	for (size_t i = 1; i < s->pending.altstack_count; i++)
		if (a[i].tid == a[i - 1].tid)
			return place_error(s, a[i].at, "the stack of thread %d stands on line %d "
					   "already", a[i].tid, a[i - 1].at.line);
	return 0;
}

/* Both sorted by thread id; a stack may be that of a thread without a line of its own. */
int finish_threads(struct parser *s)
{
	struct pending *pending = &s->pending;
	size_t at = 0, named;

	if (sort_threads(s) != 0 || sort_altstacks(s) != 0)
		return -1;
	named = pending->thread_count;
	for (size_t i = 0; i < pending->altstack_count; i++) {
		const struct altstack_line *a = &pending->altstacks[i];
		size_t thread;

		while (at < named && pending->threads[at].tid < a->tid)
			at++;
		if (at < named && pending->threads[at].tid == a->tid)
			thread = pending->threads[at].thread;
		else if (add_thread(s, a->at, a->tid) == 0)
			thread = s->p->thread_count - 1;
		else
			return -1;
		s->p->threads[thread].altstack = a->altstack;
	}
	if (pending->thread_count)
		qsort(pending->threads, pending->thread_count, sizeof *pending->threads, by_tid);
	pending->sorted_threads = pending->thread_count;
	return 0;
}

/*
 * The threads that finish_threads() has put in order are searched; those without a line are added.
 */
struct thread *parser_thread(struct parser *s, struct place at, pid_t tid)
{
	struct pending *pending = &s->pending;
	const struct thread_line key = { .tid = tid };
	const struct thread_line *found = NULL;
	struct process *p = s->p;

	if (p->thread_count && p->threads[p->thread_count - 1].tid == tid)
		return &p->threads[p->thread_count - 1];
	if (pending->sorted_threads)
		found = bsearch(&key, pending->threads, pending->sorted_threads, sizeof key,
				by_tid_alone);
	if (found)
		return &p->threads[found->thread];
	return add_thread(s, at, tid) == 0 ? &p->threads[p->thread_count - 1] : NULL;
}
