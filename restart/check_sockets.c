/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What stands in the way of the sockets, and what of them is lost. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "restart/sockets.h"
#include "util/cleanup.h"

/* The socket that is being checked. */
struct subject {
	const struct restore *r;
	struct findings *f;
	const struct descriptor *d;
	const struct socket *s;
	const struct socket_case *c;
	struct text_place at;
};

/* ---- Addresses for people -------------------------------------------------------------------- */

struct socket_address_text socket_address_text(const struct socket_address *a)
{
	const struct sockaddr_un *un = (const struct sockaddr_un *)a->bytes;
	const struct sockaddr_in *in = (const struct sockaddr_in *)a->bytes;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)a->bytes;
	int size = (int)(a->size - offsetof(struct sockaddr_un, sun_path));
	struct socket_address_text t = { "an unnamed socket" };
	char host[INET6_ADDRSTRLEN] = "";

	if (!a->size)
		return t;
	if (un->sun_family == AF_UNIX && un->sun_path[0])
		snprintf(t.text, sizeof t.text, "%.*s", size, un->sun_path);
	else if (un->sun_family == AF_UNIX)
		snprintf(t.text, sizeof t.text, "@%.*s", size - 1, un->sun_path + 1);
	else if (un->sun_family == AF_INET && inet_ntop(AF_INET, &in->sin_addr, host, sizeof host))
		snprintf(t.text, sizeof t.text, "%s:%u", host, ntohs(in->sin_port));
	else if (un->sun_family == AF_INET6 &&
		 inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host))
		snprintf(t.text, sizeof t.text, "[%s]:%u", host, ntohs(in6->sin6_port));
	else
		snprintf(t.text, sizeof t.text, "its address");
	for (char *c = t.text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	return t;
}

/* ---- The local address ----------------------------------------------------------------------- */

static void check_name(const struct subject *x)
{
	struct socket_path p = socket_path(x->r, &x->s->local);
	enum severity severity = x->c->way == WAY_ALONE ? OBSTACLE : LOSS;
	const char *end = x->c->way == WAY_ALONE ? "" : "; it goes on without that name";

	switch (p.state) {
	case PATH_LIVE:
		findings_add(x->f, severity, "%sdescriptor %d was bound to %s, which is another "
			     "process's now (end that)%s", x->at.text, x->d->fd,
			     socket_address_text(&x->s->local).text, end);
		break;
	case PATH_BLOCKED:
		findings_add(x->f, severity, "%sdescriptor %d was bound to %s, which is no socket "
			     "now (move it away)%s", x->at.text, x->d->fd,
			     socket_address_text(&x->s->local).text, end);
		break;
	case PATH_UNABLE:
		findings_add(x->f, severity, "%sdescriptor %d was bound to %s, which cannot be "
			     "made: %s (make its directory)%s", x->at.text, x->d->fd,
			     socket_address_text(&x->s->local).text, strerror(p.error), end);
		break;
	case PATH_NONE:
	case PATH_FREE:
	case PATH_STALE:
		break;
	}
}

static int probe_socket(const struct socket *s)
{
	return socket(s->family, s->type | SOCK_CLOEXEC, s->protocol);
}

static void set(int fd, const struct socket_option *o)
{
	const struct socket_option_kind *k = &socket_option_kinds[o->kind];
	int size;

	if (k->level != SOL_SOCKET || (k->name != SO_SNDBUF && k->name != SO_RCVBUF)) {
		(void)!setsockopt(fd, k->level, k->name, o->value, o->size);
		return;
	}
	memcpy(&size, o->value, sizeof size);
	size /= 2;
	if (setsockopt(fd, SOL_SOCKET, k->name == SO_SNDBUF ? SO_SNDBUFFORCE : SO_RCVBUFFORCE,
		       &size, sizeof size) < 0)
		(void)!setsockopt(fd, SOL_SOCKET, k->name, &size, sizeof size);
}

/* The same as the plan does, and undone at once. */
static void check_bind(const struct subject *x)
{
	const struct socket *s = x->s;
	const struct sockaddr_un *un = (const struct sockaddr_un *)s->local.bytes;
	bool needless = s->state == SOCKET_CONNECTED && s->family != AF_UNIX;
	cleanup_fd int fd = probe_socket(s);
	int one = 1;

	if (!s->local.size || s->family == AF_NETLINK || (s->family == AF_UNIX && un->sun_path[0]))
		return;
	for (size_t i = 0; i < s->option_count; i++)
		if (socket_option_kinds[s->options[i].kind].when == OPTION_EARLY)
			set(fd, &s->options[i]);
	if (s->protocol == IPPROTO_TCP && s->family != AF_UNIX &&
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0)
		return;
	if (fd < 0 || bind(fd, (const struct sockaddr *)s->local.bytes,
			   (socklen_t)socket_address_length(&s->local)) == 0)
		return;
	if (needless)
		findings_add(x->f, LOSS,
			     "%sdescriptor %d was bound to %s and gets another address: %s",
			     x->at.text, x->d->fd, socket_address_text(&s->local).text,
			     strerror(errno));
	else
		findings_add(x->f, OBSTACLE, "%sdescriptor %d was bound to %s: %s (%s)", x->at.text,
			     x->d->fd, socket_address_text(&s->local).text, strerror(errno),
			     errno == EADDRINUSE ? "end the process that has it, or wait a minute "
						   "if one has just ended" :
			     errno == EACCES ? "it takes CAP_NET_BIND_SERVICE" :
			     "edit its socket line");
}

/* ---- Options, contents, peers ---------------------------------------------------------------- */

static bool is_as_before(int fd, const struct socket_option *o)
{
	const struct socket_option_kind *k = &socket_option_kinds[o->kind];
	uint8_t now[SOCKET_OPTION_SIZE] = { 0 };
	socklen_t size = sizeof now;

	return getsockopt(fd, k->level, k->name, now, &size) == 0 &&
	       memcmp(now, o->value, o->size) == 0;
}

/* Set on a socket of the same kind, an option must read as it did. */
static void check_options(const struct subject *x)
{
	cleanup_fd int fd = x->s->option_count ? probe_socket(x->s) : -1;

	for (size_t i = 0; fd >= 0 && i < x->s->option_count; i++) {
		const struct socket_option *o = &x->s->options[i];

		set(fd, o);
		if (!is_as_before(fd, o))
			findings_add(x->f, LOSS,
				     "%soption %s of descriptor %d cannot be set here as it was",
				     x->at.text, socket_option_kinds[o->kind].word, x->d->fd);
	}
}

static void check_contents(const struct subject *x)
{
	if (x->s->flags & SOCKET_LOST_DATA && x->s->family == AF_NETLINK)
		findings_add(x->f, LOSS,
			     "%smessages that waited in descriptor %d, of netlink, are lost",
			     x->at.text, x->d->fd);
	else if (x->s->flags & SOCKET_LOST_DATA)
		findings_add_loss(x->f, "%sbytes that were on their way in the socket of "
				  "descriptor %d could not be saved and would be lost", x->at.text,
				  x->d->fd);
	if (x->s->flags & SOCKET_LOST_RIGHTS)
		findings_add_loss(x->f, "%sdescriptors that were on their way to descriptor %d "
				  "would be lost", x->at.text, x->d->fd);
}

/* Datagrams from other processes are sent again from their addresses, if those can be had. */
static void check_datagrams(const struct subject *x)
{
	size_t lost = 0;

	if (x->c->way != WAY_ALONE || x->s->type != SOCK_DGRAM || x->s->family == AF_UNIX)
		return;
	for (size_t i = 0; i < x->s->message_count; i++) {
		const struct socket_address *from = &x->s->messages[i].from;
		cleanup_fd int fd = probe_socket(x->s);

		if (!from->size || socket_bound_to(x->r, from, SOCK_DGRAM) != NO_DESCRIPTION)
			continue;
		lost += bind(fd, (const struct sockaddr *)from->bytes, (socklen_t)from->size) < 0;
	}
	if (lost)
		findings_add(x->f, LOSS, "%sdatagrams that waited in descriptor %d may be lost: "
			     "they came from addresses that are not to be had here (%zu of them)",
			     x->at.text,
			     x->d->fd, lost);
}

/* Clients that are in the process connect again. */
static void check_waiting(const struct subject *x)
{
	size_t inside = 0;

	if (!x->s->waiting)
		return;
	for (size_t k = 0; k < x->r->sockets_by_id.count; k++) {
		size_t i = x->r->sockets_by_id.descriptions[k];
		const struct socket *s = socket_of(x->r, i);

		inside += x->r->sockets[i].way == WAY_ALONE && s->state == SOCKET_CONNECTED &&
			  socket_listener(x->r, &s->peer, s->type) == x->d->description;
	}
	if (inside < x->s->waiting)
		findings_add(x->f, LOSS, "%sconnections that waited to be accepted by descriptor "
			     "%d are closed (%zu of them)", x->at.text, x->d->fd,
			     x->s->waiting - inside);
}

/* A name that is gone makes sends fail, which a program must expect of datagrams. */
static void check_peer(const struct subject *x)
{
	struct socket_path p = socket_path(x->r, &x->s->peer);
	bool ours = socket_bound_to(x->r, &x->s->peer, x->s->type) != NO_DESCRIPTION;

	if (x->c->way == WAY_ALONE && x->s->state == SOCKET_CONNECTED && !ours &&
	    x->s->family == AF_UNIX && (p.state == PATH_FREE || p.state == PATH_STALE))
		findings_add(x->f, LOSS, "%sdescriptor %d was connected to %s, which nobody has "
			     "now: it comes back without a peer", x->at.text, x->d->fd,
			     socket_address_text(&x->s->peer).text);
}

static void check_tcp_pair(const struct subject *x)
{
	if (x->c->new_server || x->c->new_client)
		findings_add(x->f, LOSS,
			     "%sthe TCP connection of descriptor %d from %s to %s gets "
			     "other ports: those are in use (wait a minute after the process has "
			     "ended)",
			     x->at.text, x->d->fd, socket_address_text(&x->s->local).text,
			     socket_address_text(&x->s->peer).text);
}

static void check_tcp_live(const struct subject *x)
{
	static const char else_closed[] =
		"or restart without --tcp-established, and it is one whose peer "
		"is gone";
	struct socket_address_text local = socket_address_text(&x->s->local),
				   peer = socket_address_text(&x->s->peer);

	switch (tcp_live_obstacle(x->s)) {
	case TCP_NO_OBSTACLE:
		break;
	case TCP_NO_PRIVILEGE:
		findings_add(x->f, OBSTACLE,
			     "%sdescriptor %d is a TCP connection to %s, which takes "
			     "CAP_NET_ADMIN to carry on (be root, %s)",
			     x->at.text, x->d->fd, peer.text, else_closed);
		break;
	case TCP_NO_ADDRESS:
		findings_add(x->f, OBSTACLE,
			     "%sdescriptor %d is a TCP connection from %s, which is no "
			     "address of this machine (give it to it with ip address add, %s)",
			     x->at.text, x->d->fd, local.text, else_closed);
		break;
	case TCP_TAKEN:
		findings_add(x->f, OBSTACLE,
			     "%sdescriptor %d is a TCP connection from %s to %s, and there is "
			     "one here already (end the process that has it, %s)",
			     x->at.text, x->d->fd, local.text, peer.text, else_closed);
		break;
	case TCP_UNABLE:
		findings_add(x->f, OBSTACLE,
			     "%sdescriptor %d is a TCP connection to %s, which cannot be "
			     "carried on here: %s (%s)",
			     x->at.text, x->d->fd, peer.text, strerror(errno), else_closed + 3);
		break;
	}
}

void check_socket(const struct restore *r, struct findings *f, const struct descriptor *d)
{
	struct subject x = {
		.r = r, .f = f, .d = d, .s = socket_of(r, d->description),
		.c = &r->sockets[d->description], .at = place_of(r, d),
	};

	if (x.c->way == WAY_CLOSED) {
		if (x.c->refused)
			findings_add_loss(f, "%sdescriptor %d was a socket and would be one whose "
					  "peer is gone", x.at.text, d->fd);
		else if (x.c->lost)
			findings_add(f, LOSS, "%sdescriptor %d was a TCP connection to %s and is "
				     "one whose peer is gone now", x.at.text, d->fd,
				     socket_address_text(&x.s->peer).text);
		if (x.c->lost)
			return;
	}
	check_contents(&x);
	check_options(&x);
	check_room(r, f, d);
	if (x.c->way == WAY_TCP_LIVE) {
		check_tcp_live(&x);
		return;
	}
	if (x.c->way == WAY_CLOSED || x.c->way == WAY_ACCEPTED || x.c->way == WAY_TCP_PAIR) {
		check_tcp_pair(&x);
		return;
	}
	check_name(&x);
	if (x.c->way == WAY_ALONE) {
		check_bind(&x);
		check_datagrams(&x);
		check_waiting(&x);
		check_peer(&x);
	}
}
