/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The program may be anybody's, so nothing in it is believed: its headers are read with pread() and
 * compared with the size of the file.
 */
#define _GNU_SOURCE
#include "elf/embedded.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elf/notes.h"
#include "util/cleanup.h"
#include "util/copy.h"
#include "util/io.h"

enum { PAGE = 4096, SEGMENTS_MOST = 64, NOTES_MOST = 4096 };

/* ---- Finding the note ------------------------------------------------------------------------ */

/* The offset in the file of the descriptor that NOTES, which stand at offset AT, have; or 0. */
static uint64_t find_in_notes(const char *notes, size_t size, uint64_t at)
{
	struct note n;
	size_t next = 0;

	while (note_next(notes, size, 4, &next, &n) > 0)
		if (note_is(&n, NOTE_OWNER_OURS, NOTE_EMBEDDED) &&
		    n.size == sizeof(struct embedded))
			return at + (uint64_t)((const char *)n.desc - notes);
	return 0;
}

/* The offset of the note's descriptor; 0 when FD is not a program of ours. */
static uint64_t find_note(int fd)
{
	Elf64_Phdr phdrs[SEGMENTS_MOST];
	char notes[NOTES_MOST];
	Elf64_Ehdr ehdr;
	uint64_t found = 0;

	if (pread_full(fd, &ehdr, sizeof ehdr, 0) != sizeof ehdr ||
	    memcmp(ehdr.e_ident, ELFMAG, SELFMAG) != 0 || ehdr.e_ident[EI_CLASS] != ELFCLASS64 ||
	    (ehdr.e_type != ET_EXEC && ehdr.e_type != ET_DYN) || ehdr.e_phnum > SEGMENTS_MOST ||
	    ehdr.e_phentsize != sizeof phdrs[0] || ehdr.e_phoff > INT64_MAX / 2)
		return 0;
	ssize_t size = ehdr.e_phnum * (ssize_t)sizeof phdrs[0];
	if (pread_full(fd, phdrs, (size_t)size, ehdr.e_phoff) != size)
		return 0;
	for (size_t i = 0; i < ehdr.e_phnum && !found; i++) {
		const Elf64_Phdr *h = &phdrs[i];

		if (h->p_type != PT_NOTE || h->p_filesz > NOTES_MOST ||
		    h->p_offset > INT64_MAX / 2 ||
		    pread_full(fd, notes, h->p_filesz, h->p_offset) != (ssize_t)h->p_filesz)
			continue;
		found = find_in_notes(notes, h->p_filesz, h->p_offset);
	}
	return found;
}

int embedded_find(int fd, const char *path, struct embedded *e, struct error *err)
{
	uint64_t at = find_note(fd);
	struct stat st;

	if (!at || pread_full(fd, e, sizeof *e, at) != sizeof *e || e->kind == EMBEDDED_NOTHING)
		return 0;
	if (fstat(fd, &st) < 0)
		return error_sys(err, errno, "%s", path);
	if (e->version != EMBEDDED_VERSION)
		return error_set(err, ENOTSUP, "%s: is of another version of ckpt (%u); use the "
				 "restart that belongs to it", path, e->version);
	if (!e->offset || e->offset % PAGE || e->offset > INT64_MAX / 2 || e->size > INT64_MAX / 2)
		return error_set(err, EINVAL, "%s: damaged: what it holds lies beyond the end of "
				 "any file; use another copy or an older checkpoint", path);
	if (e->offset + e->size > (uint64_t)st.st_size)
		return error_set(err, ENODATA, "%s: truncated: the last %lu of its %lu bytes are "
				 "missing; use another copy or an older checkpoint", path,
				 e->offset + e->size - (uint64_t)st.st_size, e->offset + e->size);
	return 1;
}

static bool holds(const char *path, enum embedded_kind kind)
{
	cleanup_fd int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	struct embedded e = { 0 };
	struct error err;

	return fd >= 0 && embedded_find(fd, path, &e, &err) && e.kind == kind;
}

/* As it was executed, which is what people know it by; that may be gone or not there (execveat). */
const char *embedded_self(enum embedded_kind kind)
{
	static const char proc[] = "/proc/self/exe";
	const char *executed = (const char *)getauxval(AT_EXECFN);

	if (holds(executed, kind))
		return executed;
	return holds(proc, kind) ? proc : NULL;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static int not_written(int code, const char *path, struct error *err)
{
	if (code == ENOSPC || code == EDQUOT)
		return error_set(err, code, "%s: %s; make room or name a file on another disk",
				 path, strerrordesc_np(code));
	return error_sys(err, code, "%s: cannot be written", path);
}

int embedded_begin(int fd, const char *path, uint64_t *offset, struct error *err)
{
	cleanup_fd int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct embedded mine;
	struct stat st;

	if (self < 0 || fstat(self, &st) < 0)
		return error_sys(err, errno, "/proc/self/exe");
	int holds = embedded_find(self, "/proc/self/exe", &mine, err);
	if (holds < 0)
		return -1;
	uint64_t size = holds ? mine.offset : (uint64_t)st.st_size;
	*offset = (size + PAGE - 1) / PAGE * PAGE;
	if (copy_sparse(self, 0, size, fd) < 0)
		return not_written(errno, path, err);
	if (embedded_finish(fd, path, EMBEDDED_NOTHING, 0, 0, err) < 0)
		return -1;
	/* The core writer leaves holes only behind the end of a file. */
	if (ftruncate(fd, (off_t)*offset) < 0 || lseek(fd, (off_t)*offset, SEEK_SET) < 0)
		return error_sys(err, errno, "%s", path);
	return 0;
}

int embedded_finish(int fd, const char *path, enum embedded_kind kind, uint64_t offset,
		    uint64_t size, struct error *err)
{
	const struct embedded e = {
		.version = EMBEDDED_VERSION, .kind = kind, .offset = offset, .size = size,
	};
	uint64_t at = find_note(fd);

	if (!at)
		return error_set(err, ENOEXEC, "%s: the program ckpt has no room for a file in it; "
				 "install it anew", path);
	if (pwrite(fd, &e, sizeof e, (off_t)at) != sizeof e)
		return error_sys(err, errno ? errno : EIO, "%s", path);
	return 0;
}
