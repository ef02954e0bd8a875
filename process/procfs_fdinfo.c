/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What /proc/PID/fdinfo tells of a descriptor. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "process/procfs_files.h"
#include "process/procfs_private.h"
#include "util/cleanup.h"

/* As the kernel has it on this architecture; the C library defines O_LARGEFILE to 0. */
enum { KERNEL_O_LARGEFILE = 0100000 };

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
	w->through = w->fd;
	return 0;
}

/* "... fhandle-bytes:8 fhandle-type:1 f_handle:1ac5030000000000"; NULL when there is none. */
static struct file_handle *take_handle(struct process *p, const char *line)
{
	enum { MOST = MAX_HANDLE_SZ };
	const char *bytes = strstr(line, "fhandle-bytes:"), *type = strstr(line, "fhandle-type:");
	const char *text = strstr(line, "f_handle:");
	struct file_handle *h = NULL;
	size_t count = 0;

	if (!bytes || !type || !text)
		return NULL;
	bytes += strlen("fhandle-bytes:");
	type += strlen("fhandle-type:");
	text += strlen("f_handle:");
	count = parse_number(&bytes, 16);
	if (count <= MOST && strlen(text) >= 2 * count)
		h = arena_alloc(&p->arena, sizeof *h + count);
	if (!h)
		return NULL;
	h->handle_bytes = (unsigned)count;
	h->handle_type = (int)parse_number(&type, 16);
	for (size_t i = 0; i < count; i++) {
		const char digits[3] = { text[2 * i], text[2 * i + 1] }, *at = digits;

		h->f_handle[i] = (unsigned char)parse_number(&at, 16);
	}
	return h;
}

/* "wd:1 ino:3c51a sdev:fe00000 mask:fff ...": fs/notify/fdinfo.c; the kernel's device number */
static int take_notice(struct process *p, struct description *d, const char *line,
		       struct error *err)
{
	struct inotify_watch *w = arena_grow(&p->arena, d->notices, d->notice_count,
					     &d->notice_capacity, sizeof *w);
	const char *ino = strstr(line, "ino:"), *dev = strstr(line, "sdev:");
	const char *mask = strstr(line, " mask:"), *wd = after(line, "wd:");
	uint64_t device;

	if (!w)
		return no_memory(err);
	d->notices = w;
	if (!wd || !ino || !mask || !dev)
		return 0;
	w += d->notice_count++;
	memset(w, 0, sizeof *w);
	w->wd = (int)parse_number(&wd, 16);
	ino += strlen("ino:");
	w->id.inode = parse_number(&ino, 16);
	dev += strlen("sdev:");
	device = parse_number(&dev, 16);
	w->id.device = makedev((unsigned)(device >> 20), (unsigned)(device & 0xfffff));
	mask += strlen(" mask:");
	w->mask = (uint32_t)parse_number(&mask, 16);
	w->handle = take_handle(p, line);
	return 0;
}

/* "(1, 49406829)" */
static struct timespec parse_time(const char *value)
{
	struct timespec t;

	value = strchr(value, '(');
	if (!value++)
		return (struct timespec){ 0 };
	t.tv_sec = (time_t)parse_number(&value, 10);
	value += *value == ',';
	t.tv_nsec = (long)parse_number(&value, 10);
	return t;
}

/*
 * What timerfd_show() calls it_value is the time that remains, however the timer was set.  A time
 * of day stays one: it is remembered as such.
 */
static void make_absolute(struct timerfd *t)
{
	struct timespec now;

	if (!(t->flags & TFD_TIMER_ABSTIME))
		return;
	if ((t->clock != CLOCK_REALTIME && t->clock != CLOCK_REALTIME_ALARM) ||
	    (!t->value.tv_sec && !t->value.tv_nsec)) {
		t->flags = 0;
		return;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	t->value.tv_sec += now.tv_sec;
	t->value.tv_nsec += now.tv_nsec;
	if (t->value.tv_nsec >= 1000000000) {
		t->value.tv_nsec -= 1000000000;
		t->value.tv_sec++;
	}
}

/* The lines come in this order: fs/timerfd.c, timerfd_show(). */
static int take_timer(struct process *p, struct description *d, const char *line, struct error *err)
{
	const char *value;

	if ((value = after(line, "clockid:"))) {
		d->timer = arena_alloc(&p->arena, sizeof *d->timer);
		if (!d->timer)
			return no_memory(err);
		d->timer->clock = (int)parse_number(&value, 10);
	} else if (!d->timer) {
		return 0;
	} else if ((value = after(line, "ticks:"))) {
		d->timer->ticks = parse_number(&value, 10);
	} else if ((value = after(line, "settime flags:"))) {
		d->timer->flags = (uint32_t)parse_number(&value, 8);
	} else if ((value = after(line, "it_value:"))) {
		d->timer->value = parse_time(value);
	} else if ((value = after(line, "it_interval:"))) {
		d->timer->interval = parse_time(value);
		make_absolute(d->timer);
	}
	return 0;
}

/* Moves behind the blanks and the word at TEXT. */
static const char *behind_word(const char *text)
{
	while (*text == ' ' || *text == '\t')
		text++;
	while (*text && *text != ' ' && *text != '\t')
		text++;
	while (*text == ' ' || *text == '\t')
		text++;
	return text;
}

/* "1: POSIX  ADVISORY  WRITE 23436 fe:00:10952737 5 14": fs/locks.c, lock_get_status() */
static int take_lock(struct process *p, struct description *d, const char *line, struct error *err)
{
	static const struct {
		const char *word;
		enum lock_kind kind;
	} kinds[] = {
		{ "FLOCK", LOCK_FLOCK }, { "POSIX", LOCK_POSIX }, { "OFDLCK", LOCK_OFD },
		{ "LEASE", LOCK_LEASE },
	};
	struct file_lock lock = { .end = UINT64_MAX }, *locks;
	const char *at = behind_word(line);
	size_t i = 0;

	while (i < sizeof kinds / sizeof kinds[0] && !after(at, kinds[i].word))
		i++;
	if (i == sizeof kinds / sizeof kinds[0])
		return 0;
	lock.kind = kinds[i].kind;
	at = behind_word(behind_word(at));
	lock.exclusive = after(at, "WRITE");
	at = behind_word(behind_word(behind_word(at)));
	lock.start = parse_number(&at, 10);
	if (!strstr(at, "EOF"))
		lock.end = parse_number(&at, 10);
	locks = arena_grow(&p->arena, d->locks, d->lock_count, &d->lock_capacity, sizeof *locks);
	if (!locks)
		return no_memory(err);
	d->locks = locks;
	locks[d->lock_count++] = lock;
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
	} else if ((value = after(line, "inotify "))) {
		return take_notice(p, d, value, err);
	} else if ((value = after(line, "lock:"))) {
		return take_lock(p, d, value, err);
	} else if ((value = after(line, "sigmask:"))) {
		d->mask = parse_number(&value, 16);
		d->mask_known = true;
	} else if ((value = after(line, "Pid:"))) {
		d->pid = (pid_t)parse_number(&value, 10);
	} else if (d->kind == FILE_TIMERFD) {
		return take_timer(p, d, line, err);
	}
	return 0;
}

int procfs_read_fdinfo(struct process *p, struct entry *e, struct error *err)
{
	char name[PROC_NAME_SIZE];
	struct lines l = { 0 };
	const char *line;

	proc_name(name, e->pid, "fdinfo/%d", e->at);
	cleanup_fd int fd = open(name, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return proc_error(err, errno, e->pid, "fdinfo");
	l.fd = fd;
	while ((line = next_line(&l)))
		if (take_fdinfo_line(p, e, line, err) < 0)
			return -1;
	return 0;
}
