/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing the lines of open files. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "process/names.h"
#include "process/statelog_out.h"
#include "process/statelog_words.h"

static enum file_kind kind_of(const char *name)
{
	uint64_t id;

	return statelog_kind(name, strlen(name), &id);
}

static void put_file_name(struct out *o, const struct description *d)
{
	const char *name = d->name && *d->name ? d->name : "unknown";

	/* A path that the source could not tell must not become a path of that name. */
	switch (d->kind == FILE_PATH && name != d->name ? FILE_OTHER : d->kind) {
	case FILE_PATH:
		if (kind_of(name) == FILE_PATH)
			put_name(o, name);
		else
			put_name_not_word(o, name);
		break;
	case FILE_TERMINAL:
		put_name(o, kind_of(name) == FILE_TERMINAL ? name : "/dev/tty");
		break;
	case FILE_PIPE: print(o, "pipe:[%lu]", (unsigned long)d->pipe_id); break;
	case FILE_SOCKET: print(o, "socket:[%lu]", (unsigned long)d->pipe_id); break;
	case FILE_EVENTFD:
	case FILE_EPOLL:
	case FILE_SIGNALFD:
	case FILE_TIMERFD:
	case FILE_PIDFD:
	case FILE_INOTIFY: print(o, "%s", statelog_kind_word(d->kind)); break;
	case FILE_MEMFD:
		if (kind_of(name) != FILE_MEMFD)
			print(o, "memfd:");
		put_name(o, name);
		break;
	case FILE_OTHER:
		if (kind_of(name) != FILE_OTHER)
			print(o, "anon_inode:");
		put_name(o, name);
		break;
	}
}

/* The flags field: empty when there is nothing to say. */
static void put_file_flags(struct out *o, const struct descriptor *fd,
			   const struct description *d)
{
	char flags[400];
	const char *joint = "";

	if (d->flags_known) {
		open_flags_write(flags, sizeof flags, d->flags & ~(uint32_t)O_CLOEXEC);
		print(o, "%s", flags);
		joint = "|";
	}
	if (fd->close_on_exec) {
		print(o, "%sO_CLOEXEC", joint);
		joint = "|";
	}
	if (fd->in_flight) {
		print(o, "%sin-flight", joint);
		joint = "|";
	}
	if (d->kind == FILE_EVENTFD && d->semaphore) {
		print(o, "%sEFD_SEMAPHORE", joint);
		joint = "|";
	}
	if (d->hung_up) {
		print(o, "%shung-up", joint);
		joint = "|";
	}
	if (d->deleted)
		print(o, "%sdeleted", joint);
}

static void put_descriptor(struct out *o, const struct descriptor *fd,
			   const struct description *d, int owner)
{
	print(o, "%d : ", fd->fd);
	put_file_name(o, d);
	print(o, " : %lu", (unsigned long)(d->kind == FILE_EVENTFD ? d->count : d->offset));
	if (d->flags_known || fd->close_on_exec || fd->in_flight || d->semaphore || d->deleted ||
	    d->hung_up || owner != fd->fd) {
		print(o, " : ");
		put_file_flags(o, fd, d);
	}
	if (owner != fd->fd)
		print(o, " : dup %d", owner);
	print(o, "\n");
	if (owner != fd->fd)
		return;
	put_watches(o, fd->fd, d);
	put_pipe(o, fd->fd, d);
	put_special(o, fd->fd, d);
	put_locks(o, fd->fd, d);
	put_stamp(o, fd->fd, &d->stamp);
	if (d->terminal)
		put_terminal(o, fd->fd, d->terminal);
	if (d->socket)
		put_socket(o, fd->fd, d->socket);
}

/*
 * The first descriptor of each description defines it and the others are its dups.  Who was first
 * is kept in one array, so that many descriptors take linear time.
 */
int put_descriptors(struct out *o, const struct process *p, struct error *err)
{
	struct arena a = { 0 };
	int *owners = arena_alloc(&a, p->description_count * sizeof *owners);

	if (!owners)
		return error_sys(err, errno, "cannot write the descriptors");
	memset(owners, 0xff, p->description_count * sizeof *owners);
	if (!p->descriptor_count)
		print(o, "descriptors : none\n");
	else
		print(o, "# descriptor : file : offset : flags\n");
	for (size_t i = 0; i < p->descriptor_count; i++) {
		const struct descriptor *fd = &p->descriptors[i];
		int *owner = &owners[fd->description];

		if (*owner < 0)
			*owner = fd->fd;
		put_descriptor(o, fd, &p->descriptions[fd->description], *owner);
	}
	arena_free(&a);
	return 0;
}
