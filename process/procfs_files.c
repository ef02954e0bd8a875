/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Descriptors and the open file descriptions behind them, from /proc/PID/fd and fdinfo. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "process/procfs.h"
#include "process/procfs_dir.h"
#include "process/procfs_files.h"
#include "process/procfs_private.h"
#include "process/procfs_sockets.h"
#include "util/cleanup.h"
#include "util/format.h"

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

static enum file_kind anonymous_kind(const char *word)
{
	static const struct {
		enum file_kind kind;
		const char *word;
	} kinds[] = {
		{ FILE_EVENTFD, "eventfd" }, { FILE_EPOLL, "eventpoll" },
		{ FILE_SIGNALFD, "signalfd" }, { FILE_TIMERFD, "timerfd" },
		{ FILE_PIDFD, "pidfd" }, { FILE_INOTIFY, "inotify" },
	};

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (strcmp(word, kinds[i].word) == 0)
			return kinds[i].kind;
	return FILE_OTHER;
}

/* What the process has open of its own /proc is its own, whatever number it has. */
static void name_own_proc(char *name, pid_t own)
{
	char prefix[40], rest[PATH_MAX];
	const char *at;

	format(prefix, sizeof prefix, "/proc/%d/", own);
	at = after(name, prefix);
	if (!at)
		return;
	format(rest, sizeof rest, "%s", at);
	format(name, PATH_MAX, "/proc/self/%s", rest);
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
		d->kind = FILE_MEMFD;
		d->deleted = proc_strip_deleted(pid, name, NULL);
		memmove(name, name + 1, strlen(name));
	} else if (*name == '/' || *name == '(') {
		/* "(unreachable)..." is a path too, outside of our root directory. */
		d->deleted = proc_strip_deleted(pid, name, st);
		d->kind = is_terminal(name, st) ? FILE_TERMINAL : FILE_PATH;
	} else {
		name_anonymous(name);
		d->kind = anonymous_kind(name);
		if (d->kind == FILE_EPOLL)
			format(name, PATH_MAX, "epoll");
	}
}

/* ---- One descriptor, all descriptors -------------------------------------------------------- */

static int read_entry(struct process *p, pid_t pid, struct entry *e, struct error *err)
{
	char what[40], name[PROC_NAME_SIZE], target[PATH_MAX];
	struct stat st = { 0 };

	format(what, sizeof what, "fd/%d", e->at);
	if (proc_link(e->pid, what, target, err) < 0)
		return -1;
	proc_name(name, e->pid, "%s", what);
	take_name(&e->description, pid, target, stat(name, &st) == 0 ? &st : NULL);
	name_own_proc(target, pid ? pid : getpid());
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

/* ---- Descriptions that are shared ----------------------------------------------------------- */

static pid_t real_pid(const struct entry *e)
{
	return e->pid ? e->pid : getpid();
}

/*
 * The order of the descriptions behind two descriptors: first by what they are, so that the kernel
 * is asked about candidates only, then as kcmp() orders them.  The offset and the flags are no
 * criterion: they may change between one descriptor and the next while the process runs.  0 means
 * that they are the same description; where the kernel refuses the answer, each is its own.
 */
static int compare(const struct entry *a, const struct entry *b)
{
	int by_name;

	if (a->description.kind != b->description.kind)
		return a->description.kind < b->description.kind ? -1 : 1;
	by_name = strcmp(a->description.name, b->description.name);
	if (by_name)
		return by_name;
	switch (syscall(SYS_kcmp, real_pid(a), real_pid(b), KCMP_FILE, a->at, b->at)) {
	case 0: return 0;
	case 1: return -1;
	case 2: return 1;
	}
	/* A socket has one description: nothing opens it again (sock_no_open()). */
	if (a->description.kind == FILE_SOCKET)
		return 0;
	return a->at < b->at ? -1 : 1;
}

/* The same, made total by the descriptor's number. */
static int order(const struct entries *entries, size_t a, size_t b)
{
	int order = compare(&entries->all[a], &entries->all[b]);

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

/* Marks the COUNT entries of one pipe, all that the process has of it, with what the others do. */
static void mark_ends(struct entry *all, const size_t *index, size_t count)
{
	bool reads = false, writes = false;
	struct entry *reader = NULL;

	for (size_t i = 0; i < count; i++) {
		uint32_t mode = all[index[i]].description.flags & O_ACCMODE;

		if (mode != O_WRONLY && (!reader || all + index[i] < reader))
			reader = all + index[i];
		reads |= mode != O_WRONLY;
		writes |= mode != O_RDONLY;
	}
	for (size_t i = 0; i < count; i++) {
		all[index[i]].other_reads = reads;
		all[index[i]].other_writes = writes;
	}
	if (reader)
		reader->has_contents = true;
}

/* INDEX is sorted, so that the entries of one pipe stand together. */
static void find_ends(const struct entries *entries, const size_t *index)
{
	for (size_t i = 0, end; i < entries->count; i = end) {
		const struct description *d = &entries->all[index[i]].description;

		for (end = i + 1; end < entries->count; end++) {
			const struct description *next = &entries->all[index[end]].description;

			if (next->kind != d->kind || strcmp(next->name, d->name) != 0)
				break;
		}
		if (entry_is_pipe(&entries->all[index[i]]))
			mark_ends(entries->all, index + i, end - i);
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
		bool same = i > 0 && compare(&entries->all[index[i - 1]],
					     &entries->all[index[i]]) == 0;

		(*first)[index[i]] = same ? (*first)[index[i - 1]] : index[i];
	}
	find_ends(entries, index);
	return 0;
}

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

	if (read_entries(p, entries, err) < 0 || find_shared(p, entries, &first, err) < 0)
		return -1;
	own = entries->count;
	if (procfs_read_sockets(p, entries, first, err) < 0 ||
	    (entries->count > own && find_shared(p, entries, &first, err) < 0))
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
