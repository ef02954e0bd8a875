/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kinds of open files, by what their links in /proc/PID/fd lead to. */
#define _GNU_SOURCE
#include <string.h>
#include <unistd.h>

#include "process/procfs_files.h"
#include "process/procfs_private.h"
#include "util/format.h"

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

void procfs_take_kind(struct description *d, pid_t pid, char *name, const struct stat *st)
{
	take_name(d, pid, name, st);
	name_own_proc(name, pid ? pid : getpid());
}
