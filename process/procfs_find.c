/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Finding a path for an inode: inotify remembers no paths.  There is no system call for it without
 * privilege, so we look where a program's watches are: the places that it has to do with by its
 * directories and open files, each with what is in it and above it, and the usual ones.
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

/* Entries of directories to look at for one watch: a few milliseconds. */
enum { ENTRIES_MAX = 10000 };

struct search {
	struct file_id id;
	size_t left;
	char path[PATH_MAX];  /* what was found */
};

static const char *const usual_places[] = {
	"/etc", "/tmp", "/var/log", "/var/spool", "/var/run", "/var/tmp", "/dev", "/run", "/home",
	"/usr/share", "/usr/local/etc", "/dev/shm", "/sys/class", "/proc/self",
};

static bool is_it(struct search *s, const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_ino == s->id.inode && st.st_dev == s->id.device;
}

static bool is_entry(struct search *s, const char *folder, const struct dirent64 *entry)
{
	if (entry->d_ino != s->id.inode || strcmp(entry->d_name, ".") == 0 ||
	    strcmp(entry->d_name, "..") == 0)
		return false;
	format(s->path, sizeof s->path, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder,
	       entry->d_name);
	return is_it(s, s->path);
}

static bool is_inside(struct search *s, const char *folder)
{
	char buf[4096] __attribute__((aligned(8)));
	cleanup_fd int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC | O_NOATIME);
	long n;

	if (fd < 0)
		fd = open(folder, O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC);
	while (fd >= 0 && s->left && (n = syscall(SYS_getdents64, fd, buf, sizeof buf)) > 0) {
		for (long at = 0; at < n && s->left; s->left--) {
			const struct dirent64 *entry = (const void *)(buf + at);

			if (is_entry(s, folder, entry))
				return true;
			at += entry->d_reclen;
		}
	}
	return false;
}

/* PATH, what is in it, and all that is above it with what is in that. */
static bool is_around(struct search *s, const char *path)
{
	char at[PATH_MAX];
	char *slash;

	if (*path != '/')
		return false;
	format(at, sizeof at, "%s", path);
	for (;;) {
		if (is_it(s, at)) {
			format(s->path, sizeof s->path, "%s", at);
			return true;
		}
		if (is_inside(s, at))
			return true;
		slash = strrchr(at, '/');
		if (!slash || !at[1])
			return false;
		slash[slash == at] = '\0';
	}
}

static bool is_around_link(struct search *s, pid_t pid, const char *what)
{
	char target[PATH_MAX];
	struct error ignored;

	return proc_link(pid, what, target, &ignored) == 0 && is_around(s, target);
}

static bool is_around_files(struct search *s, const struct process *p)
{
	for (size_t i = 0; i < p->description_count; i++) {
		const struct description *d = &p->descriptions[i];

		if (d->kind == FILE_PATH && !after(d->name, "/dev/") && !after(d->name, "/proc/") &&
		    s->left && is_around(s, d->name))
			return true;
	}
	return false;
}

/* Whoever may do it (CAP_DAC_READ_SEARCH) opens the file by its handle, and reads its name. */
static bool is_opened(struct search *s, const struct inotify_watch *w, const char *place)
{
	char link[PROC_NAME_SIZE];
	struct stat st;
	cleanup_fd int mount = stat(place, &st) == 0 && st.st_dev == s->id.device
			     ? open(place, O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC) : -1;
	cleanup_fd int fd = mount >= 0 ? open_by_handle_at(mount, (struct file_handle *)w->handle,
							    O_PATH | O_CLOEXEC) : -1;

	if (fd < 0)
		return false;
	proc_name(link, 0, "fd/%d", fd);
	ssize_t n = readlink(link, s->path, sizeof s->path - 1);

	s->path[n > 0 ? n : 0] = '\0';
	return n > 0 && is_it(s, s->path);
}

static bool is_found_by_handle(struct search *s, pid_t pid, const struct inotify_watch *w)
{
	char cwd[PROC_NAME_SIZE];
	bool found;

	if (!w->handle)
		return false;
	proc_name(cwd, pid, "cwd");
	found = is_opened(s, w, "/") || is_opened(s, w, cwd);
	for (size_t i = 0; !found && i < sizeof usual_places / sizeof usual_places[0]; i++)
		found = is_opened(s, w, usual_places[i]);
	return found;
}

const char *procfs_find_path(struct process *p, pid_t pid, const struct inotify_watch *w)
{
	struct search s = { .id = w->id, .left = ENTRIES_MAX };
	bool found = is_found_by_handle(&s, pid, w) || is_around_link(&s, pid, "cwd") ||
		     is_around_files(&s, p) || is_around_link(&s, pid, "exe");

	for (size_t i = 0; !found && i < sizeof usual_places / sizeof usual_places[0]; i++)
		found = is_around(&s, usual_places[i]);
	return found ? arena_strdup(&p->arena, s.path) : NULL;
}
