/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Room for what waited in sockets: see sockets.h.
 *
 * What waits in an AF_UNIX socket counts for the sender, and what waits in a TCP socket for both
 * ends; either may have had larger buffers, which the kernel grows as a TCP connection goes on.  So
 * the two get as large ones as they may have, and their own again when all is sent.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "restart/launch.h"
#include "restart/sockets.h"
#include "util/cleanup.h"

enum { SO_BUFFER_LOCK = 72, SNDBUF_LOCKED = 1, RCVBUF_LOCKED = 2 };  /* SO_BUF_LOCK */

enum {
	SMALL = 32 << 10,         /* fits into any new socket */
	MESSAGE_OVERHEAD = 2048,  /* of each that is kept for itself, at most */
	PATIENCE = 2,             /* seconds, until bytes have come over the loopback */
};

static uint64_t room_for(const struct socket *s)
{
	uint64_t room = 0;

	for (size_t i = 0; i < s->message_count; i++)
		room += s->messages[i].size + MESSAGE_OVERHEAD;
	return room;
}

bool socket_needs_room(const struct socket *s)
{
	return room_for(s) > SMALL;
}

static int wanted(const struct socket *s)
{
	uint64_t room = 2 * room_for(s);

	return room > INT_MAX / 2 ? INT_MAX / 2 : (int)room;
}

static bool is_tcp(const struct socket *s)
{
	return s->family != AF_UNIX && s->type == SOCK_STREAM;
}

/* ---- The plan -------------------------------------------------------------------------------- */

static void plan_raise(struct plan *plan, int fd, const struct socket *s, int name, int forced)
{
	plan_socket_number(plan, fd, SOL_SOCKET, name, wanted(s));
	plan_note(plan, "room for what waited");
	plan_socket_number(plan, fd, SOL_SOCKET, forced, wanted(s));
}

void plan_room(struct plan *plan, int sender, int receiver, const struct socket *s)
{
	const struct timeval patience = { .tv_sec = PATIENCE };

	if (!socket_needs_room(s))
		return;
	plan_raise(plan, sender, s, SO_SNDBUF, SO_SNDBUFFORCE);
	if (!is_tcp(s))
		return;
	plan_raise(plan, receiver, s, SO_RCVBUF, SO_RCVBUFFORCE);
	plan_syscall(plan, 0, SYS_setsockopt, sender, SOL_SOCKET, SO_SNDTIMEO,
		     plan_data(plan, &patience, sizeof patience), sizeof patience);
}

/* As a new one has it. */
static int default_size(const struct socket *s, int name)
{
	cleanup_fd int fd = socket(s->family, s->type | SOCK_CLOEXEC, s->protocol);
	socklen_t size = sizeof(int);
	int value = 0;

	return fd >= 0 && getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : 0;
}

static void plan_size_back(struct plan *plan, int fd, const struct socket *s, int name)
{
	int value = socket_option_number(s, SOL_SOCKET, name, default_size(s, name));

	plan_socket_number(plan, fd, SOL_SOCKET, name, value / 2);  /* the kernel doubles it */
	plan_socket_number(plan, fd, SOL_SOCKET,
			   name == SO_SNDBUF ? SO_SNDBUFFORCE : SO_RCVBUFFORCE, value / 2);
}

/* Whose size the program has set keeps it; the kernel adapts that of the others. */
static int locks_of(const struct socket *s)
{
	return (socket_option(s, SOL_SOCKET, SO_SNDBUF) ? SNDBUF_LOCKED : 0) |
	       (socket_option(s, SOL_SOCKET, SO_RCVBUF) ? RCVBUF_LOCKED : 0);
}

void plan_room_back(struct plan *plan, int sender, const struct socket *sends, int receiver,
		    const struct socket *s)
{
	const struct socket_option *timeout = sends ? socket_option(sends, SOL_SOCKET, SO_SNDTIMEO)
						    : NULL;
	const struct timeval forever = { 0 };

	if (!socket_needs_room(s))
		return;
	if (sends) {
		plan_size_back(plan, sender, sends, SO_SNDBUF);
		plan_socket_number(plan, sender, SOL_SOCKET, SO_BUFFER_LOCK, locks_of(sends));
	}
	if (!is_tcp(s))
		return;
	plan_size_back(plan, receiver, s, SO_RCVBUF);
	plan_socket_number(plan, receiver, SOL_SOCKET, SO_BUFFER_LOCK, locks_of(s));
	if (sends)
		plan_syscall(plan, 0, SYS_setsockopt, sender, SOL_SOCKET, SO_SNDTIMEO,
			     plan_data(plan, timeout ? (const void *)timeout->value : &forever,
				       sizeof forever), sizeof forever);
}

/* ---- Whether there is enough ----------------------------------------------------------------- */

static void raise_here(int fd, int name, int forced, int size)
{
	(void)!setsockopt(fd, SOL_SOCKET, name, &size, sizeof size);
	(void)!setsockopt(fd, SOL_SOCKET, forced, &size, sizeof size);
}

/* A receiver that has a name, and a sender that is not connected. */
static bool make_named(const struct socket *s, int fds[2], struct sockaddr_un *to, socklen_t *size)
{
	*to = (struct sockaddr_un){ .sun_family = AF_UNIX };
	*size = sizeof *to;
	for (int i = 0; i < 2; i++)
		fds[i] = socket(AF_UNIX, s->type | SOCK_CLOEXEC, 0);
	/* The kernel chooses an abstract name (unix_autobind()). */
	return fds[0] >= 0 && fds[1] >= 0 &&
	       bind(fds[1], (struct sockaddr *)to, sizeof(sa_family_t)) == 0 &&
	       getsockname(fds[1], (struct sockaddr *)to, size) == 0;
}

static bool make_tcp(const struct socket *s, int fds[2])
{
	struct sockaddr_in in = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	cleanup_fd int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const struct linger reset = { .l_onoff = 1 };
	socklen_t size = sizeof in;
	int received = socket_option_number(s, SOL_SOCKET, SO_RCVBUF, 0) / 2;

	fds[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || fds[1] < 0)
		return false;
	if (received)
		raise_here(fds[1], SO_RCVBUF, SO_RCVBUFFORCE, received);
	if (bind(listener, (struct sockaddr *)&in, sizeof in) < 0 || listen(listener, 1) < 0 ||
	    getsockname(listener, (struct sockaddr *)&in, &size) < 0 ||
	    connect(fds[1], (struct sockaddr *)&in, size) < 0)
		return false;
	fds[0] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	(void)!setsockopt(fds[1], SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
	raise_here(fds[1], SO_RCVBUF, SO_RCVBUFFORCE, wanted(s));
	return fds[0] >= 0;
}

static bool send_all(int fd, const struct socket *s, const struct sockaddr_un *to, socklen_t size)
{
	const struct timeval patience = { .tv_sec = PATIENCE };

	raise_here(fd, SO_SNDBUF, SO_SNDBUFFORCE, wanted(s));
	(void)!setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	for (size_t i = 0; i < s->message_count; i++)
		if (sendto(fd, s->messages[i].bytes, s->messages[i].size,
			   MSG_NOSIGNAL | (is_tcp(s) ? 0 : MSG_DONTWAIT),
			   (const struct sockaddr *)to, size) != (ssize_t)s->messages[i].size)
			return false;
	return true;
}

/* The same as the plan does, with sockets that nobody else sees. */
static bool fits(const struct socket *s, enum socket_way way)
{
	struct sockaddr_un to;
	socklen_t size = 0;
	int fds[2] = { -1, -1 };
	bool named = way == WAY_ALONE, made, all;

	if (is_tcp(s))
		made = make_tcp(s, fds);
	else if (named)
		made = make_named(s, fds, &to, &size);
	else
		made = socketpair(AF_UNIX, s->type | SOCK_CLOEXEC, 0, fds) == 0;
	/* Without sockets of our own to try it with, the plan will tell. */
	all = !made || send_all(fds[0], s, named ? &to : NULL, size);
	for (int i = 0; i < 2; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	return all;
}

void check_room(const struct restore *r, struct findings *f, const struct descriptor *d)
{
	const struct socket *s = socket_of(r, d->description);
	enum socket_way way = r->sockets[d->description].way;
	struct text_place at = place_of(r, d);
	uint64_t waiting = 0;

	if (!socket_needs_room(s) || (s->family != AF_UNIX && way != WAY_CLOSED &&
				      way != WAY_TCP_PAIR) || fits(s, way))
		return;
	for (size_t i = 0; i < s->message_count; i++)
		waiting += s->messages[i].size;
	findings_add(f, OBSTACLE, "%sdescriptor %d: the %llu bytes that wait in the socket do not "
		     "fit into the buffers that it can have here (be root, raise "
		     "/proc/sys/net/core/%s, or edit its lines)", at.text, d->fd,
		     (unsigned long long)waiting,
		     is_tcp(s) ? "wmem_max and rmem_max" : "wmem_max");
}
