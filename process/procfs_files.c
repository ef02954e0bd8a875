/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Descriptors and the open file descriptions behind them, from /proc/PID/fd and fdinfo. */
#define _GNU_SOURCE
#include <string.h>
#include <unistd.h>

#include "process/procfs.h"
#include "process/procfs_dir.h"
#include "process/procfs_files.h"
#include "process/procfs_private.h"
#include "process/procfs_sockets.h"
#include "util/cleanup.h"
#include "util/format.h"

/* ---- One descriptor, all descriptors -------------------------------------------------------- */

static int read_entry(struct process *p, pid_t pid, struct entry *e, struct error *err)
{
	char what[40], name[PROC_NAME_SIZE], target[PATH_MAX];
	struct stat st = { 0 };

	format(what, sizeof what, "fd/%d", e->at);
	if (proc_link(e->pid, what, target, err) < 0)
		return -1;
	proc_name(name, e->pid, "%s", what);
	procfs_take_kind(&e->description, pid, target, stat(name, &st) == 0 ? &st : NULL);
	e->mode = st.st_mode;
	e->inode = st.st_ino;
	e->description.name = arena_strdup(&p->arena, target);
	if (!e->description.name)
		return no_memory(err);
	if (procfs_note_file(p, e, &st, err) < 0)
		return -1;
	return procfs_read_fdinfo(p, e, err);
}

static struct entry *add_place(struct process *p, struct entries *entries, pid_t pid, int at,
			       struct error *err)
{
	struct entry *e = arena_grow(&p->arena, entries->all, entries->count, &entries->capacity,
				     sizeof *e);

	if (!e) {
		(void)!no_memory(err);
		return NULL;
	}
	entries->all = e;
	e += entries->count++;
	memset(e, 0, sizeof *e);
	e->pid = pid;
	e->at = e->descriptor.fd = at;
	return e;
}

static int list_descriptors(struct process *p, struct entries *entries, struct error *err)
{
	cleanup_fd int fd = -1;
	struct proc_dir dir;
	uint64_t number;
	int more;

	if (proc_dir_open(&dir, &fd, entries->pid, "fd", err) < 0)
		return -1;
	while ((more = proc_dir_next(&dir, &number, err)) > 0) {
		/* The caller's own list holds the descriptor that reads it. */
		if (!entries->pid && (int)number == fd)
			continue;
		if (!add_place(p, entries, entries->pid, (int)number, err))
			return -1;
	}
	return more;
}

static int read_entries(struct process *p, struct entries *entries, struct error *err)
{
	size_t kept = 0;

	if (list_descriptors(p, entries, err) < 0)
		return -1;
	for (size_t i = 0; i < entries->count; i++) {
		struct entry *e = &entries->all[kept];

		*e = entries->all[i];
		if (read_entry(p, entries->pid, e, err) == 0) {
			entries->locks |= e->description.lock_count > 0;
			kept++;
		} else if (!proc_vanished(err)) {
			return -1;
		}
	}
	entries->count = kept;
	return 0;
}

int procfs_add_in_flight(struct process *p, struct entries *entries, int fd, size_t *index,
			 struct error *err)
{
	struct entry *e = add_place(p, entries, 0, fd, err);

	if (!e)
		return -1;
	*index = entries->count - 1;
	e->in_flight = true;
	if (read_entry(p, entries->pid, e, err) < 0)
		return -1;
	e->descriptor.close_on_exec = false;  /* ours */
	entries->locks |= e->description.lock_count > 0;
	return 0;
}

static void let_go(const struct entries *entries)
{
	/*
	 * In the process itself a close would drop its POSIX locks on the file; it is about to die.
	 */
	for (size_t i = 0; entries->pid && i < entries->count; i++)
		if (entries->all[i].in_flight)
			close(entries->all[i].at);
}

/* ---- Into the model -------------------------------------------------------------------------- */

/* What is only on its way gets a number above those of the process. */
static int above(const struct process *p)
{
	return p->descriptor_count ? p->descriptors[p->descriptor_count - 1].fd + 1 : 0;
}

static int add_entry(struct process *p, const struct entries *entries, size_t i, size_t first,
		     struct error *err)
{
	struct entry *e = &entries->all[i];
	struct descriptor *d;

	if (e->in_flight && first < i) {
		e->index = entries->all[first].index;
		return 0;
	}
	if (e->in_flight)
		e->descriptor.fd = above(p);
	e->index = p->descriptor_count;
	d = process_add_descriptor(p);
	if (!d)
		return no_memory(err);
	*d = e->descriptor;
	d->in_flight = e->in_flight;
	if (first < i) {
		d->description = p->descriptors[entries->all[first].index].description;
		return 0;
	}
	d->description = p->description_count;
	struct description *description = process_add_description(p);

	if (!description)
		return no_memory(err);
	*description = e->description;
	return 0;
}

/* ---- What is on its way ---------------------------------------------------------------------- */

static int read_on_its_way(struct process *p, struct entries *entries, const size_t *first,
			   struct error *err)
{
	for (size_t i = 0; i < entries->count; i++) {
		const struct entry *e = &entries->all[i];
		struct description *d = &p->descriptions[p->descriptors[e->index].description];

		if (first[i] != i)
			continue;
		if (d->kind == FILE_EPOLL || d->kind == FILE_INOTIFY)
			procfs_read_watches(p, entries, e, d);
		if (procfs_is_terminal(d) &&
		    procfs_read_terminal(p, entries->pid, e, d, err) < 0)
			return -1;
		if (entry_is_pipe(e) && procfs_read_pipe(p, e, d, err) < 0 &&
		    !proc_vanished(err))
			return -1;
	}
	return 0;
}

/* A few hundredths of a second at most. */
enum { SEARCHES = 50000 };

static int read_all(struct process *p, struct entries *entries, struct error *err)
{
	size_t *first = NULL, own;

	if (read_entries(p, entries, err) < 0 || procfs_find_shared(p, entries, &first, err) < 0)
		return -1;
	own = entries->count;
	if (procfs_read_sockets(p, entries, first, err) < 0 ||
	    (entries->count > own && procfs_find_shared(p, entries, &first, err) < 0))
		return -1;
	for (size_t i = 0; i < entries->count; i++)
		if (add_entry(p, entries, i, first[i], err) < 0)
			return -1;
	procfs_name_rights(p, entries);
	p->have |= HAVE_DESCRIPTORS;
	if (procfs_read_contents(p, entries, err) < 0)
		return -1;
	return read_on_its_way(p, entries, first, err);
}

int procfs_read_descriptors(struct process *p, pid_t pid, struct error *err)
{
	struct entries entries = { .pid = pid, .searches = SEARCHES };
	int result = read_all(p, &entries, err);

	let_go(&entries);
	return result;
}
