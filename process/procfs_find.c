/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Finding paths for inodes: inotify remembers none.  Without privilege no system call tells them,
 * so we look where a program's watches are: the places that it has to do with by its directories
 * and open files, each with what is in it and above it; the usual ones; and inside each directory
 * that is found, since who watches a tree watches all of it.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "process/procfs_files.h"
#include "process/procfs_private.h"
#include "util/cleanup.h"
#include "util/format.h"

struct found {
	struct found *next;
	const char *path;
};

struct search {
	struct process *p;
	pid_t pid;
	size_t *left;             /* entries of directories that may still be looked at */
	size_t missing;           /* watches without a path */
	struct inotify_watch **table;  /* by a hash of the inode; of SIZE, a power of 2 */
	size_t size;
	struct found *first, **last;   /* found, and not yet looked into */
};

static const char *const usual_places[] = {
	"/etc", "/tmp", "/var/log", "/var/spool", "/var/run", "/var/tmp", "/dev", "/run", "/home",
	"/usr/share", "/usr/local/etc", "/dev/shm", "/sys/class", "/proc/self",
};

/* ---- The watches that are looked for --------------------------------------------------------- */

static size_t slot_of(const struct search *s, uint64_t inode)
{
	return (size_t)(inode * 0x9e3779b97f4a7c15 >> 32) & (s->size - 1);
}

static int make_table(struct search *s, struct description *d)
{
	for (s->size = 16; s->size < 2 * d->notice_count;)
		s->size *= 2;
	s->table = arena_alloc(&s->p->arena, s->size * sizeof *s->table);
	if (!s->table)
		return -1;
	for (size_t i = 0; i < d->notice_count; i++) {
		size_t at = slot_of(s, d->notices[i].id.inode);

		while (s->table[at])
			at = (at + 1) & (s->size - 1);
		s->table[at] = &d->notices[i];
		s->missing++;
	}
	return 0;
}

/* The next watch from *AT on with this inode and no path. */
static struct inotify_watch *wanted(const struct search *s, size_t *at, uint64_t inode)
{
	for (; s->table[*at]; *at = (*at + 1) & (s->size - 1))
		if (s->table[*at]->id.inode == inode && !s->table[*at]->path)
			return s->table[*at];
	return NULL;
}

static void take_path(struct search *s, struct inotify_watch *w, const char *path)
{
	struct found *f = arena_alloc(&s->p->arena, sizeof *f);

	w->path = f ? arena_strdup(&s->p->arena, path) : NULL;
	if (!w->path)
		return;
	s->missing--;
	f->path = w->path;
	*s->last = f;
	s->last = &f->next;
}

/* Takes PATH, whose inode is INODE as far as one knows, when it is watched. */
static void try_path(struct search *s, const char *path, uint64_t inode)
{
	size_t at = slot_of(s, inode);
	struct inotify_watch *w = wanted(s, &at, inode);
	struct stat st;

	if (w && stat(path, &st) == 0 && st.st_ino == w->id.inode && st.st_dev == w->id.device)
		take_path(s, w, path);
}

/* ---- Places ---------------------------------------------------------------------------------- */

static void try_entry(struct search *s, const char *folder, const struct dirent64 *entry)
{
	char path[PATH_MAX];

	if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
		return;
	size_t at = slot_of(s, entry->d_ino);

	if (!wanted(s, &at, entry->d_ino))
		return;
	format(path, sizeof path, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder, entry->d_name);
	try_path(s, path, entry->d_ino);
}

static void look_inside(struct search *s, const char *folder)
{
	enum { FLAGS = O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC };
	char buf[4096] __attribute__((aligned(8)));
	cleanup_fd int fd = open(folder, FLAGS | O_NOATIME);
	long n;

	if (fd < 0)
		fd = open(folder, FLAGS);
	while (fd >= 0 && *s->left && s->missing &&
	       (n = syscall(SYS_getdents64, fd, buf, sizeof buf)) > 0) {
		for (long at = 0; at < n && *s->left; --*s->left) {
			const struct dirent64 *entry = (const void *)(buf + at);

			try_entry(s, folder, entry);
			at += entry->d_reclen;
		}
	}
}

/* PATH, what is in it, and all that is above it with what is in that. */
static void look_around(struct search *s, const char *path)
{
	char at[PATH_MAX];
	char *slash = at;
	struct stat st;

	if (*path != '/')
		return;
	format(at, sizeof at, "%s", path);
	while (slash && s->missing && *s->left) {
		if (stat(at, &st) == 0)
			try_path(s, at, st.st_ino);
		look_inside(s, at);
		slash = at[1] ? strrchr(at, '/') : NULL;
		if (slash)
			slash[slash == at] = '\0';
	}
}

static void look_around_link(struct search *s, const char *what)
{
	char target[PATH_MAX];
	struct error ignored;

	if (proc_link(s->pid, what, target, &ignored) == 0)
		look_around(s, target);
}

static void look_around_files(struct search *s)
{
	for (size_t i = 0; i < s->p->description_count && s->missing && *s->left; i++) {
		const struct description *d = &s->p->descriptions[i];

		if (d->kind == FILE_PATH && !after(d->name, "/dev/") && !after(d->name, "/proc/"))
			look_around(s, d->name);
	}
}

/* ---- By handle ------------------------------------------------------------------------------- */

/* Whoever may do it (CAP_DAC_READ_SEARCH) opens the file by its handle, and reads its name. */
static bool open_by_handle(struct search *s, struct inotify_watch *w, const char *place)
{
	char link[PROC_NAME_SIZE], path[PATH_MAX];
	struct stat st;
	cleanup_fd int mount = stat(place, &st) == 0 && st.st_dev == w->id.device
			     ? open(place, O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC) : -1;
	cleanup_fd int fd = mount >= 0 ? open_by_handle_at(mount, (struct file_handle *)w->handle,
							    O_PATH | O_CLOEXEC) : -1;

	if (fd < 0)
		return false;
	proc_name(link, 0, "fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof path - 1);

	path[n > 0 ? n : 0] = '\0';
	if (n > 0 && stat(path, &st) == 0 && st.st_ino == w->id.inode && st.st_dev == w->id.device)
		take_path(s, w, path);
	return w->path;
}

static void find_by_handle(struct search *s, struct inotify_watch *w)
{
	char cwd[PROC_NAME_SIZE];
	bool found;

	if (!w->handle)
		return;
	proc_name(cwd, s->pid, "cwd");
	found = open_by_handle(s, w, "/") || open_by_handle(s, w, cwd);
	for (size_t i = 0; !found && i < sizeof usual_places / sizeof usual_places[0]; i++)
		found = open_by_handle(s, w, usual_places[i]);
}

void procfs_find_paths(struct process *p, pid_t pid, struct description *d, size_t *left)
{
	struct search s = { .p = p, .pid = pid, .left = left };

	s.last = &s.first;
	if (make_table(&s, d) < 0)
		return;
	for (size_t i = 0; i < d->notice_count; i++)
		find_by_handle(&s, &d->notices[i]);
	look_around_link(&s, "cwd");
	look_around_files(&s);
	look_around_link(&s, "exe");
	for (size_t i = 0; i < sizeof usual_places / sizeof usual_places[0]; i++)
		look_around(&s, usual_places[i]);
	for (const struct found *f = s.first; f && s.missing && *left; f = f->next)
		look_inside(&s, f->path);
}
