/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What waits in a socket, by MSG_PEEK.
 *
 * A stream shows all of it at once, but a peek at a socket that keeps the borders of messages shows
 * the first message only.  For the others SO_PEEK_OFF must be set, which is the socket's and not
 * our descriptor's: should we be killed before it is put back, a process that stands by does it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process/procfs_private.h"
#include "process/procfs_sockets.h"
#include "util/io.h"

/* More than socket buffers hold; it bounds what we allocate. */
enum { MESSAGE_MAX = 256 << 20, MESSAGES_MAX = 1 << 20 };

/* ---- One look -------------------------------------------------------------------------------- */

/*
 * Of an AF_UNIX socket: room for what comes with all messages because an
 * option says so, and none for descriptors, of which the kernel would make
 * us duplicates (unix_peek_fds).  So MSG_CTRUNC speaks of descriptors only.
 */
static size_t control_room(const struct socket *s)
{
	size_t room = 0;

	if (socket_option(s, SOL_SOCKET, SO_PASSCRED))
		room += CMSG_SPACE(sizeof(struct ucred));
	if (socket_option(s, SOL_SOCKET, SO_TIMESTAMP) ||
	    socket_option(s, SOL_SOCKET, SO_TIMESTAMPNS))
		room += CMSG_SPACE(sizeof(struct timespec));
	return room;
}

struct look socket_look(struct socket_reader *r, const struct iovec *iov, size_t count, int flags,
			struct socket_message *take)
{
	_Alignas(struct cmsghdr) char control[RIGHTS_ROOM];
	struct look look = { .size = -1 };
	struct msghdr message = {
		.msg_iov = (struct iovec *)iov, .msg_iovlen = count,
		.msg_name = look.from.bytes, .msg_namelen = sizeof look.from.bytes,
		.msg_control = control,
		.msg_controllen = take ? sizeof control : control_room(r->socket),
	};

	do
		look.size = recvmsg(r->fd, &message,
				    MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC | flags);
	while (look.size < 0 && errno == EINTR);
	if (look.size < 0)
		return look;
	look.rights = r->socket->family == AF_UNIX && message.msg_flags & MSG_CTRUNC;
	look.from.size = message.msg_namelen <= sizeof look.from.bytes ? message.msg_namelen : 0;
	/* An unnamed sender has an address of its family alone. */
	if (look.from.size <= sizeof(sa_family_t))
		look.from.size = 0;
	if (take && socket_take_rights(r, &message, take) < 0) {
		look.size = -1;
		errno = ENOMEM;
	}
	return look;
}

static struct look look_at(struct socket_reader *r, void *bytes, size_t size, int flags,
			   struct socket_message *take)
{
	struct iovec iov = { bytes, size };

	return socket_look(r, &iov, 1, flags, take);
}

int socket_add_message(struct socket_reader *r, const struct socket_message *new)
{
	struct socket *s = r->socket;
	struct socket_message *m = arena_grow(&r->p->arena, s->messages, s->message_count,
					      &s->message_capacity, sizeof *m);

	if (!m)
		return no_memory(r->err);
	s->messages = m;
	m[s->message_count++] = *new;
	return 0;
}

/* ---- Messages -------------------------------------------------------------------------------- */

/* The next message from SO_PEEK_OFF on: 1, 0 when there is none, -1 with the error. */
static int read_message(struct socket_reader *r, size_t *at)
{
	bool local = r->socket->family == AF_UNIX;
	struct socket_message m = { 0 };
	/* The kernel counts a message without bytes as seen when it is peeked at. */
	struct look look = look_at(r, NULL, 0, MSG_TRUNC, local ? &m : NULL);
	int offset = (int)*at;

	if (look.size < 0)
		return local && errno == ENOMEM ? no_memory(r->err) : 0;
	if (look.size > MESSAGE_MAX - (ssize_t)*at)
		return 0;
	m.size = (size_t)look.size;
	m.from = look.from;
	if (!m.size)
		return socket_add_message(r, &m) < 0 ? -1 : 1;
	uint8_t *bytes = arena_alloc(&r->p->arena, m.size);

	if (!bytes)
		return no_memory(r->err);
	/* udpv6_recvmsg() moves on by the whole message even when nothing was copied. */
	if (setsockopt(r->fd, SOL_SOCKET, SO_PEEK_OFF, &offset, sizeof offset) < 0)
		return 0;
	struct look full = look_at(r, bytes, m.size, 0, NULL);

	if (full.size != look.size) {
		socket_let_rights_go(&m);
		return 0;
	}
	m.bytes = bytes;
	m.from = full.from;
	*at += m.size;
	return socket_add_message(r, &m) < 0 ? -1 : 1;
}

/* A seqpacket socket whose peer has ended shows messages without bytes for ever. */
static bool is_at_end(const struct socket_reader *r, size_t at)
{
	int waiting;

	return r->socket->type == SOCK_SEQPACKET && ioctl(r->fd, SIOCINQ, &waiting) == 0 &&
	       at >= (size_t)waiting;
}

static int read_from_offset(struct socket_reader *r)
{
	size_t at = 0;
	int more = 1;

	while (more > 0 && r->socket->message_count < MESSAGES_MAX && !is_at_end(r, at))
		more = read_message(r, &at);
	return more < 0 ? -1 : 0;
}

/* What stands by while SO_PEEK_OFF is set: puts OLD back when the pipe ends without a byte. */
__attribute__((noreturn)) static void stand_by(int fd, int pipe_end, int old)
{
	char byte;
	ssize_t n;

	do
		n = read(pipe_end, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n == 0 && setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &old, sizeof old) < 0)
		_exit(1);
	_exit(0);
}

struct standby {
	pid_t pid;
	int end;
};

/* Not for a process that looks at itself: it is about to die anyway. */
static int standby_begin(struct standby *s, const struct socket_reader *r, int old)
{
	int ends[2];

	*s = (struct standby){ .end = -1 };
	if (!r->pid)
		return 0;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	s->pid = fork();
	if (s->pid == 0) {
		close(ends[1]);
		stand_by(r->fd, ends[0], old);
	}
	close(ends[0]);
	s->end = ends[1];
	if (s->pid > 0)
		return 0;
	close(s->end);
	return -1;
}

static void standby_end(struct standby *s)
{
	int saved = errno;

	if (s->pid <= 0)
		return;
	if (write(s->end, "", 1) == 1)
		while (waitpid(s->pid, NULL, 0) < 0 && errno == EINTR)
			;
	close(s->end);
	errno = saved;
}

/* Calls READ, which looks from SO_PEEK_OFF on, and puts that right again. */
static int with_offset(struct socket_reader *r, int (*read_it)(struct socket_reader *r))
{
	int old = -1, zero = 0, result;
	socklen_t size = sizeof old;
	struct standby standby;

	if (getsockopt(r->fd, SOL_SOCKET, SO_PEEK_OFF, &old, &size) < 0 ||
	    standby_begin(&standby, r, old) < 0) {
		r->socket->flags |= SOCKET_LOST_DATA;
		return 0;
	}
	if (setsockopt(r->fd, SOL_SOCKET, SO_PEEK_OFF, &zero, sizeof zero) == 0) {
		result = read_it(r);
		if (setsockopt(r->fd, SOL_SOCKET, SO_PEEK_OFF, &old, sizeof old) < 0)
			r->socket->flags |= SOCKET_LOST_DATA;
	} else {
		r->socket->flags |= SOCKET_LOST_DATA;
		result = 0;
	}
	standby_end(&standby);
	return result;
}

/* ---- Streams --------------------------------------------------------------------------------- */

static int read_pieces(struct socket_reader *r)
{
	int waiting = 0;

	if (ioctl(r->fd, SIOCINQ, &waiting) < 0 || waiting <= 0)
		return 0;
	return socket_read_pieces(r, (size_t)waiting);
}

static int read_stream(struct socket_reader *r)
{
	struct socket_message m = { 0 };
	int waiting = 0;

	if (ioctl(r->fd, SIOCINQ, &waiting) < 0 || waiting <= 0)
		return 0;
	uint8_t *bytes = arena_alloc(&r->p->arena, (size_t)waiting);

	if (!bytes)
		return no_memory(r->err);
	struct look look = look_at(r, bytes, (size_t)waiting, 0, NULL);

	/* Descriptors, and credentials of another sender, end what one look shows. */
	if (r->socket->family == AF_UNIX && (look.rights || look.size < waiting))
		return with_offset(r, read_pieces);
	if (look.size < waiting)
		r->socket->flags |= SOCKET_LOST_DATA;
	m.size = look.size > 0 ? (size_t)look.size : 0;
	m.bytes = bytes;
	return m.size ? socket_add_message(r, &m) : 0;
}

/* ---- All ------------------------------------------------------------------------------------- */

/* Sets SOCKET_LOST_DATA when messages wait that are of no use in another process. */
static void note_waiting(struct socket_reader *r)
{
	if (look_at(r, NULL, 0, MSG_TRUNC, NULL).size >= 0)
		r->socket->flags |= SOCKET_LOST_DATA;
}

int socket_read_messages(struct socket_reader *r)
{
	struct pollfd poller = { .fd = r->fd, .events = POLLIN };

	if (poll(&poller, 1, 0) < 1)
		return 0;
	/* A look would take the error away (sock_error() in __skb_try_recv_datagram()). */
	if (poller.revents & POLLERR) {
		if (poller.revents & POLLIN)
			r->socket->flags |= SOCKET_LOST_DATA;
		return 0;
	}
	if (!(poller.revents & POLLIN))
		return 0;
	switch (r->socket->type) {
	case SOCK_STREAM:
		return read_stream(r);
	case SOCK_DGRAM:
	case SOCK_SEQPACKET:
		if (r->socket->family == AF_UNIX || r->socket->family == AF_INET ||
		    r->socket->family == AF_INET6)
			return is_at_end(r, 0) ? 0 : with_offset(r, read_from_offset);
		break;
	}
	note_waiting(r);
	return 0;
}
