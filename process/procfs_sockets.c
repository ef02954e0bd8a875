/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sockets: their addresses, options, states and peers. */
#define _GNU_SOURCE
#include "process/procfs_sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "process/procfs_files.h"
#include "process/procfs_private.h"
#include "util/cleanup.h"

struct sockets {
	struct process *p;
	struct entries *entries;
	struct socket_diag diag;
	struct socket_defaults defaults;
	struct error *err;
};

/* ---- Addresses ------------------------------------------------------------------------------- */

/* A new socket shows its family alone, or in the internet families and netlink zeros. */
static bool is_empty(const struct socket_address *a)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)a->bytes;
	const struct sockaddr_in *in = (const struct sockaddr_in *)a->bytes;
	const struct sockaddr_nl *nl = (const struct sockaddr_nl *)a->bytes;

	if (a->size <= sizeof(sa_family_t))
		return true;
	switch (((const struct sockaddr *)a->bytes)->sa_family) {
	case AF_INET: return !in->sin_port && !in->sin_addr.s_addr;
	case AF_INET6: return !in6->sin6_port && IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr);
	case AF_NETLINK: return !nl->nl_pid && !nl->nl_groups;
	default: return false;
	}
}

static void read_address(int (*call)(int, struct sockaddr *, socklen_t *), int fd,
			 struct socket_address *a)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)a->bytes;
	struct sockaddr_un *un = (struct sockaddr_un *)a->bytes;
	socklen_t size = sizeof a->bytes;
	bool known = call(fd, (struct sockaddr *)a->bytes, &size) == 0 && size <= sizeof a->bytes;

	a->size = known ? size : 0;
	if (is_empty(a)) {
		memset(a, 0, sizeof *a);
		return;
	}
	if (un->sun_family == AF_INET6)
		in6->sin6_flowinfo = 0;
	/* The kernel counts the NUL behind a path, if there was room for it. */
	if (un->sun_family == AF_UNIX && un->sun_path[0])
		a->size = offsetof(struct sockaddr_un, sun_path) + 1 +
			  strnlen(un->sun_path, a->size - offsetof(struct sockaddr_un, sun_path));
}

static int local_address(int fd, struct sockaddr *address, socklen_t *size)
{
	return getsockname(fd, address, size);
}

static int peer_address(int fd, struct sockaddr *address, socklen_t *size)
{
	return getpeername(fd, address, size);
}

/* ---- States ---------------------------------------------------------------------------------- */

/* Of a stream: it can neither be read nor written any more, as when its peer is closed. */
static bool is_shut(const struct socket_reader *r)
{
	struct pollfd poller = { .fd = r->fd };

	return r->socket->type != SOCK_DGRAM && poll(&poller, 1, 0) == 1 &&
	       poller.revents & POLLHUP;
}

/*
 * False when the socket is connected and sock_diag does not tell to which, as in another network
 * namespace.
 */
static bool read_unix_state(struct sockets *all, struct socket_reader *r, uint64_t inode)
{
	struct socket *s = r->socket;
	struct unix_diag_answer a;
	int unread;
	struct sockaddr_storage peer;
	socklen_t size = sizeof peer;
	bool connected = getpeername(r->fd, (struct sockaddr *)&peer, &size) == 0;

	if (socket_number(r->fd, SOL_SOCKET, SO_ACCEPTCONN, 0))
		s->state = SOCKET_LISTENING;
	else if (connected)
		s->state = SOCKET_CONNECTED;
	if (!socket_diag_unix(&all->diag, inode, &a)) {
		s->backlog = s->state == SOCKET_LISTENING ? SOMAXCONN : 0;
		if (connected && is_shut(r))
			s->state = SOCKET_CLOSED;
		return s->state != SOCKET_CONNECTED;
	}
	s->flags |=
		(a.shutdown & 1 ? SOCKET_SHUT_READ : 0) | (a.shutdown & 2 ? SOCKET_SHUT_WRITE : 0);
	s->peer_id = a.peer;
	if (s->state == SOCKET_LISTENING) {
		s->backlog = a.backlog;
		s->waiting = a.waiting;
	}
	/*
	 * The peer of a stream that has been closed has no inode, and has shut both of our sides.
	 */
	if (s->type != SOCK_DGRAM && !a.peer && a.shutdown == 3 &&
	    (connected || a.connected)) {
		s->state = SOCKET_CLOSED;
		s->flags &= ~(uint32_t)(SOCKET_SHUT_READ | SOCKET_SHUT_WRITE);
	}
	if (s->state == SOCKET_CONNECTED && !a.peer && ioctl(r->fd, SIOCOUTQ, &unread) == 0 &&
	    unread)
		s->flags |= SOCKET_HAS_SENT;
	return true;
}

static bool read_state(struct sockets *all, struct socket_reader *r, uint64_t inode)
{
	struct socket *s = r->socket;

	if (s->family == AF_UNIX)
		return read_unix_state(all, r, inode);
	if (s->protocol == IPPROTO_TCP && s->type == SOCK_STREAM)
		socket_read_tcp_state(r);
	else if (s->peer.size && s->family != AF_NETLINK)
		s->state = SOCKET_CONNECTED;
	return true;
}

/* ---- One socket, all sockets ----------------------------------------------------------------- */

static int read_socket(struct sockets *all, struct description *d, int fd)
{
	struct socket_reader r = {
		.p = all->p, .pid = all->entries->pid, .fd = fd, .err = all->err,
	};
	int family = socket_number(fd, SOL_SOCKET, SO_DOMAIN, -1);

	/* What the text has no word for is a socket of which nothing more is known. */
	if (!socket_family_word(family))
		return 0;
	r.socket = arena_alloc(&all->p->arena, sizeof *r.socket);
	if (!r.socket)
		return no_memory(all->err);
	r.socket->family = family;
	r.socket->type = socket_number(fd, SOL_SOCKET, SO_TYPE, 0);
	r.socket->protocol = socket_number(fd, SOL_SOCKET, SO_PROTOCOL, 0);
	if (!socket_type_word(r.socket->type))
		return 0;
	read_address(local_address, fd, &r.socket->local);
	read_address(peer_address, fd, &r.socket->peer);
	if (socket_read_options(&r, &all->defaults) < 0)
		return -1;
	if (!read_state(all, &r, d->pipe_id))
		return 0;
	d->socket = r.socket;
	return r.socket->state == SOCKET_LISTENING ? 0 : socket_read_messages(&r);
}

/*
 * A stream whose peer is closed and that has nothing left to read: a
 * read ends and a write fails, now and for ever.  Some programs keep
 * one (the JVM does, to stand in for descriptors that it closes).
 */
static bool is_hung_up(const struct socket *s)
{
	return s && s->family == AF_UNIX && s->type == SOCK_STREAM && s->state == SOCKET_CLOSED &&
	       !s->message_count && !(s->flags & SOCKET_LOST_DATA);
}

static size_t count_sockets(const struct entries *entries)
{
	size_t count = 0;

	for (size_t i = 0; i < entries->count; i++)
		count += entries->all[i].description.kind == FILE_SOCKET;
	return count;
}

/* Whether the socket of entry I, which came out of another, is known already. */
static bool is_known(const struct entries *entries, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (entries->all[k].description.kind == FILE_SOCKET &&
		    entries->all[k].description.pipe_id == entries->all[i].description.pipe_id)
			return true;
	return false;
}

static int read_entry(struct sockets *all, size_t i)
{
	struct entry *e = &all->entries->all[i];
	struct description *d = &e->description;
	/* Not permitted, or gone: that it is a socket is all that is known. */
	int result, fd = proc_borrow(e->pid, e->at);

	if (fd < 0)
		return 0;
	result = read_socket(all, d, fd);
	procfs_read_owner(fd, d);
	d->hung_up = is_hung_up(d->socket);
	proc_give_back(e->pid, fd);
	if (result < 0 || !d->socket)
		return result;
	return procfs_add_rights(all->p, all->entries, d->socket, all->err);
}

/* Those that come out of others stand behind them. */
static int read_all(struct sockets *all, const size_t *first)
{
	size_t own = all->entries->count;
	int result = 0;

	for (size_t i = 0; i < all->entries->count && result == 0; i++)
		if (all->entries->all[i].description.kind == FILE_SOCKET &&
		    (i < own ? first[i] == i : !is_known(all->entries, i)))
			result = read_entry(all, i);
	return result;
}

int procfs_read_sockets(struct process *p, struct entries *entries, const size_t *first,
			struct error *err)
{
	struct sockets all = { .p = p, .entries = entries, .err = err };
	size_t count = count_sockets(entries);
	int result;

	if (!count)
		return 0;
	socket_diag_open(&all.diag, &p->arena, count);
	result = read_all(&all, first);
	socket_diag_close(&all.diag);
	return result;
}
