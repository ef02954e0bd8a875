/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * This program carries libckpt.so along.  The dynamic linker needs it as a file, which stays:
 * children of the program load it as well.  So it is put, under a name with its hash, where the
 * user keeps such things, unless the same library is installed beside the program.  Code that runs
 * with the user's rights is taken only from the user's own folder and compared whole.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "ckpt/run.h"
#include "elf/checksum.h"
#include "elf/embedded.h"
#include "util/cleanup.h"
#include "util/format.h"
#include "util/io.h"
#include "util/replace.h"

struct library {
	void *bytes;
	size_t size;
};

/* ---- Our own copy ---------------------------------------------------------------------------- */

static int open_own(struct library *l, struct error *err)
{
	cleanup_fd int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct embedded e;

	if (fd < 0)
		return error_sys(err, errno, "/proc/self/exe");
	int found = embedded_find(fd, "ckpt", &e, err);
	if (found < 0)
		return -1;
	if (!found || e.kind != EMBEDDED_LIBRARY)
		return error_set(err, ENOENT, "ckpt was built without libckpt.so in it");
	l->size = (size_t)e.size;
	l->bytes = mmap(NULL, l->size, PROT_READ, MAP_PRIVATE, fd, (off_t)e.offset);
	return l->bytes == MAP_FAILED ? error_sys(err, errno, "libckpt.so in ckpt") : 0;
}

/* The dynamic linker takes these for separators. */
static bool can_be_preloaded(const char *path)
{
	return path[0] == '/' && !strpbrk(path, " :");
}

static bool is_same(const char *path, const struct library *l, bool private)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC | (private ? O_NOFOLLOW : 0));
	struct stat st;
	void *bytes;
	bool same;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (size_t)st.st_size != l->size)
		return false;
	if (private && (st.st_uid != geteuid() || st.st_mode & (S_IWGRP | S_IWOTH)))
		return false;
	bytes = mmap(NULL, l->size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return false;
	same = memcmp(bytes, l->bytes, l->size) == 0;
	munmap(bytes, l->size);
	return same;
}

/* ../lib/libckpt.so, seen from the program. */
static bool find_installed(char path[PATH_MAX], const struct library *l)
{
	char self[PATH_MAX], beside[PATH_MAX + 32];
	ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
	char *slash;

	if (len <= 0)
		return false;
	self[len] = '\0';
	slash = strrchr(self, '/');
	if (!slash)
		return false;
	format(beside, sizeof beside, "%.*s/../lib/libckpt.so", (int)(slash - self), self);
	return realpath(beside, path) && can_be_preloaded(path) && is_same(path, l, false);
}

/* ---- A folder for it ------------------------------------------------------------------------- */

static bool is_private(const char *folder)
{
	cleanup_fd int fd = open(folder, O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct statvfs fs;
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == geteuid() &&
	       !(st.st_mode & (S_IRWXG | S_IRWXO)) && fstatvfs(fd, &fs) == 0 &&
	       !(fs.f_flag & ST_NOEXEC);
}

static bool put(const char *path, const struct library *l)
{
	struct replacement r;
	struct error err;

	if (is_same(path, l, true))
		return true;
	if (replacement_begin(&r, path, 0700, &err) < 0)
		return false;
	if (write_full(r.fd, l->bytes, l->size) < 0) {
		replacement_abandon(&r);
		return false;
	}
	return replacement_commit(&r, &err) == 0;
}

static bool put_in(char path[PATH_MAX], const char *parent, const char *name,
		   const struct library *l)
{
	char folder[PATH_MAX];

	if (!can_be_preloaded(parent) ||
	    format(folder, sizeof folder, "%s/%s", parent, name) >= PATH_MAX ||
	    (mkdir(folder, 0700) < 0 && errno != EEXIST) || !is_private(folder))
		return false;
	return format(path, PATH_MAX, "%s/libckpt-%016llx.so", folder,
		      (unsigned long long)checksum_bytes(l->bytes, l->size)) < PATH_MAX &&
	       put(path, l);
}

static bool put_somewhere(char path[PATH_MAX], const struct library *l)
{
	const char *home = getenv("HOME"), *cache = getenv("XDG_CACHE_HOME");
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	char folder[PATH_MAX], user[32];

	if (cache && put_in(path, cache, "ckpt", l))
		return true;
	if (home && format(folder, sizeof folder, "%s/.cache", home) < sizeof folder) {
		if (mkdir(folder, 0700) < 0 && errno != EEXIST)
			folder[0] = '\0';
		if (put_in(path, folder, "ckpt", l))
			return true;
	}
	if (runtime && put_in(path, runtime, "ckpt", l))
		return true;
	format(user, sizeof user, "ckpt-%u", geteuid());
	return put_in(path, "/tmp", user, l) || put_in(path, "/var/tmp", user, l);
}

int library_place(char path[PATH_MAX], struct error *err)
{
	struct library l;
	bool done;

	if (open_own(&l, err) < 0)
		return -1;
	done = find_installed(path, &l) || put_somewhere(path, &l);
	munmap(l.bytes, l.size);
	return done ? 0 : error_set(err, EACCES, "no folder of one's own for libckpt.so: set "
				    "XDG_CACHE_HOME to one that only you can enter");
}
