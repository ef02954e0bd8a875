/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the model holds of a socket: made up, and compared. */
#ifndef TESTS_UNIT_RANDOM_SOCKETS_H
#define TESTS_UNIT_RANDOM_SOCKETS_H

#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "process/process.h"
#include "process/socket.h"
#include "tests/unit/random_numbers.h"

static inline void random_bytes(uint8_t *bytes, size_t size, unsigned first)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(first + below(256 - first));
}

static inline struct socket_address random_unix_address(void)
{
	struct socket_address a = { 0 };
	struct sockaddr_un *un = (struct sockaddr_un *)a.bytes;
	bool abstract = below(2);
	size_t size = abstract ? below(107) : 1 + below(108);

	un->sun_family = AF_UNIX;
	random_bytes(a.bytes + 2 + abstract, size, abstract ? 0 : 1);
	if (!abstract && size == 1 && below(2))
		un->sun_path[0] = below(2) ? '-' : '@';
	a.size = offsetof(struct sockaddr_un, sun_path) + 1 + size;
	return a;
}

static inline struct socket_address random_address(int family)
{
	struct socket_address a = { 0 };
	struct sockaddr_in *in = (struct sockaddr_in *)a.bytes;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)a.bytes;

	if (!below(4))
		return a;
	switch (family) {
	case AF_UNIX:
		return random_unix_address();
	case AF_INET:
		a.size = sizeof *in;
		in->sin_port = (in_port_t)number();
		in->sin_addr.s_addr = (in_addr_t)sized_number();
		break;
	case AF_INET6:
		a.size = sizeof *in6;
		in6->sin6_port = (in_port_t)number();
		random_bytes(in6->sin6_addr.s6_addr, 16, 0);
		in6->sin6_scope_id = below(2) ? (uint32_t)number() : 0;
		break;
	default:
		a.size = 3 + below(100);
		random_bytes(a.bytes, a.size, 0);
	}
	in->sin_family = (sa_family_t)family;
	return a;
}

static inline void random_option(struct process *q, struct socket *s)
{
	struct socket_option *o;
	size_t each, kind = below(socket_option_kind_count);
	const struct socket_option_kind *k = &socket_option_kinds[kind];

	s->options =
		arena_grow(&q->arena, s->options, s->option_count, &s->option_capacity, sizeof *o);
	o = &s->options[s->option_count++];
	memset(o, 0, sizeof *o);
	o->kind = kind;
	each = k->form == OPTION_TEXT ? 1 : k->form == OPTION_LONGS ? 8 : 4;
	o->size =
		(uint8_t)(each * (k->form == OPTION_TEXT ? below(16) : 1 + below(k->size / each)));
	random_bytes(o->value, o->size, k->form == OPTION_TEXT);
}

static inline void random_message(struct process *q, struct socket *s)
{
	struct socket_message *m;
	size_t size = s->type == SOCK_STREAM ? 1 + below(300) : below(300);
	uint8_t *bytes = arena_alloc(&q->arena, size);

	s->messages = arena_grow(&q->arena, s->messages, s->message_count, &s->message_capacity,
				 sizeof *m);
	m = &s->messages[s->message_count++];
	*m = (struct socket_message){ .size = size, .bytes = bytes };
	random_bytes(bytes, size, 0);
	if (s->type != SOCK_STREAM)
		m->from = random_address(s->family);
}

static inline void random_tcp(struct process *q, struct socket *s)
{
	size_t size = below(300);
	uint8_t *bytes = arena_alloc(&q->arena, size + 1);
	struct socket_tcp *t = arena_alloc(&q->arena, sizeof *t);

	random_bytes(bytes, size, 0);
	s->protocol = IPPROTO_TCP;
	s->tcp = t;
	*t = (struct socket_tcp){
		.sent = (uint32_t)number(),
		.received = (uint32_t)number(),
		.unsent = (uint32_t)below((unsigned)size + 1),
		.size = size,
		.bytes = bytes,
		.mss = (uint16_t)number(),
		.options = (uint8_t)below(8),
		.send_buffer = (uint32_t)number() & INT32_MAX,
		.receive_buffer = (uint32_t)number() & INT32_MAX,
	};
	if (t->options & TCP_HAS_TIMESTAMPS)
		t->timestamp = (uint32_t)number();
	if (t->options & TCP_HAS_SCALES) {
		t->send_scale = (uint8_t)below(15);
		t->receive_scale = (uint8_t)below(15);
	}
	for (size_t i = 0; i < 5; i++)
		t->window[i] = (uint32_t)number();
}

static inline struct socket *random_socket(struct process *q)
{
	static const int families[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET };
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_RAW };
	struct socket *s = arena_alloc(&q->arena, sizeof *s);

	s->family = families[below(5)];
	s->type = types[below(4)];
	s->protocol = (int)(sized_number() & INT32_MAX);
	s->state = (enum socket_state)below(4);
	s->flags = (uint32_t)below(1 << SOCKET_FLAG_WORDS);
	if (s->state == SOCKET_LISTENING) {
		s->backlog = (uint32_t)sized_number();
		s->waiting = (uint32_t)sized_number();
	}
	s->local = random_address(s->family);
	s->peer = random_address(s->family);
	s->peer_id = below(2) ? sized_number() : 0;
	for (size_t n = below(4); n; n--)
		random_option(q, s);
	for (size_t n = below(s->type == SOCK_STREAM && s->family != AF_UNIX ? 2 : 4); n; n--)
		random_message(q, s);
	if ((s->family == AF_INET || s->family == AF_INET6) && s->type == SOCK_STREAM &&
	    s->state == SOCKET_CONNECTED && s->local.size && s->peer.size && below(2))
		random_tcp(q, s);
	return s;
}

/*
 * Descriptors that come with messages, once the model Q has all of them.  Of a stream two pieces
 * that none comes with would be one.
 */
static inline void random_rights(struct process *q, struct socket *s)
{
	for (size_t i = 0; s->family == AF_UNIX && i < s->message_count; i++) {
		bool needed = s->type == SOCK_STREAM && i && !s->messages[i - 1].right_count;
		size_t count = below(3) || needed ? 1 + below(4) : 0;
		int *rights = arena_alloc(&q->arena, 4 * sizeof *rights);

		for (size_t k = 0; k < count; k++)
			rights[k] = q->descriptors[below((unsigned)q->descriptor_count)].fd;
		s->messages[i].right_count = count;
		s->messages[i].rights = rights;
	}
}

static inline bool same_address(const struct socket_address *a, const struct socket_address *b)
{
	return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

static inline bool same_tcp(const struct socket_tcp *a, const struct socket_tcp *b)
{
	if (!a || !b)
		return a == b;
	return a->sent == b->sent && a->received == b->received && a->unsent == b->unsent &&
	       a->size == b->size && (!a->size || memcmp(a->bytes, b->bytes, a->size) == 0) &&
	       a->mss == b->mss && a->options == b->options && a->send_scale == b->send_scale &&
	       a->receive_scale == b->receive_scale && a->timestamp == b->timestamp &&
	       memcmp(a->window, b->window, sizeof a->window) == 0 &&
	       a->send_buffer == b->send_buffer && a->receive_buffer == b->receive_buffer;
}

static inline bool same_socket(const struct socket *a, const struct socket *b)
{
	if (!a || !b)
		return a == b;
	if (a->family != b->family || a->type != b->type || a->protocol != b->protocol ||
	    a->state != b->state || a->flags != b->flags || a->backlog != b->backlog ||
	    a->waiting != b->waiting || !same_address(&a->local, &b->local) ||
	    !same_address(&a->peer, &b->peer) || a->peer_id != b->peer_id ||
	    !same_tcp(a->tcp, b->tcp) || a->option_count != b->option_count ||
	    a->message_count != b->message_count)
		return false;
	for (size_t i = 0; i < a->option_count; i++)
		if (a->options[i].kind != b->options[i].kind ||
		    a->options[i].size != b->options[i].size ||
		    memcmp(a->options[i].value, b->options[i].value, SOCKET_OPTION_SIZE) != 0)
			return false;
	for (size_t i = 0; i < a->message_count; i++) {
		const struct socket_message *x = &a->messages[i], *y = &b->messages[i];

		if (x->size != y->size || (x->size && memcmp(x->bytes, y->bytes, x->size) != 0) ||
		    !same_address(&x->from, &y->from) || x->right_count != y->right_count ||
		    (x->right_count &&
		     memcmp(x->rights, y->rights, x->right_count * sizeof *x->rights) != 0))
			return false;
	}
	return true;
}

#endif
