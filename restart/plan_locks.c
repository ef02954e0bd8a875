/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* File locks, leases, and who gets the signals of a descriptor. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "restart/plan_files.h"
#include "util/cleanup.h"

static struct flock range_of(const struct file_lock *l)
{
	/* The last byte that there can be is the end of any file. */
	bool to_end = l->end >= INT64_MAX;

	return (struct flock){
		.l_type = l->exclusive ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET,
		.l_start = (off_t)l->start,
		.l_len = to_end ? 0 : (off_t)(l->end - l->start + 1),
	};
}

/* ---- Whether they are free ------------------------------------------------------------------- */

/* Asks through FD, which is ours alone: what is locked here for a moment is unlocked by its end. */
static bool is_free(int fd, const struct file_lock *l)
{
	struct flock range = range_of(l);

	switch (l->kind) {
	case LOCK_FLOCK:
		return flock(fd, (l->exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0 ||
		       errno != EWOULDBLOCK;
	case LOCK_POSIX:
	case LOCK_OFD:
		return fcntl(fd, F_OFD_GETLK, &range) < 0 || range.l_type == F_UNLCK;
	case LOCK_LEASE:
		break;
	}
	return true;  /* the kernel will say */
}

void check_locks(const struct restore *r, struct findings *f, const struct descriptor *d)
{
	const struct description *file = description_of(r->process, d);
	struct text_place at = place_of(r, d);

	struct stat st;

	/* To open what is neither may change it: a fifo lets in who waits for a reader. */
	if (r->options->alive || !file->lock_count || file->deleted || file->kind != FILE_PATH ||
	    stat(file->name, &st) < 0 || (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)))
		return;
	cleanup_fd int fd = open(file->name, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	for (size_t i = 0; fd >= 0 && i < file->lock_count; i++)
		if (!is_free(fd, &file->locks[i]))
			findings_add_loss(f, "%sdescriptor %d had a lock on %s, which another "
					  "process has now, and would have none", at.text, d->fd,
					  file->name);
}

void check_owner(const struct restore *r, struct findings *f, const struct descriptor *d)
{
	const struct description *file = description_of(r->process, d);
	const struct file_owner *o = &file->owner;
	struct text_place at = place_of(r, d);

	if (o->kind && !(o->kind == OWNER_PROCESS && o->id == r->process->pid))
		findings_add_loss(f,
				  "%sdescriptor %d sent its signals to %s %d and would send none",
				  at.text, d->fd,
				  o->kind == OWNER_GROUP    ? "process group"
				  : o->kind == OWNER_THREAD ? "thread"
							    : "process",
				  o->id);
}

/* ---- The plan -------------------------------------------------------------------------------- */

static void plan_lock(const struct restore *r, struct plan *plan, const struct descriptor *d,
		      const struct file_lock *l)
{
	unsigned flags = r->options->accept_loss ? OP_MAY_FAIL : 0;
	struct flock range = range_of(l);

	if (l->kind == LOCK_FLOCK)
		plan_syscall(plan, flags, SYS_flock, d->fd,
			     (l->exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB);
	else if (l->kind == LOCK_LEASE)
		plan_syscall(plan, flags, SYS_fcntl, d->fd, F_SETLEASE,
			     l->exclusive ? F_WRLCK : F_RDLCK);
	else
		plan_syscall(plan, flags, SYS_fcntl, d->fd,
			     l->kind == LOCK_OFD ? F_OFD_SETLK : F_SETLK,
			     plan_data(plan, &range, sizeof range));
	plan_note(plan, "lock of descriptor %d", d->fd);
}

void plan_locks(const struct restore *r, struct plan *plan, const struct descriptor *d)
{
	const struct description *file = description_of(r->process, d);

	for (size_t i = 0; i < file->lock_count; i++)
		plan_lock(r, plan, d, &file->locks[i]);
}

void plan_owner(const struct restore *r, struct plan *plan, const struct descriptor *d)
{
	const struct description *file = description_of(r->process, d);
	const struct file_owner *o = &file->owner;

	if (o->kind != OWNER_PROCESS || o->id != r->process->pid)
		return;
	plan_syscall(plan, OP_KEEP, SYS_getpid, 0);
	plan_syscall(plan, OP_ARG0_IS_RESULT << 2, SYS_fcntl, d->fd, F_SETOWN, 0);
	if (o->signal)
		plan_syscall(plan, 0, SYS_fcntl, d->fd, F_SETSIG, o->signal);
}
