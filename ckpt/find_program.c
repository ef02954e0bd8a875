/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "ckpt/run.h"
#include "util/cleanup.h"
#include "util/format.h"
#include "util/io.h"

enum { SEGMENTS_MOST = 64, SCRIPTS_MOST = 5 /* as exec has it */, LINE_MOST = 256 };

/* ---- By its name ----------------------------------------------------------------------------- */

static bool can_be_run(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return false;
	if (S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		return false;
	}
	return access(path, X_OK) == 0;
}

/*
 * As a shell: a file that is there and cannot be run is remembered while the
 * search goes on.  What is in a folder that we may not search is not there.
 */
static int search(char path[PATH_MAX], const char *name)
{
	const char *list = getenv("PATH");
	int code = ENOENT;

	if (!list)
		list = "/usr/local/bin:/bin:/usr/bin";
	for (;; list++) {
		size_t len = strcspn(list, ":");

		if (format(path, PATH_MAX, "%.*s%s%s", (int)len, list, len ? "/" : "", name) <
		    PATH_MAX) {
			if (can_be_run(path))
				return 0;
			if (access(path, F_OK) == 0)
				code = EACCES;
		}
		list += len;
		if (!*list)
			return code;
	}
}

static int find(char path[PATH_MAX], const char *name, struct error *err)
{
	int code = 0;

	if (!*name)
		code = ENOENT;
	else if (!strchr(name, '/'))
		code = search(path, name);
	else if (format(path, PATH_MAX, "%s", name) >= PATH_MAX)
		code = ENAMETOOLONG;
	else if (!can_be_run(path))
		code = errno;
	return code ? error_sys(err, code, "%s", name) : 0;
}

/* ---- Of what kind ---------------------------------------------------------------------------- */

/*
 * Whether the program has the dynamic linker of glibc, which can load the library, or that of
 * musl.
 */
static void look_for_linker(struct program_file *f, int fd, const Elf64_Ehdr *ehdr)
{
	Elf64_Phdr phdrs[SEGMENTS_MOST];
	ssize_t size = ehdr->e_phnum * (ssize_t)sizeof phdrs[0];
	char linker[PATH_MAX];

	f->is_static = true;
	if (ehdr->e_phnum > SEGMENTS_MOST || ehdr->e_phentsize != sizeof phdrs[0] ||
	    ehdr->e_phoff > INT64_MAX / 2 ||
	    pread_full(fd, phdrs, (size_t)size, ehdr->e_phoff) != size)
		return;
	for (size_t i = 0; i < ehdr->e_phnum; i++) {
		if (phdrs[i].p_type != PT_INTERP || phdrs[i].p_offset > INT64_MAX / 2)
			continue;
		ssize_t len = pread_full(fd, linker, sizeof linker - 1, phdrs[i].p_offset);
		linker[len > 0 ? len : 0] = '\0';
		f->musl = strstr(linker, "/ld-musl");
		f->is_static = f->musl;
	}
}

/* The kernel's own rule: who may not be traced by its owner gets no library preloaded either. */
static bool changes_rights(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return false;
	return (st.st_mode & S_ISUID && st.st_uid != geteuid()) ||
	       ((st.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) &&
		st.st_gid != getegid()) ||
	       (geteuid() != 0 && fgetxattr(fd, "security.capability", NULL, 0) > 0);
}

/* The interpreter that the first line of a script names, into INTERPRETER. */
static bool is_script(const char *line, ssize_t len, char interpreter[LINE_MOST])
{
	if (len < 3 || line[0] != '#' || line[1] != '!')
		return false;
	line += 2 + strspn(line + 2, " \t");
	format(interpreter, LINE_MOST, "%.*s", (int)strcspn(line, " \t\n"), line);
	return true;
}

/* Its folder without links, and its own name, which may be one: some programs go by that. */
static void name_fully(char found[PATH_MAX], const char *path)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX], full[PATH_MAX];

	format(folder, sizeof folder, "%.*s", slash ? (int)(slash + 1 - path) : 1,
	       slash ? path : ".");
	if (!realpath(folder, full) ||
	    format(found, PATH_MAX, "%s%s%s", full, full[1] ? "/" : "",
		   slash ? slash + 1 : path) >= PATH_MAX)
		found[0] = '\0';
}

int program_find(struct program_file *f, const char *name, struct error *err)
{
	memset(f, 0, sizeof *f);
	if (find(f->path, name, err) < 0)
		return -1;
	name_fully(f->found, f->path);
	for (int depth = 0; depth < SCRIPTS_MOST; depth++) {
		cleanup_fd int fd = open(f->path, O_RDONLY | O_CLOEXEC);
		char start[LINE_MOST] = "", interpreter[LINE_MOST];
		Elf64_Ehdr ehdr;

		if (fd < 0)
			return 0;  /* one may run what one may not read; exec says what is wrong */
		ssize_t len = pread_full(fd, start, sizeof start - 1, 0);
		if (is_script(start, len, interpreter)) {
			f->script = true;
			format(f->path, sizeof f->path, "%s", interpreter);
			continue;
		}
		f->set_uid = changes_rights(fd);
		if (pread_full(fd, &ehdr, sizeof ehdr, 0) != sizeof ehdr ||
		    memcmp(ehdr.e_ident, ELFMAG, SELFMAG) != 0)
			return 0;
		f->foreign = ehdr.e_machine != EM_X86_64 || ehdr.e_ident[EI_CLASS] != ELFCLASS64;
		if (!f->foreign)
			look_for_linker(f, fd, &ehdr);
		return 0;
	}
	return 0;
}
