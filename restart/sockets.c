/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which sockets belong together, and how each comes back. */
#define _GNU_SOURCE
#include "restart/sockets.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- Deciding -------------------------------------------------------------------------------- */

static bool is_standard(const struct restore *r, size_t description)
{
	return first_descriptor(r, description)->fd <= 2;
}

/* Whether such a socket can be made here at all. */
static bool can_make(const struct socket *s)
{
	int fd = socket(s->family, s->type | SOCK_CLOEXEC, s->protocol);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void make_two(struct restore *r, enum socket_way way, size_t leader, size_t other)
{
	r->sockets[leader].way = r->sockets[other].way = way;
	r->sockets[leader].leads = true;
	r->sockets[leader].peer = other;
	r->sockets[other].peer = leader;
}

static void close_it(struct socket_case *c, bool lost, bool refused)
{
	c->way = WAY_CLOSED;
	c->lost = lost;
	c->refused = refused;
}

/* The end that was accepted has the name of the socket that accepted it. */
static void decide_unix_pair(struct restore *r, size_t a, size_t b)
{
	const struct socket *x = socket_of(r, a), *y = socket_of(r, b);
	size_t accepts =
		x->type == SOCK_DGRAM ? NO_DESCRIPTION : socket_bound_to(r, &y->local, y->type);
	size_t other =
		x->type == SOCK_DGRAM ? NO_DESCRIPTION : socket_bound_to(r, &x->local, x->type);

	if (accepts != NO_DESCRIPTION && socket_of(r, accepts)->state == SOCKET_LISTENING) {
		make_two(r, WAY_ACCEPTED, a, b);
		r->sockets[a].listener = accepts;
	} else if (other != NO_DESCRIPTION && socket_of(r, other)->state == SOCKET_LISTENING) {
		make_two(r, WAY_ACCEPTED, b, a);
		r->sockets[b].listener = other;
	} else {
		make_two(r, WAY_PAIR, a, b);
	}
}

static void decide_unix(struct restore *r, size_t i)
{
	struct socket_case *c = &r->sockets[i];
	const struct socket *s = socket_of(r, i);
	size_t peer = s->peer_id ? socket_of_id(r, s->peer_id) : NO_DESCRIPTION;
	bool mutual = peer != NO_DESCRIPTION && peer != i &&
		      socket_of(r, peer)->family == AF_UNIX &&
		      socket_of(r, peer)->type == s->type &&
		      socket_of(r, peer)->peer_id == r->process->descriptions[i].pipe_id;

	if (mutual)
		decide_unix_pair(r, i, peer);
	else if (is_standard(r, i))
		return;
	else if (s->state != SOCKET_CONNECTED)
		c->way = WAY_ALONE;
	else if (s->type == SOCK_DGRAM && s->peer.size)
		c->way = WAY_ALONE;
	else if (s->type == SOCK_DGRAM && !s->peer_id)
		close_it(c, false, false);
	else if (!s->peer_id && !(s->flags & SOCKET_HAS_SENT) &&
		 socket_listener(r, &s->peer, s->type) != NO_DESCRIPTION)
		c->way = WAY_ALONE;  /* not yet accepted */
	else
		close_it(c, true, true);
}

static void decide_tcp(struct restore *r, size_t i)
{
	struct socket_case *c = &r->sockets[i];
	const struct socket *s = socket_of(r, i);
	size_t peer = socket_other_end(r, s);
	bool connected = s->state == SOCKET_CONNECTED, live = s->tcp && r->options->tcp_established;

	if (connected && peer != NO_DESCRIPTION && peer != i &&
	    socket_of(r, peer)->state == SOCKET_CONNECTED) {
		/* The one that is not the port's owner connects. */
		if (socket_listener(r, &s->local, s->type) != NO_DESCRIPTION)
			make_two(r, WAY_TCP_PAIR, peer, i);
		else
			make_two(r, WAY_TCP_PAIR, i, peer);
	} else if (live) {
		c->way = WAY_TCP_LIVE;
	} else if (is_standard(r, i)) {
		return;
	} else if (!connected) {
		c->way = WAY_ALONE;
	} else if (!(s->flags & (SOCKET_HAS_SENT | SOCKET_PEER_DONE)) &&
		   socket_listener(r, &s->peer, s->type) != NO_DESCRIPTION) {
		c->way = WAY_ALONE;  /* not yet accepted */
	} else {
		close_it(c, true, false);
	}
}

static void decide(struct restore *r, size_t i)
{
	struct socket_case *c = &r->sockets[i];
	const struct socket *s = socket_of(r, i);

	if (c->way != WAY_NONE)
		return;  /* with its peer */
	if (!can_make(s))
		return;
	if (s->state == SOCKET_CLOSED) {
		if (!is_standard(r, i))
			close_it(c, false, false);
	} else if (s->family == AF_UNIX) {
		decide_unix(r, i);
	} else if (s->type == SOCK_STREAM && s->protocol == IPPROTO_TCP) {
		decide_tcp(r, i);
	} else if (!is_standard(r, i) && s->type != SOCK_STREAM && s->type != SOCK_SEQPACKET) {
		c->way = WAY_ALONE;
	}
}

/* ---- All of them ----------------------------------------------------------------------------- */

bool is_restored_socket(const struct restore *r, size_t description)
{
	return r->sockets && r->sockets[description].way != WAY_NONE;
}

int index_sockets(struct restore *r, struct error *err)
{
	const struct process *p = r->process;

	r->sockets = calloc(p->description_count + 1, sizeof *r->sockets);
	if (!r->sockets)
		return error_set(err, ENOMEM, "not enough memory");
	for (size_t i = 0; i < p->description_count; i++)
		r->sockets[i].peer = r->sockets[i].listener = NO_DESCRIPTION;
	if (socket_index_make(r, err) < 0)
		return -1;
	for (size_t i = 0; i < p->descriptor_count; i++) {
		size_t description = p->descriptors[i].description;

		if (p->descriptions[description].kind == FILE_SOCKET && socket_of(r, description))
			decide(r, description);
	}
	for (size_t i = 0; i < p->description_count; i++)
		if (r->sockets[i].way == WAY_CLOSED && socket_has_rights(socket_of(r, i)))
			r->sockets[i].held_peer = r->held_peers++;
	probe_tcp_pairs(r);
	return 0;
}

void free_sockets(struct restore *r)
{
	free(r->sockets);
	socket_index_free(r);
}
