/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The lines of file locks and of who gets a descriptor's
 * signals, read and written: `lock`, `owner`.
 */
#include <signal.h>

#include "process/names.h"
#include "process/statelog_out.h"
#include "process/statelog_parse.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum { PID_MAX = 4 * 1024 * 1024 };  /* the kernel's PID_MAX_LIMIT */

static const char *const kinds[] = {
	[LOCK_FLOCK] = "flock", [LOCK_POSIX] = "posix", [LOCK_OFD] = "ofd", [LOCK_LEASE] = "lease",
};

static const char *const owners[] = {
	[OWNER_THREAD] = "thread", [OWNER_PROCESS] = "process", [OWNER_GROUP] = "group",
};

/* The index of the word F; -1 with an error. */
static int take_word(struct parser *s, struct field f, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (words[i] && field_is(f, words[i]))
			return (int)i;
	return field_error(s, f, "'%s' is none of the words that may stand here",
			   field_quote(f).text);
}

static int add_lock(struct parser *s, const struct addition *a, struct description *d)
{
	struct file_lock *locks;

	if (d->kind != FILE_PATH && d->kind != FILE_MEMFD)
		return place_error(s, a->at, "descriptor %d is no file", a->fd);
	locks = arena_grow(&s->p->arena, d->locks, d->lock_count, &d->lock_capacity, sizeof *locks);
	if (!locks)
		return parser_no_memory(s);
	d->locks = locks;
	locks[d->lock_count++] = *(const struct file_lock *)a->what;
	return 0;
}

int take_lock(struct parser *s)
{
	static const char *const modes[] = { "read", "write" };
	const struct field *f = s->line.fields;
	struct file_lock lock = { .end = UINT64_MAX };
	int kind = take_word(s, f[2], kinds, COUNT(kinds));
	int mode = kind < 0 ? -1 : take_word(s, f[3], modes, COUNT(modes));

	if (mode < 0 || number_decimal(s, f[4], "start", INT64_MAX, &lock.start) != 0 ||
	    (!field_is(f[5], "EOF") && number_decimal(s, f[5], "end", INT64_MAX, &lock.end) != 0))
		return -1;
	if (lock.end < lock.start)
		return field_error(s, f[5], "end: the lock ends before it starts");
	lock.kind = (enum lock_kind)kind;
	lock.exclusive = mode;
	return add_later(s, add_lock, &lock, sizeof lock);
}

static int add_owner(struct parser *s, const struct addition *a, struct description *d)
{
	if (d->owner.kind)
		return place_error(s, a->at, "descriptor %d has an owner already", a->fd);
	d->owner = *(const struct file_owner *)a->what;
	return 0;
}

int take_owner(struct parser *s)
{
	const struct field *f = s->line.fields;
	int kind = take_word(s, f[2], owners, COUNT(owners));
	struct file_owner owner = { 0 };
	char name[32];
	uint64_t id;

	if (kind < 0 || number_decimal(s, f[3], "id", PID_MAX, &id) != 0)
		return -1;
	if (!field_is(f[4], "0")) {
		owner.signal = field_copy(f[4], name, sizeof name) ? signal_name_read(name) : -1;
		if (owner.signal <= 0 || owner.signal >= SIGNALS)
			return field_error(s, f[4], "'%s' is no signal", field_quote(f[4]).text);
	}
	owner.kind = (unsigned)kind;
	owner.id = (pid_t)id;
	return add_later(s, add_owner, &owner, sizeof owner);
}

void put_locks(struct out *o, int fd, const struct description *d)
{
	char name[32] = "0";

	for (size_t i = 0; i < d->lock_count; i++) {
		const struct file_lock *l = &d->locks[i];

		print(o, "lock : %d : %s : %s : %lu : ", fd, kinds[l->kind],
		      l->exclusive ? "write" : "read", (unsigned long)l->start);
		if (l->end == UINT64_MAX)
			print(o, "EOF\n");
		else
			print(o, "%lu\n", (unsigned long)l->end);
	}
	if (!d->owner.kind)
		return;
	if (d->owner.signal)
		signal_name_write(name, sizeof name, d->owner.signal);
	print(o, "owner : %d : %s : %d : %s\n", fd, owners[d->owner.kind], d->owner.id, name);
}
