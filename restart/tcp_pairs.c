/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * TCP connections: those of the process with itself are made anew, with the old addresses when they
 * can be had; those with others come back as connections whose peer is gone.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "restart/launch.h"
#include "restart/sockets.h"
#include "util/cleanup.h"

enum { LOCAL_PORT_RANGE = 51 };  /* IP_LOCAL_PORT_RANGE (include/uapi/linux/in.h) */

/* IPv6 sockets take IPv4 addresses too, but not the other way round. */
static struct socket_address without_port(const struct socket_address *a)
{
	struct socket_address copy = *a;

	((struct sockaddr_in *)copy.bytes)->sin_port = 0;  /* the same place in sockaddr_in6 */
	return copy;
}

static uint16_t port_of(const struct socket_address *a)
{
	return ntohs(((const struct sockaddr_in *)a->bytes)->sin_port);
}

/* A range of one port: the lowest in the lower half, the highest in the upper one. */
static int range_of(const struct socket_address *a)
{
	return (int)((uint32_t)port_of(a) << 16 | port_of(a));
}

static struct socket_address loopback(int family)
{
	struct socket_address a = { .size = sizeof(struct sockaddr_in) };
	struct sockaddr_in *in = (struct sockaddr_in *)a.bytes;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)a.bytes;

	if (family == AF_INET) {
		in->sin_family = AF_INET;
		in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	} else {
		/*
		 * As an IPv4 address, because IPv6 may be switched off where sockets of it are not.
		 */
		a.size = sizeof *in6;
		in6->sin6_family = AF_INET6;
		in6->sin6_addr.s6_addr[10] = in6->sin6_addr.s6_addr[11] = 0xff;
		in6->sin6_addr.s6_addr[12] = 127;
		in6->sin6_addr.s6_addr[15] = 1;
	}
	return a;
}

/* ---- Can the old addresses be had? ----------------------------------------------------------- */

static int tcp_socket(int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP), one = 1;

	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0)
		close(steal_fd(&fd));
	return fd;
}

static int bind_to(int fd, const struct socket_address *a)
{
	return bind(fd, (const struct sockaddr *)a->bytes, (socklen_t)a->size);
}

static int bind_range(int fd, const struct socket_address *a)
{
	struct socket_address address = without_port(a);
	int one = 1, range = range_of(a);

	if (setsockopt(fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one) < 0 ||
	    setsockopt(fd, SOL_IP, LOCAL_PORT_RANGE, &range, sizeof range) < 0)
		return -1;
	return bind_to(fd, &address);
}

/* Leaves no connection behind that would keep its ports from being used. */
static void reset_connection(int fd)
{
	const struct linger reset = { .l_onoff = 1 };

	if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) < 0)
		return;  /* then it ends in good order */
}

static bool can_connect(const struct socket *client,
			int (*take)(int, const struct socket_address *), int listener)
{
	cleanup_fd int fd = tcp_socket(client->family);
	cleanup_fd int other = -1;

	if (fd < 0 || take(fd, &client->local) < 0 ||
	    connect(fd, (const struct sockaddr *)client->peer.bytes, (socklen_t)client->peer.size) <
		    0)
		return false;
	other = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	reset_connection(fd);
	return other >= 0;
}

/* Whether the client's address was had in one of the two ways. */
static bool probe_client(struct socket_case *c, const struct socket *client, int listener)
{
	c->by_range = false;
	if (can_connect(client, bind_to, listener))
		return true;
	c->by_range = can_connect(client, bind_range, listener);
	return c->by_range;
}

/*
 * A connection that has just ended keeps its addresses for a minute, but over the loopback they may
 * be used again after a second (tcp_twsk_unique()).
 */
static void probe(struct restore *r, size_t leader, int *patience)
{
	struct socket_case *c = &r->sockets[leader];
	const struct socket *client = socket_of(r, leader), *server = socket_of(r, c->peer);
	const struct timespec pause = { .tv_nsec = 50000000 };
	cleanup_fd int listener = tcp_socket(server->family);

	if (listener < 0 || bind_to(listener, &server->local) < 0 || listen(listener, 1) < 0) {
		c->new_server = c->new_client = true;
		return;
	}
	while (!probe_client(c, client, listener)) {
		if (--*patience < 0) {
			c->new_client = true;
			return;
		}
		nanosleep(&pause, NULL);
	}
}

void probe_tcp_pairs(struct restore *r)
{
	int patience = 24;  /* pauses, of all pairs together */

	for (size_t k = 0; k < r->sockets_by_ends.count; k++) {
		size_t i = r->sockets_by_ends.descriptions[k];

		if (r->sockets[i].way == WAY_TCP_PAIR && r->sockets[i].leads)
			probe(r, i, &patience);
	}
}

/* ---- The plan -------------------------------------------------------------------------------- */

static void plan_listener(const struct restore *r, struct plan *plan, int family,
			  const struct socket_address *a)
{
	int fd = r->fd_base + LENT_SPARE;

	plan_syscall(plan, OP_KEEP, SYS_socket, family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
	plan_note(plan, "to make a connection by");
	plan_move_to(plan, fd);
	plan_socket_number(plan, fd, SOL_SOCKET, SO_REUSEADDR, 1);
	plan_syscall(plan, 0, SYS_bind, fd, plan_socket_address(plan, a), a->size);
	plan_syscall(plan, 0, SYS_listen, fd, 1);
}

/* Has FD connect to the listening socket, whose address is known to the kernel only. */
static void plan_connect_to_any(const struct restore *r, struct plan *plan, int fd,
				const struct socket_address *a)
{
	uint32_t size = (uint32_t)a->size;
	addr_t name = plan_data(plan, a->bytes, a->size),
	       length = plan_data(plan, &size, sizeof size);

	plan_syscall(plan, 0, SYS_getsockname, r->fd_base + LENT_SPARE, name, length);
	plan_syscall(plan, 0, SYS_connect, fd, name, a->size);
}

static void plan_client_address(struct plan *plan, int fd, const struct socket_case *c,
				const struct socket *client)
{
	struct socket_address address = without_port(&client->local);

	if (c->new_client)
		return;
	if (!c->by_range) {
		plan_syscall(plan, 0, SYS_bind, fd, plan_socket_address(plan, &client->local),
			     client->local.size);
		return;
	}
	plan_socket_number(plan, fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	plan_socket_number(plan, fd, SOL_IP, LOCAL_PORT_RANGE, range_of(&client->local));
	plan_syscall(plan, 0, SYS_bind, fd, plan_socket_address(plan, &address), address.size);
}

static void plan_accept(const struct restore *r, struct plan *plan)
{
	plan_syscall(plan, OP_KEEP, SYS_accept4, r->fd_base + LENT_SPARE, 0, 0, SOCK_CLOEXEC);
}

void plan_tcp_pair(const struct restore *r, struct plan *plan, size_t leader)
{
	const struct socket_case *c = &r->sockets[leader];
	const struct socket *client = socket_of(r, leader), *server = socket_of(r, c->peer);
	const struct descriptor *a = first_descriptor(r, leader), *b = first_descriptor(r, c->peer);
	struct socket_address any = loopback(server->family);

	plan_listener(r, plan, server->family, c->new_server ? &any : &server->local);
	plan_syscall(plan, OP_KEEP, SYS_socket, client->family, SOCK_STREAM, IPPROTO_TCP);
	plan_note(plan, "descriptors %d and %d", a->fd, b->fd);
	plan_move_fd(plan, a);
	plan_socket_options(plan, a->fd, client, OPTION_EARLY);
	plan_socket_number(plan, a->fd, SOL_SOCKET, SO_REUSEADDR, 1);
	plan_client_address(plan, a->fd, c, client);
	if (c->new_server)
		plan_connect_to_any(r, plan, a->fd, &any);
	else
		plan_syscall(plan, 0, SYS_connect, a->fd, plan_socket_address(plan, &client->peer),
			     client->peer.size);
	plan_accept(r, plan);
	plan_move_fd(plan, b);
	plan_socket_options(plan, b->fd, server, OPTION_EARLY);
	plan_socket_number(plan, b->fd, SOL_SOCKET, SO_REUSEADDR, 1);
	plan_syscall(plan, 0, SYS_close, r->fd_base + LENT_SPARE);
	if (c->by_range) {
		plan_socket_number(plan, a->fd, SOL_IP, LOCAL_PORT_RANGE, 0);
		plan_socket_number(plan, a->fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, 0);
	}
}

/*
 * What is left to read is sent by a peer made for that, which then ends: in good order when the old
 * one had, else by a reset, so that the program cannot take what it has read for all there was.  A
 * reset would take away what is not yet received, so it needs all to fit into the first window.
 */
void plan_tcp_closed(const struct restore *r, struct plan *plan, size_t description)
{
	enum { FIRST_WINDOW = 32768 };
	const struct descriptor *d = first_descriptor(r, description);
	const struct socket *s = socket_of(r, description);
	const struct linger reset = { .l_onoff = 1 };
	struct socket_address any = loopback(s->family);
	int peer = r->fd_base + LENT_SPARE_WRITER;
	size_t waiting = 0;

	for (size_t i = 0; i < s->message_count; i++)
		waiting += s->messages[i].size;
	plan_listener(r, plan, s->family, &any);
	plan_syscall(plan, OP_KEEP, SYS_socket, s->family, SOCK_STREAM, IPPROTO_TCP);
	plan_note(plan, "descriptor %d%s", d->fd, r->sockets[description].lost ? ", lost" : "");
	plan_move_fd(plan, d);
	plan_socket_options(plan, d->fd, s, OPTION_EARLY);
	plan_connect_to_any(r, plan, d->fd, &any);
	plan_accept(r, plan);
	plan_move_to(plan, peer);
	plan_syscall(plan, 0, SYS_close, r->fd_base + LENT_SPARE);
	plan_room(plan, peer, d->fd, s);
	plan_socket_messages(plan, peer, s);
	if (r->sockets[description].lost && !(s->flags & SOCKET_PEER_DONE) &&
	    waiting <= FIRST_WINDOW)
		plan_syscall(plan, 0, SYS_setsockopt, peer, SOL_SOCKET, SO_LINGER,
			     plan_data(plan, &reset, sizeof reset), sizeof reset);
	plan_syscall(plan, 0, SYS_close, peer);
	plan_room_back(plan, -1, NULL, d->fd, s);
	if (!r->sockets[description].lost)
		plan_syscall(plan, OP_MAY_FAIL, SYS_shutdown, d->fd, SHUT_RDWR);
}
