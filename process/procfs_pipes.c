/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What waits in pipes and fifos, without taking it out. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "process/procfs_files.h"
#include "process/procfs_private.h"

/* How much a new pipe holds (include/linux/pipe_fs_i.h). */
enum { PIPE_SIZE = 16 * 4096 };

bool entry_is_pipe(const struct entry *e)
{
	return e->description.kind == FILE_PIPE ||
	       (e->description.kind == FILE_PATH && S_ISFIFO(e->mode) &&
		!(e->description.flags & O_PATH));
}

void procfs_read_owner(int fd, struct description *d)
{
	struct f_owner_ex owner;
	int signo = fcntl(fd, F_GETSIG);

	if (fcntl(fd, F_GETOWN_EX, &owner) < 0 || !owner.pid)
		return;
	d->owner.kind = owner.type == F_OWNER_TID ? OWNER_THREAD :
			owner.type == F_OWNER_PID ? OWNER_PROCESS : OWNER_GROUP;
	d->owner.id = owner.pid;
	d->owner.signal = signo > 0 ? signo : 0;
}

static int add_packet(struct process *p, struct description *d, size_t size)
{
	uint32_t *packets = arena_grow(&p->arena, d->packets, d->packet_count, &d->packet_capacity,
				       sizeof *packets);

	if (!packets)
		return -1;
	d->packets = packets;
	packets[d->packet_count++] = (uint32_t)size;
	return 0;
}

/* In the copy of a pipe every packet is one still: a read ends where a packet does. */
static int take_copy(struct process *p, struct description *d, int copy, size_t size)
{
	size_t done = 0;
	ssize_t n;

	d->queued = arena_alloc(&p->arena, size);
	if (!d->queued) {
		errno = ENOMEM;
		return -1;
	}
	while (done < size && (n = read(copy, d->queued + done, size - done)) > 0) {
		bool whole = !done && (size_t)n == size;

		if (add_packet(p, d, (size_t)n) < 0)
			return -1;
		done += (size_t)n;
		if (whole)
			d->packet_count = 0;
	}
	d->queued_size = done;
	errno = ENOBUFS;
	return done < size ? -1 : 0;
}

static int copy_queued(struct process *p, struct description *d, int in, size_t size,
		       struct error *err)
{
	int copy[2], result;

	if (pipe2(copy, O_CLOEXEC | O_NONBLOCK) < 0)
		return error_sys(err, errno, "a pipe");
	/* tee() copies no more than the other pipe has room for. */
	fcntl(copy[1], F_SETPIPE_SZ, fcntl(in, F_GETPIPE_SZ));
	result =
		tee(in, copy[1], size, SPLICE_F_NONBLOCK) < 0 ? -1 : take_copy(p, d, copy[0], size);
	if (result < 0)
		error_sys(err, errno, "what waits in it");
	close(copy[0]);
	close(copy[1]);
	return result;
}

/* No other process has the other end either: a read ends, or a write fails, now and for ever. */
static bool is_hung_up(int fd, uint32_t mode)
{
	struct pollfd poller = { .fd = fd };

	return poll(&poller, 1, 0) == 1 && poller.revents & (mode == O_RDONLY ? POLLHUP : POLLERR);
}

/* Where the other end is in another process, so is the right to the bytes. */
static int look_into(struct process *p, const struct entry *e, int fd, struct description *d,
		     struct error *err)
{
	uint32_t mode = d->flags & O_ACCMODE;
	int size = 0, capacity = fcntl(fd, F_GETPIPE_SZ);

	if (mode == O_RDONLY ? !e->other_writes : mode == O_WRONLY && !e->other_reads)
		d->hung_up = d->kind == FILE_PIPE && is_hung_up(fd, mode);
	procfs_read_owner(fd, d);
	if (capacity > 0 && capacity != PIPE_SIZE)
		d->pipe_size = (uint32_t)capacity;
	if (!e->has_contents || (!e->other_writes && !d->hung_up))
		return 0;
	if (ioctl(fd, FIONREAD, &size) < 0 || size <= 0)
		return 0;
	return copy_queued(p, d, fd, (size_t)size, err);
}

int procfs_read_pipe(struct process *p, const struct entry *e, struct description *d,
		     struct error *err)
{
	int fd = proc_borrow(e->pid, e->at), result;

	if (fd < 0)
		return proc_error(err, errno, e->pid, "fd");
	result = look_into(p, e, fd, d, err);
	proc_give_back(e->pid, fd);
	if (result < 0)
		return error_prefix(err, "the pipe of descriptor %d", e->descriptor.fd);
	return 0;
}
