/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Descriptors and the open file descriptions behind them, from /proc/PID/fd and fdinfo. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "process/procfs.h"
#include "process/procfs_dir.h"
#include "process/procfs_private.h"
#include "util/cleanup.h"
#include "util/format.h"

/* As the kernel has it on this architecture; the C library defines O_LARGEFILE to 0. */
enum { KERNEL_O_LARGEFILE = 0100000 };

/* A descriptor with its own copy of the description, before those that are shared are joined. */
struct entry {
	struct descriptor descriptor;
	struct description description;
};

struct entries {
	struct entry *all;
	size_t count, capacity;
	pid_t pid;
};

/* ---- What a link tells ---------------------------------------------------------------------- */

static bool is_number(const char *text)
{
	if (!*text)
		return false;
	for (; *text; text++)
		if (*text < '0' || *text > '9')
			return false;
	return true;
}

static bool is_terminal(const char *path, const struct stat *st)
{
	const char *name = after(path, "/dev/pts/");

	if (st && !S_ISCHR(st->st_mode))
		return false;
	return (name && is_number(name)) || strcmp(path, "/dev/console") == 0 ||
	       after(path, "/dev/tty");
}

/*
 * "anon_inode:[signalfd]" and "anon_inode:inotify" are called by their word; what has no word that
 * everybody knows keeps the kernel's name behind "anon_inode:".
 */
static void name_anonymous(char *name)
{
	static const char *const words[] = {
		"signalfd", "timerfd", "inotify", "pidfd", "eventfd", "eventpoll",
	};
	static const char prefix[] = "anon_inode:";
	const char *word = after(name, prefix);
	char kept[PATH_MAX];

	word = word ? word : name;
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (after(word + (*word == '['), words[i])) {
			format(name, PATH_MAX, "%s", words[i]);
			return;
		}
	}
	if (word == name) {
		format(kept, sizeof kept, "%s", name);
		format(name, PATH_MAX, "%s%s", prefix, kept);
	}
}

/* Sets the kind and may change NAME, the target of the link, to the word that the text uses. */
static void take_name(struct description *d, pid_t pid, char *name, const struct stat *st)
{
	const char *number;

	if ((number = after(name, "pipe:["))) {
		d->kind = FILE_PIPE;
		d->pipe_id = parse_number(&number, 10);
	} else if ((number = after(name, "socket:["))) {
		d->kind = FILE_SOCKET;
		d->pipe_id = parse_number(&number, 10);
	} else if (after(name, "/memfd:")) {
		d->kind = FILE_OTHER;
		d->deleted = proc_strip_deleted(pid, name, NULL);
		memmove(name, name + 1, strlen(name));
	} else if (*name == '/' || *name == '(') {
		/* "(unreachable)..." is a path too, outside of our root directory. */
		d->deleted = proc_strip_deleted(pid, name, st);
		d->kind = is_terminal(name, st) ? FILE_TERMINAL : FILE_PATH;
	} else {
		name_anonymous(name);
		d->kind = strcmp(name, "eventfd") == 0 ? FILE_EVENTFD :
			  strcmp(name, "eventpoll") == 0 ? FILE_EPOLL : FILE_OTHER;
		if (d->kind == FILE_EPOLL)
			format(name, PATH_MAX, "epoll");
	}
}

/* ---- fdinfo --------------------------------------------------------------------------------- */

/* A file read line by line: an epoll descriptor's fdinfo has a line for every watch. */
struct lines {
	int fd;
	size_t at, len;
	char buf[4096];
};

/* The next line, without its newline; NULL at the end or when it cannot be read. */
static char *next_line(struct lines *l)
{
	for (;;) {
		char *line = l->buf + l->at;
		char *newline = memchr(line, '\n', l->len - l->at);

		if (newline) {
			*newline = '\0';
			l->at += (size_t)(newline + 1 - line);
			return line;
		}
		memmove(l->buf, line, l->len - l->at);
		l->len -= l->at;
		l->at = 0;
		ssize_t n = read(l->fd, l->buf + l->len, sizeof l->buf - l->len);

		if (n <= 0)
			return NULL;
		l->len += (size_t)n;
	}
}

/* "tfd:  4 events:  19 data:  4  pos:0 ino:221d sdev:f" */
static int take_watch(struct process *p, struct description *d, const char *line,
		      struct error *err)
{
	struct epoll_watch *w = arena_grow(&p->arena, d->watches, d->watch_count,
					   &d->watch_capacity, sizeof *w);
	const char *events = strstr(line, "events:"), *data = strstr(line, "data:");

	if (!w)
		return no_memory(err);
	d->watches = w;
	w += d->watch_count++;
	*w = (struct epoll_watch){ .fd = (int)parse_number(&line, 10) };
	if (events && (events = after(events, "events:")))
		w->events = (uint32_t)parse_number(&events, 16);
	if (data && (data = after(data, "data:")))
		w->data = parse_number(&data, 16);
	return 0;
}

static int take_fdinfo_line(struct process *p, struct entry *e, const char *line,
			    struct error *err)
{
	struct description *d = &e->description;
	const char *value;

	if ((value = after(line, "pos:"))) {
		d->offset = parse_number(&value, 10);
	} else if ((value = after(line, "flags:"))) {
		uint32_t flags = (uint32_t)parse_number(&value, 8);

		e->descriptor.close_on_exec = flags & O_CLOEXEC;
		/* The kernel sets O_LARGEFILE by itself at every open() of a 64-bit program. */
		d->flags = flags & ~(uint32_t)(O_CLOEXEC | KERNEL_O_LARGEFILE);
		d->flags_known = true;
	} else if ((value = after(line, "eventfd-count:"))) {
		d->count = parse_number(&value, 16);
	} else if ((value = after(line, "eventfd-semaphore:"))) {
		d->semaphore = parse_number(&value, 10);
	} else if ((value = after(line, "tfd:"))) {
		return take_watch(p, d, value, err);
	}
	return 0;
}

static int read_fdinfo(struct process *p, pid_t pid, struct entry *e, struct error *err)
{
	char name[PROC_NAME_SIZE];
	struct lines l = { 0 };
	const char *line;

	proc_name(name, pid, "fdinfo/%d", e->descriptor.fd);
	cleanup_fd int fd = open(name, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return proc_error(err, errno, pid, "fdinfo");
	l.fd = fd;
	while ((line = next_line(&l)))
		if (take_fdinfo_line(p, e, line, err) < 0)
			return -1;
	return 0;
}

/* ---- One descriptor, all descriptors -------------------------------------------------------- */

static int read_entry(struct process *p, pid_t pid, struct entry *e, struct error *err)
{
	char what[40], name[PROC_NAME_SIZE], target[PATH_MAX];
	struct stat st;

	format(what, sizeof what, "fd/%d", e->descriptor.fd);
	if (proc_link(pid, what, target, err) < 0)
		return -1;
	proc_name(name, pid, "%s", what);
	take_name(&e->description, pid, target, stat(name, &st) == 0 ? &st : NULL);
	e->description.name = arena_strdup(&p->arena, target);
	if (!e->description.name)
		return no_memory(err);
	return read_fdinfo(p, pid, e, err);
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
		struct entry *e;

		/* The caller's own list holds the descriptor that reads it. */
		if (!entries->pid && (int)number == fd)
			continue;
		e = arena_grow(&p->arena, entries->all, entries->count, &entries->capacity,
			       sizeof *e);
		if (!e)
			return no_memory(err);
		entries->all = e;
		e += entries->count++;
		memset(e, 0, sizeof *e);
		e->descriptor.fd = (int)number;
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
		if (read_entry(p, entries->pid, e, err) == 0)
			kept++;
		else if (!proc_vanished(err))
			return -1;
	}
	entries->count = kept;
	return 0;
}

/* ---- Descriptions that are shared ----------------------------------------------------------- */

/*
 * The order of the descriptions behind two descriptors: first by what they are, so that the kernel
 * is asked about candidates only, then as kcmp() orders them.  The offset and the flags are no
 * criterion: they may change between one descriptor and the next while the process runs.  0 means
 * that they are the same description; where the kernel refuses the answer, each is its own.
 */
static int compare(const struct entries *entries, const struct entry *a, const struct entry *b)
{
	pid_t pid = entries->pid ? entries->pid : getpid();
	int by_name;

	if (a->description.kind != b->description.kind)
		return a->description.kind < b->description.kind ? -1 : 1;
	by_name = strcmp(a->description.name, b->description.name);
	if (by_name)
		return by_name;
	switch (syscall(SYS_kcmp, pid, pid, KCMP_FILE, a->descriptor.fd, b->descriptor.fd)) {
	case 0: return 0;
	case 1: return -1;
	case 2: return 1;
	default: return a->descriptor.fd < b->descriptor.fd ? -1 : 1;
	}
}

/* The same, made total by the descriptor's number. */
static int order(const struct entries *entries, size_t a, size_t b)
{
	int order = compare(entries, &entries->all[a], &entries->all[b]);

	return order ? order : a < b ? -1 : 1;
}

/* Merge sort of indices into entries: qsort() may allocate.  SPACE has as many elements. */
static void sort(const struct entries *entries, size_t *index, size_t *space, size_t count)
{
	size_t half = count / 2, left = 0, right = half;

	if (count < 2)
		return;
	sort(entries, index, space, half);
	sort(entries, index + half, space, count - half);
	memcpy(space, index, count * sizeof *index);
	for (size_t i = 0; i < count; i++) {
		bool take_left = right >= count ||
				 (left < half && order(entries, space[left], space[right]) < 0);

		index[i] = take_left ? space[left++] : space[right++];
	}
}

/* Finds for every entry the first one with the same description: first[i] <= i. */
static int find_shared(struct process *p, const struct entries *entries, size_t **first,
		       struct error *err)
{
	size_t count = entries->count;
	size_t *index = arena_alloc(&p->arena, 3 * count * sizeof *index);

	if (!index)
		return no_memory(err);
	*first = index + 2 * count;
	for (size_t i = 0; i < count; i++)
		index[i] = i;
	sort(entries, index, index + count, count);
	for (size_t i = 0; i < count; i++) {
		bool same = i > 0 && compare(entries, &entries->all[index[i - 1]],
					     &entries->all[index[i]]) == 0;

		(*first)[index[i]] = same ? (*first)[index[i - 1]] : index[i];
	}
	return 0;
}

static int add_entry(struct process *p, const struct entries *entries, size_t i, size_t first,
		     struct error *err)
{
	struct descriptor *d = process_add_descriptor(p);

	if (!d)
		return no_memory(err);
	*d = entries->all[i].descriptor;
	if (first < i) {
		d->description = p->descriptors[first].description;
		return 0;
	}
	d->description = p->description_count;
	struct description *description = process_add_description(p);

	if (!description)
		return no_memory(err);
	*description = entries->all[i].description;
	return 0;
}

/* ---- What is on its way ---------------------------------------------------------------------- */

/* Copies what waits in the pipe IN to COPY, without taking it out, and from there to the model. */
static int copy_queued(struct process *p, struct description *d, int in, const int copy[2],
		       size_t size)
{
	size_t done = 0;
	ssize_t n;

	/* tee() copies no more than the other pipe has room for. */
	fcntl(copy[1], F_SETPIPE_SZ, fcntl(in, F_GETPIPE_SZ));
	d->queued = arena_alloc(&p->arena, size);
	if (!d->queued) {
		errno = ENOMEM;
		return -1;
	}
	if (tee(in, copy[1], size, SPLICE_F_NONBLOCK) < 0)
		return -1;
	while (done < size && (n = read(copy[0], d->queued + done, size - done)) > 0)
		done += (size_t)n;
	d->queued_size = done;
	errno = ENOBUFS;
	return done < size ? -1 : 0;
}

static int read_queued(struct process *p, pid_t pid, int fd, struct description *d,
		       struct error *err)
{
	char what[40], name[PROC_NAME_SIZE];
	int copy[2], size, result;

	/* Another open file description of the same pipe: ours, and it never waits. */
	format(what, sizeof what, "fd/%d", fd);
	proc_name(name, pid, "%s", what);
	cleanup_fd int in = open(name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (in < 0 || ioctl(in, FIONREAD, &size) < 0)
		return proc_error(err, errno, pid, what);
	if (size <= 0)
		return 0;
	if (pipe2(copy, O_CLOEXEC | O_NONBLOCK) < 0)
		return error_sys(err, errno, "cannot look into the pipe of descriptor %d", fd);
	result = copy_queued(p, d, in, copy, (size_t)size);
	if (result < 0)
		error_sys(err, errno, "cannot look into the pipe of descriptor %d", fd);
	close(copy[0]);
	close(copy[1]);
	return result;
}

/* Where the other end is in another process, so is the right to the bytes. */
static bool has_writer(const struct process *p, uint64_t pipe_id)
{
	for (size_t i = 0; i < p->description_count; i++) {
		const struct description *d = &p->descriptions[i];

		if (d->kind == FILE_PIPE && d->pipe_id == pipe_id && d->flags & O_ACCMODE)
			return true;
	}
	return false;
}

/*
 * A socket of a pair whose other half is closed: a read ends and a write fails, now and for ever.
 * Some programs keep one (the JVM does, to stand in for descriptors that it closes).
 */
static bool is_hung_up(pid_t pid, int fd)
{
	int domain = 0, type = 0;
	socklen_t size = sizeof domain;
	struct pollfd poller = { .fd = fd, .events = POLLIN };
	cleanup_fd int pidfd = pid ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
	cleanup_fd int theirs = pid ? (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0) : -1;

	if (pid)
		poller.fd = theirs;
	if (getsockopt(poller.fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) < 0 || domain != AF_UNIX ||
	    getsockopt(poller.fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0 || type != SOCK_STREAM)
		return false;
	char byte;
	return poll(&poller, 1, 0) == 1 && poller.revents & POLLHUP &&
	       recv(poller.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static int read_on_its_way(struct process *p, pid_t pid, struct error *err)
{
	for (size_t i = 0; i < p->descriptor_count; i++) {
		int fd = p->descriptors[i].fd;
		struct description *d = &p->descriptions[p->descriptors[i].description];

		if (d->kind == FILE_SOCKET)
			d->hung_up = is_hung_up(pid, fd);
		if (d->kind != FILE_PIPE || d->flags & O_ACCMODE || d->queued_size ||
		    !has_writer(p, d->pipe_id))
			continue;
		if (read_queued(p, pid, fd, d, err) < 0 && !proc_vanished(err))
			return -1;
	}
	return 0;
}

int procfs_read_descriptors(struct process *p, pid_t pid, struct error *err)
{
	struct entries entries = { .pid = pid };
	size_t *first = NULL;

	if (read_entries(p, &entries, err) < 0 || find_shared(p, &entries, &first, err) < 0)
		return -1;
	for (size_t i = 0; i < entries.count; i++)
		if (add_entry(p, &entries, i, first[i], err) < 0)
			return -1;
	p->have |= HAVE_DESCRIPTORS;
	return read_on_its_way(p, pid, err);
}
