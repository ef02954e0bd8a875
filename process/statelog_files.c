/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lines of open files: `<fd> : <file> : <offset> : <flags> : dup <fd>`. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "process/names.h"
#include "process/statelog_parse.h"
#include "process/statelog_words.h"
#include "util/format.h"

/* Far above any limit on descriptors that a kernel would accept (fs.nr_open). */
enum { FD_MAX = 16 * 1024 * 1024 };

/* In place of the index of a description, while it is known only that it is another line's. */
static const size_t DUP = SIZE_MAX;

int field_fd(struct parser *s, struct field f, int *fd)
{
	uint64_t n;

	if (number_decimal(s, f, "descriptor", FD_MAX, &n) != 0)
		return -1;
	*fd = (int)n;
	return 0;
}

static int take_file_name(struct parser *s, struct field f, struct description *d)
{
	char word[40];

	if (field_name(s, f, "file name", &d->name) != 0)
		return -1;
	d->kind = statelog_kind(f.text, f.len, &d->pipe_id);
	if (d->kind != FILE_PIPE && d->kind != FILE_SOCKET)
		return 0;
	/* The name is made of the number, so that `pipe:[007]` has no second spelling. */
	format(word, sizeof word, "%s:[%lu]", d->kind == FILE_PIPE ? "pipe" : "socket",
	       (unsigned long)d->pipe_id);
	d->name = arena_strdup(&s->p->arena, word);
	return d->name ? 0 : parser_no_memory(s);
}

static int take_offset(struct parser *s, struct field f, struct description *d)
{
	/* The largest count is what the kernel itself reserves. */
	if (d->kind == FILE_EVENTFD)
		return number_decimal(s, f, "count", UINT64_MAX - 1, &d->count);
	return number_decimal(s, f, "offset", UINT64_MAX, &d->offset);
}

static int take_flag(struct parser *s, struct field word, struct descriptor *fd,
		     struct description *d)
{
	char text[64];
	const char *bad;
	uint32_t flags;

	if (field_is(word, "deleted")) {
		d->deleted = true;
		return 0;
	}
	if (field_is(word, "in-flight")) {
		fd->in_flight = true;
		return 0;
	}
	if (field_is(word, "hung-up")) {
		if (d->kind != FILE_SOCKET && d->kind != FILE_PIPE)
			return field_error(s, word, "hung-up: the file is no socket and no pipe");
		d->hung_up = true;
		return 0;
	}
	if (field_is(word, "EFD_SEMAPHORE")) {
		if (d->kind != FILE_EVENTFD)
			return field_error(s, word, "EFD_SEMAPHORE: the file is no eventfd");
		d->semaphore = true;
		return 0;
	}
	if (!word.len || !field_copy(word, text, sizeof text) ||
	    !open_flags_read(text, &flags, &bad))
		return field_error(s, word, "flags: '%s' is neither a flag (O_RDWR, O_APPEND, ...)"
				   " nor a number", field_quote(word).text);
	if (flags & O_CLOEXEC)
		fd->close_on_exec = true;
	/* O_CLOEXEC alone is the descriptor's and says nothing of how the file was opened. */
	if (flags != O_CLOEXEC)
		d->flags_known = true;
	d->flags |= flags & ~(uint32_t)O_CLOEXEC;
	return 0;
}

static int take_flags(struct parser *s, struct field f, struct descriptor *fd,
		      struct description *d)
{
	if (!f.len)
		return 0;
	for (;;) {
		bool last = !memchr(f.text, '|', f.len);

		if (take_flag(s, field_next(&f, '|'), fd, d) != 0)
			return -1;
		if (last)
			return 0;
	}
}

static int take_dup(struct parser *s, struct field f, int fd)
{
	struct pending *pending = &s->pending;
	struct field rest = f, word = field_next(&rest, ' ');
	struct dup *dup;
	int target;

	if (!field_is(word, "dup"))
		return field_error(s, f, "'%s' is not 'dup DESCRIPTOR'", field_quote(f).text);
	if (field_fd(s, rest, &target) != 0)
		return -1;
	dup = arena_grow(&s->p->arena, pending->dups, pending->dup_count, &pending->dup_capacity,
			 sizeof *dup);
	if (!dup)
		return parser_no_memory(s);
	pending->dups = dup;
	dup[pending->dup_count++] = (struct dup){ field_place(s, f), fd, target, DUP };
	return 0;
}

int take_descriptor(struct parser *s)
{
	struct process *p = s->p;
	struct line *l = &s->line;
	struct description read = { 0 }, *d;
	struct descriptor *fd = process_add_descriptor(p);

	if (!fd)
		return parser_no_memory(s);
	fd->line = l->number;
	p->have |= HAVE_DESCRIPTORS;
	if (field_fd(s, l->fields[0], &fd->fd) != 0 ||
	    take_file_name(s, l->fields[1], &read) != 0 ||
	    take_offset(s, l->fields[2], &read) != 0 ||
	    (l->count > 3 && take_flags(s, l->fields[3], fd, &read) != 0))
		return -1;
	if (l->count > 4) {
		fd->description = DUP;
		return take_dup(s, l->fields[4], fd->fd);
	}
	fd->description = p->description_count;
	d = process_add_description(p);
	if (!d)
		return parser_no_memory(s);
	*d = read;
	return 0;
}

int take_no_descriptors(struct parser *s)
{
	if (!field_is(s->line.fields[1], "none"))
		return field_error(s, s->line.fields[1], "'%s' is not 'none'",
				   field_quote(s->line.fields[1]).text);
	s->p->have |= HAVE_DESCRIPTORS;
	return 0;
}

int add_later(struct parser *s, int (*add)(struct parser *s, const struct addition *a,
					   struct description *d), const void *what, size_t size)
{
	struct pending *pending = &s->pending;
	struct field f = s->line.fields[1];
	struct addition new = { .at = field_place(s, f), .add = add }, *array;
	void *copy = arena_alloc(&s->p->arena, size);

	if (field_fd(s, f, &new.fd) != 0)
		return -1;
	array = arena_grow(&s->p->arena, pending->additions, pending->addition_count,
			   &pending->addition_capacity, sizeof *array);
	if (!array || !copy)
		return parser_no_memory(s);
	memcpy(copy, what, size);
	new.what = copy;
	pending->additions = array;
	array[pending->addition_count++] = new;
	return 0;
}

/* ---- When all lines are read ----------------------------------------------------------------- */

static int by_fd(const void *a, const void *b)
{
	const struct descriptor *x = a, *y = b;

	if (x->fd != y->fd)
		return x->fd < y->fd ? -1 : 1;
	return (x->line > y->line) - (x->line < y->line);
}

static int sort_descriptors(struct parser *s)
{
	const struct descriptor *d = s->p->descriptors;

	if (s->p->descriptor_count)
		qsort(s->p->descriptors, s->p->descriptor_count, sizeof *d, by_fd);
	for (size_t i = 1; i < s->p->descriptor_count; i++)
		if (d[i].fd == d[i - 1].fd)
			return place_error(s, (struct place){ d[i].line, 1 },
					   "descriptor %d stands on line %d already", d[i].fd,
					   d[i - 1].line);
	return 0;
}

/* The targets are looked up before any is set, so that a dup of a dup is seen as such. */
static int resolve_dups(struct parser *s)
{
	struct dup *dups = s->pending.dups;

	for (size_t i = 0; i < s->pending.dup_count; i++) {
		struct dup *d = &dups[i];
		const struct descriptor *target = process_descriptor(s->p, d->target);

		if (!target)
			return place_error(s, d->at, "descriptor %d stands on no line", d->target);
		if (target->description == DUP)
			return place_error(s, d->at, "descriptor %d is a dup itself; name the one "
					   "that it shares its file with", d->target);
		d->description = target->description;
	}
	for (size_t i = 0; i < s->pending.dup_count; i++) {
		const struct descriptor *fd = process_descriptor(s->p, dups[i].fd);

		s->p->descriptors[fd - s->p->descriptors].description = dups[i].description;
	}
	return 0;
}

static int resolve_additions(struct parser *s)
{
	for (size_t i = 0; i < s->pending.addition_count; i++) {
		const struct addition *a = &s->pending.additions[i];
		const struct descriptor *fd = process_descriptor(s->p, a->fd);

		if (!fd)
			return place_error(s, a->at, "descriptor %d stands on no line", a->fd);
		if (a->add(s, a, &s->p->descriptions[fd->description]) != 0)
			return -1;
	}
	return 0;
}

int finish_files(struct parser *s)
{
	if (sort_descriptors(s) != 0 || resolve_dups(s) != 0)
		return -1;
	return resolve_additions(s);
}
