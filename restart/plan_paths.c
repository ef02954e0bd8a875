/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files, directories, devices and fifos that are opened by their paths. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "restart/plan_files.h"
#include "util/format.h"

enum {
	/* How the file was opened then, and must not be repeated. */
	ONCE = O_CREAT | O_EXCL | O_TRUNC,
	/* It was made without a name, and given one later. */
	MADE_NAMELESS = O_TMPFILE & ~O_DIRECTORY,
};

/* ---- Checks ---------------------------------------------------------------------------------- */

/* Files that the kernel makes up as they are read: their sizes and times mean nothing. */
static bool is_made_up(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 &&
	       (fs.f_type == PROC_SUPER_MAGIC || fs.f_type == SYSFS_MAGIC);
}

/* The restored program would go on with other contents than it knows: say how they differ. */
static void check_unchanged(const struct restore *r, struct findings *f, const struct descriptor *d,
			    const struct stat *now)
{
	const struct description *file = description_of(r->process, d);
	const struct file_stamp *then = &file->stamp;
	enum severity severity = r->options->strict ? OBSTACLE : LOSS;
	uint64_t size = (uint64_t)now->st_size;
	struct text_place at = place_of(r, d);
	const char *what = NULL, *why = r->options->strict ? " (which --strict refuses)" : "";
	bool appends = file->flags_known && file->flags & O_APPEND;
	char length[80];

	if (!then->known)
		return;
	format(length, sizeof length, "is %llu bytes %s", (unsigned long long)(size > then->size ?
	       size - then->size : then->size - size), size > then->size ? "longer" : "shorter");
	/* What was appended to a log meanwhile stays, and what comes stands behind it. */
	if (appends && size > then->size && severity == LOSS)
		severity = REMARK;
	if (size != then->size)
		what = length;
	else if (now->st_mtim.tv_sec != then->modified.tv_sec ||
		 now->st_mtim.tv_nsec != then->modified.tv_nsec)
		what = "was modified";
	/* A copy that looks the same, as on another machine, is worth no more than a remark. */
	if (now->st_ino != then->id.inode)
		findings_add(f, what || severity == OBSTACLE ? severity : REMARK,
			     "%sdescriptor %d: %s is another file than when the checkpoint was "
			     "made%s%s%s",
			     at.text, d->fd, file->name, what ? ", and " : "", what ? what : "",
			     why);
	else if (what)
		findings_add(f, severity, "%sdescriptor %d: %s %s since the checkpoint was made%s",
			     at.text, d->fd, file->name, what, why);
}

static const char *kind_of(mode_t mode)
{
	return S_ISREG(mode) ? "a regular file"
	     : S_ISDIR(mode) ? "a directory"
	     : S_ISFIFO(mode) ? "a fifo"
	     : S_ISSOCK(mode) ? "a socket"
	     : "a device";
}

/*
 * Whether the path leads to the kind of file that it led to, as far as that is known.  A device may
 * be meant: /dev/null for a log, say.  Who reads a fifo in the place of a file waits for ever.
 */
static bool check_kind(const struct restore *r, struct findings *f, const struct descriptor *d,
		       mode_t now)
{
	const struct description *file = description_of(r->process, d);
	struct text_place at = place_of(r, d);
	bool directory = file->flags_known && file->flags & O_DIRECTORY &&
			 !(file->flags & MADE_NAMELESS);
	bool device = S_ISCHR(now) || S_ISBLK(now);

	if (file->stamp.known && device)
		findings_add(f, r->options->strict ? OBSTACLE : LOSS, "%sdescriptor %d: %s was a "
			     "regular file and is a device now%s", at.text, d->fd, file->name,
			     r->options->strict ? " (which --strict refuses)" : "");
	else if (file->stamp.known && !S_ISREG(now))
		findings_add(f, OBSTACLE, "%sdescriptor %d was %s, a regular file, which is %s now "
			     "(put the file back, or use --map OLD=NEW)", at.text, d->fd,
			     file->name, kind_of(now));
	else if (directory && !S_ISDIR(now))
		findings_add(f, OBSTACLE, "%sdescriptor %d was %s, a directory, which is %s now "
			     "(put it back, or use --map OLD=NEW)", at.text, d->fd, file->name,
			     kind_of(now));
	else if (S_ISDIR(now) && file->flags_known && access_mode(file) != O_RDONLY)
		findings_add(f, OBSTACLE, "%sdescriptor %d: %s is a directory, which cannot be "
			     "opened for writing", at.text, d->fd, file->name);
	else
		return !file->stamp.known || S_ISREG(now);
	return false;
}

static void check_opened(const struct restore *r, struct findings *f, const struct descriptor *d,
			 const struct stat *st)
{
	const struct description *file = description_of(r->process, d);
	struct text_place at = place_of(r, d);
	uint32_t mode = access_mode(file);
	int need = !file->flags_known ? 0
		 : mode == O_RDONLY ? R_OK : mode == O_WRONLY ? W_OK : R_OK | W_OK;

	if (faccessat(AT_FDCWD, file->name, need, AT_EACCESS) < 0)
		findings_add(f, OBSTACLE,
			     "%sdescriptor %d was %s, which cannot be opened for %s: %s", at.text,
			     d->fd, file->name, need & W_OK ? "writing" : "reading",
			     strerror(errno));
	else if (S_ISSOCK(st->st_mode))
		findings_add(f, OBSTACLE, "%sdescriptor %d: %s is a socket, which no path opens",
			     at.text, d->fd, file->name);
	else if ((file->queued_size || file->pipe_size) && !S_ISFIFO(st->st_mode))
		findings_add(f, OBSTACLE, "%sdescriptor %d was %s, a fifo, which is none now (put "
			     "it back, or delete its pipe lines)", at.text, d->fd, file->name);
	else if (!check_kind(r, f, d, st->st_mode) || is_made_up(file->name))
		return;
	else if (S_ISREG(st->st_mode) && (uint64_t)st->st_size < file->offset)
		findings_add(f, OBSTACLE, "%sdescriptor %d was at offset %llu of %s, which is only "
			     "%llu bytes long now (put the file back, or edit the offset)", at.text,
			     d->fd,
			     (unsigned long long)file->offset, file->name,
			     (unsigned long long)st->st_size);
	else
		check_unchanged(r, f, d, st);
}

void check_path(const struct restore *r, struct findings *f, const struct descriptor *d)
{
	const struct description *file = description_of(r->process, d);
	struct text_place at = place_of(r, d);
	bool itself = file->flags & O_PATH && file->flags & O_NOFOLLOW;
	struct stat st;

	if ((itself ? lstat(file->name, &st) : stat(file->name, &st)) < 0)
		findings_add(f, OBSTACLE, "%sdescriptor %d was %s: %s (put it back, edit the line, "
			     "or use --map OLD=NEW)", at.text, d->fd, file->name, strerror(errno));
	else if (!(file->flags & O_PATH))
		check_opened(r, f, d, &st);
}

/* ---- The plan -------------------------------------------------------------------------------- */

/* Without known flags, the widest access that the file allows. */
static uint32_t open_flags(const struct description *file)
{
	struct stat st;

	/* open() does not do what O_ASYNC asks for, nor what a lease had set it for. */
	if (file->flags_known && file->flags & MADE_NAMELESS)
		return file->flags & ~(uint32_t)(ONCE | O_ASYNC | O_TMPFILE);
	if (file->flags_known)
		return file->flags & ~(uint32_t)(ONCE | O_ASYNC);
	if (stat(file->name, &st) == 0 && S_ISDIR(st.st_mode))
		return O_RDONLY;
	if (faccessat(AT_FDCWD, file->name, R_OK | W_OK, AT_EACCESS) == 0)
		return O_RDWR;
	return faccessat(AT_FDCWD, file->name, W_OK, AT_EACCESS) == 0 ? O_WRONLY : O_RDONLY;
}

/*
 * Opening an end of a fifo waits for the other; a descriptor
 * for both prevents that, and has room for what was in it.
 */
static void plan_hold_fifo(struct plan *plan, int holder, addr_t name,
			   const struct description *file)
{
	plan_syscall(plan, OP_KEEP, SYS_open, name, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	plan_move_to(plan, holder);
	plan_pipe_contents(plan, holder, file);
}

void plan_path(const struct restore *r, struct plan *plan, const struct descriptor *d)
{
	const struct description *file = description_of(r->process, d);
	addr_t name = plan_string(plan, file->name);
	struct stat st = { 0 };
	bool opened = stat(file->name, &st) == 0 && !(file->flags & O_PATH);
	bool fifo = opened && S_ISFIFO(st.st_mode);

	if (fifo)
		plan_hold_fifo(plan, r->fd_base + LENT_SPARE, name, file);
	plan_syscall(plan, OP_KEEP, SYS_open, name, open_flags(file) | O_NOCTTY);
	plan_note(plan, "descriptor %d", d->fd);
	if (file->offset && !(file->flags & O_PATH))
		plan_syscall(plan, OP_ARG0_IS_RESULT | OP_MAY_FAIL, SYS_lseek, 0, file->offset,
			     SEEK_SET);
	plan_move_fd(plan, d);
	if (fifo)
		plan_syscall(plan, 0, SYS_close, r->fd_base + LENT_SPARE);
	if (file->flags & O_ASYNC && (fifo || S_ISCHR(st.st_mode)))
		plan_status_flags(plan, d, file);
}
