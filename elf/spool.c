/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "elf/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "elf/checksum.h"
#include "elf/compress.h"
#include "elf/core_extent.h"
#include "elf/open.h"
#include "util/cleanup.h"
#include "util/format.h"
#include "util/io.h"

enum { PAGE = CHECKSUM_PAGE, IN_SIZE = 256 << 10, OUT_SIZE = 1 << 20 };

struct spool {
	const char *name;  /* of the core, for messages */
	int from, to;
	char where[4096];  /* the folder that TO is in, for messages */
	char *in;          /* what was read; from in_at to in_end it has still to be dealt with */
	size_t in_at, in_end;
	char *out;         /* what is to be written */
	size_t filled;
	bool ended;        /* there is nothing more to read */
	bool packed, draining;
	struct unpacker unpacker;
	uint64_t size;     /* bytes of the core so far */
	struct core_extent extent;
};

const char *spool_name(const char *path)
{
	return strcmp(path, "-") == 0 ? "standard input" : path;
}

/* ---- The file without a name ------------------------------------------------------------ */

static bool try_folder(struct spool *s, const char *folder, size_t len)
{
	if (!folder || !len || len >= sizeof s->where)
		return false;
	format(s->where, sizeof s->where, "%.*s", (int)len, folder);
	s->to = open(s->where, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	return s->to >= 0;
}

static int open_unnamed(struct spool *s, const char *path, struct error *err)
{
	const char *own = secure_getenv("TMPDIR"), *slash = strrchr(path, '/');

	if (try_folder(s, own, own ? strlen(own) : 0) || try_folder(s, "/tmp", 4) ||
	    (slash ? try_folder(s, path, slash > path ? (size_t)(slash - path) : 1)
		   : try_folder(s, ".", 1)))
		return 0;
	format(s->where, sizeof s->where, "memory");
	s->to = memfd_create("core", MFD_CLOEXEC);
	return s->to < 0 ? error_sys(err, errno, "%s: no place to keep it while it is read; set "
				     "TMPDIR to a folder that can be written", s->name) : 0;
}

static int cannot_write(const struct spool *s, struct error *err)
{
	if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)
		return error_set(err, errno, "%s: no room in %s for the whole core, after %lu MiB "
				 "of it (%s); set TMPDIR to a folder that has it", s->name,
				 s->where, s->size >> 20, strerrordesc_np(errno));
	return error_sys(err, errno, "%s: a file in %s, to keep it in", s->name, s->where);
}

/* Writes what was collected, but for pages of zeros. */
static int flush(struct spool *s, struct error *err)
{
	size_t pages = (s->filled + PAGE - 1) & ~(size_t)(PAGE - 1);

	memset(s->out + s->filled, 0, pages - s->filled);
	for (size_t i = 0; i < pages;) {
		i += leading_zeros(s->out + i, pages - i);
		size_t n = leading_data(s->out + i, pages - i);

		if (pwrite_full(s->to, s->out + i, n, s->size + i) < 0)
			return cannot_write(s, err);
		i += n;
	}
	s->size += s->filled;
	s->filled = 0;
	if (ftruncate(s->to, (off_t)s->size) < 0)
		return cannot_write(s, err);
	return 0;
}

/* ---- Reading ---------------------------------------------------------------------------- */

static int read_more(struct spool *s, struct error *err)
{
	ssize_t n = read_full(s->from, s->in + s->in_end, IN_SIZE - s->in_end);

	if (n < 0)
		return error_sys(err, errno, "%s: cannot be read", s->name);
	s->ended = (size_t)n < IN_SIZE - s->in_end;
	s->in_end += (size_t)n;
	return 0;
}

/* Moves bytes from IN to OUT. */
static int move(struct spool *s, struct error *err)
{
	size_t have = s->in_end - s->in_at, room = OUT_SIZE - s->filled;
	size_t taken = have < room ? have : room, filled = taken;

	if (!s->packed)
		memcpy(s->out + s->filled, s->in + s->in_at, taken);
	else if (unpacker_step(&s->unpacker, s->in + s->in_at, have, &taken,
			       s->out + s->filled, room, &filled, err) < 0)
		return error_prefix(err, "%s", s->name);
	s->in_at += taken;
	s->filled += filled;
	/* The unpacker may hold back what did not fit. */
	s->draining = s->packed && filled == room && !s->unpacker.whole;
	return 0;
}

/* Fills OUT; it is not full when all has been read. */
static int fill(struct spool *s, struct error *err)
{
	while (s->filled < OUT_SIZE) {
		if (s->in_at == s->in_end && !s->draining) {
			if (s->ended)
				return 0;
			s->in_at = s->in_end = 0;
			if (read_more(s, err) < 0)
				return -1;
			continue;
		}
		if (move(s, err) < 0)
			return -1;
	}
	return 0;
}

static int copy(struct spool *s, struct error *err)
{
	bool full;

	do {
		if (fill(s, err) < 0)
			return -1;
		full = s->filled == OUT_SIZE;
		if (flush(s, err) < 0)
			return -1;
		if (!s->extent.certain)
			core_extent(&s->extent, s->to, s->size);
		if (s->extent.no_core)
			return 0;
		if (s->size > s->extent.most)
			return error_set(err, E2BIG, "%s: damaged: it goes on behind the %lu bytes "
					 "that its headers tell of; use another copy or an older "
					 "checkpoint", s->name, s->extent.most);
	} while (full);
	if (s->packed && !s->unpacker.whole)
		return error_set(err, ENODATA, "%s: truncated: its compressed bytes end in the "
				 "middle; use another copy or an older checkpoint", s->name);
	return 0;
}

/* ---- Opening ---------------------------------------------------------------------------- */

/* A fifo that nobody has open for writing would have us wait for ever. */
static int open_fifo(struct spool *s, const char *path, struct error *err)
{
	s->from = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (s->from < 0)
		return error_sys(err, errno, "%s", path);
	ssize_t n = read(s->from, s->in, 1);
	if (n == 0)
		return error_set(err, EINVAL, "%s: is a fifo that nobody writes to; give a regular "
				 "file, or start the writer first", path);
	if (n < 0 && errno != EAGAIN)
		return error_sys(err, errno, "%s", path);
	s->in_end = n > 0;
	fcntl(s->from, F_SETFL, 0);
	return 0;
}

static int open_source(struct spool *s, const char *path, struct stat *st, struct error *err)
{
	if (strcmp(path, "-") == 0) {
		s->from = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
		if (s->from < 0 || fstat(s->from, st) < 0)
			return error_sys(err, errno, "%s", s->name);
		if (isatty(s->from))
			return error_set(err, EINVAL, "%s: is a terminal; give it a core, from a "
					 "pipe or a file", s->name);
	} else if (stat(path, st) == 0 && S_ISFIFO(st->st_mode)) {
		if (open_fifo(s, path, err) < 0)
			return -1;
	} else {
		s->from = open_regular(path, st, err);
		if (s->from < 0)
			return -1;
	}
	if (!S_ISREG(st->st_mode))
		st->st_mtim = (struct timespec){ 0 };
	return 0;
}

/* Looks at the first bytes, of a regular file without reading them. */
static int look(struct spool *s, const struct stat *st, struct error *err)
{
	unsigned char magic[PACKED_MAGIC_SIZE] = { 0 };

	if (!S_ISREG(st->st_mode)) {
		if (read_more(s, err) < 0)
			return -1;
		if (s->in_end == 0)
			return error_set(err, ENODATA, "%s: nothing came through it; see why what "
					 "writes there ended", s->name);
		memcpy(magic, s->in, s->in_end < sizeof magic ? s->in_end : sizeof magic);
	} else if (pread_full(s->from, magic, sizeof magic,
			      (uint64_t)lseek(s->from, 0, SEEK_CUR)) < 0) {
		return error_sys(err, errno, "%s: cannot be read", s->name);
	}
	s->packed = is_packed(magic);
	return 0;
}

/* Whether FROM can be read as it is: it is an ordinary core, from its start. */
static bool is_plain_file(const struct spool *s, const struct stat *st)
{
	return !s->packed && S_ISREG(st->st_mode) && lseek(s->from, 0, SEEK_CUR) == 0;
}

static int copy_all(struct spool *s, const char *path, struct error *err)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN }, old;
	int result;

	if (open_unnamed(s, path, err) < 0)
		return -1;
	if (s->packed && unpacker_open(&s->unpacker) < 0)
		return error_sys(err, ENOMEM, "%s", s->name);
	/* A file that grows beyond the limit (ulimit -f) is an error and not our end. */
	sigaction(SIGXFSZ, &ignore, &old);
	result = copy(s, err);
	sigaction(SIGXFSZ, &old, NULL);
	return result;
}

static int open_either(struct spool *s, const char *path, struct stat *st, bool *spooled,
		       struct error *err)
{
	if (!s->in || !s->out)
		return error_sys(err, ENOMEM, "%s", s->name);
	if (open_source(s, path, st, err) < 0 || look(s, st, err) < 0)
		return -1;
	*spooled = !is_plain_file(s, st);
	return *spooled ? copy_all(s, path, err) : 0;
}

int spool_open(const char *path, struct stat *st, bool *spooled, struct error *err)
{
	cleanup_free char *in = malloc(IN_SIZE), *out = malloc(OUT_SIZE);
	struct spool s = { .name = spool_name(path), .from = -1, .to = -1, .in = in, .out = out };
	int result = open_either(&s, path, st, spooled, err);
	cleanup_fd int from = s.from, to = s.to;

	unpacker_close(&s.unpacker);
	if (result < 0)
		return -1;
	return steal_fd(*spooled ? &to : &from);
}
