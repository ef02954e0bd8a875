/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the other procfs files share: see procfs_private.h. */
#define _GNU_SOURCE
#include "process/procfs_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/format.h"
#include "util/io.h"

static size_t proc_base(char *name, size_t size, pid_t pid)
{
	return pid ? format(name, size, "/proc/%d/", pid) : format(name, size, "/proc/self/");
}

void proc_name(char name[PROC_NAME_SIZE], pid_t pid, const char *fmt, ...)
{
	size_t len = proc_base(name, PROC_NAME_SIZE, pid);
	va_list args;

	va_start(args, fmt);
	vformat(name + len, PROC_NAME_SIZE - len, fmt, args);
	va_end(args);
}

int proc_error(struct error *err, int code, pid_t pid, const char *what)
{
	if (!pid)
		return error_sys(err, code, "/proc/self/%s (is /proc mounted?)", what);
	if (code == ENOENT || code == ESRCH)
		return error_set(err, ESRCH, "process %d: there is no such process (any more)",
				 pid);
	if (code == EACCES || code == EPERM)
		return error_set(err, code, "process %d: not allowed to look into it; "
				 "be its owner or root", pid);
	return error_sys(err, code, "/proc/%d/%s", pid, what);
}

bool proc_vanished(const struct error *err)
{
	return err->code == ENOENT || err->code == ESRCH;
}

ssize_t proc_read(pid_t pid, const char *what, char *buf, size_t size, struct error *err)
{
	char name[PROC_NAME_SIZE];

	proc_name(name, pid, "%s", what);
	cleanup_fd int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t n = fd < 0 ? -1 : read_full(fd, buf, size - 1);

	if (n < 0)
		return proc_error(err, errno, pid, what);
	buf[n] = '\0';
	return n;
}

int proc_link(pid_t pid, const char *what, char path[PATH_MAX], struct error *err)
{
	char name[PROC_NAME_SIZE];

	proc_name(name, pid, "%s", what);
	ssize_t n = readlink(name, path, PATH_MAX);

	if (n < 0)
		return proc_error(err, errno, pid, what);
	if (n >= PATH_MAX)
		return proc_error(err, ENAMETOOLONG, pid, what);
	path[n] = '\0';
	return 0;
}

int proc_borrow(pid_t pid, int fd)
{
	if (!pid)
		return fd;
	cleanup_fd int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);

	return pidfd < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
}

void proc_give_back(pid_t pid, int fd)
{
	if (pid && fd >= 0)
		close(fd);
}

static bool names_file(const char *path, const struct stat *file)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_ino == file->st_ino &&
	       (!file->st_dev || st.st_dev == file->st_dev);
}

/* d_path() names a file from the reader's root, or from that of another mount namespace. */
static bool has_name(pid_t pid, const char *path, const struct stat *file)
{
	char name[PROC_NAME_SIZE + PATH_MAX];
	size_t len = proc_base(name, sizeof name, pid);

	format(name + len, sizeof name - len, "root%s", path);
	return names_file(path, file) || names_file(name, file);
}

bool proc_strip_deleted(pid_t pid, char *path, const struct stat *file)
{
	static const char remark[] = " (deleted)";
	size_t len = strlen(path);

	if (len < sizeof remark || strcmp(path + len - (sizeof remark - 1), remark) != 0)
		return false;
	/* A file that still has this very name is called so: the kernel remarked nothing. */
	if (file && file->st_nlink > 0 && has_name(pid, path, file))
		return false;
	path[len - (sizeof remark - 1)] = '\0';
	return true;
}

uint64_t parse_number(const char **text, unsigned base)
{
	const char *t = *text;
	uint64_t n = 0;

	while (*t == ' ' || *t == '\t')
		t++;
	for (;; t++) {
		unsigned digit = *t >= '0' && *t <= '9' ? (unsigned)(*t - '0') :
				 *t >= 'a' && *t <= 'f' ? (unsigned)(*t - 'a' + 10) : base;

		if (digit >= base)
			break;
		n = n * base + digit;
	}
	*text = t;
	return n;
}

const char *after(const char *text, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(text, prefix, len) == 0 ? text + len : NULL;
}

const char *find_line(const char *text, const char *key)
{
	for (const char *line = text; line; line = strchr(line, '\n')) {
		if (*line == '\n')
			line++;
		const char *value = after(line, key);

		if (value)
			return value;
	}
	return NULL;
}

int no_memory(struct error *err)
{
	return error_sys(err, ENOMEM, "describing the process");
}
