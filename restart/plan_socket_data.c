/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Options of sockets, and sending again what waited in them. */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "restart/launch.h"
#include "restart/sockets.h"

/* ---- Options --------------------------------------------------------------------------------- */

void plan_socket_number(struct plan *plan, int fd, int level, int name, int value)
{
	plan_syscall(plan, OP_MAY_FAIL, SYS_setsockopt, fd, level, name,
		     plan_data(plan, &value, sizeof value), sizeof value);
}

/* The kernel doubles the size that it is given (sock_setsockopt()), and shows it so. */
static void plan_buffer_size(struct plan *plan, int fd, int name, const struct socket_option *o)
{
	int size;

	memcpy(&size, o->value, sizeof size);
	plan_socket_number(plan, fd, SOL_SOCKET, name, size / 2);
	plan_note(plan, "descriptor %d", fd);
	/* Beyond the limit with the privilege only. */
	plan_socket_number(plan, fd, SOL_SOCKET,
			   name == SO_SNDBUF ? SO_SNDBUFFORCE : SO_RCVBUFFORCE, size / 2);
}

/* What cannot be set here was found out and said before: check_sockets.c. */
void plan_socket_options(struct plan *plan, int fd, const struct socket *s,
			 enum socket_option_when when)
{
	for (size_t i = 0; i < s->option_count; i++) {
		const struct socket_option *o = &s->options[i];
		const struct socket_option_kind *k = &socket_option_kinds[o->kind];

		if (k->when != when)
			continue;
		if (k->level == SOL_SOCKET && (k->name == SO_SNDBUF || k->name == SO_RCVBUF)) {
			plan_buffer_size(plan, fd, k->name, o);
			continue;
		}
		plan_syscall(plan, OP_MAY_FAIL, SYS_setsockopt, fd, k->level, k->name,
			     plan_data(plan, o->value, o->size), o->size);
		plan_note(plan, "%s of descriptor %d", k->word, fd);
	}
}

/* ---- Addresses ------------------------------------------------------------------------------- */

addr_t plan_socket_address(struct plan *plan, const struct socket_address *a)
{
	return plan_data(plan, a->bytes, a->size);
}

/* The kernel shows one byte more of the longest paths than it takes. */
uint64_t socket_address_length(const struct socket_address *a)
{
	return ((const struct sockaddr *)a->bytes)->sa_family == AF_UNIX &&
	       a->size > sizeof(struct sockaddr_un) ? sizeof(struct sockaddr_un) : a->size;
}

/* ---- What waited ----------------------------------------------------------------------------- */

/*
 * Over the loopback bytes may take a moment; plan_room() sets how long, where there are many.  In
 * all other sockets what does not fit never will.
 */
static int send_flags(const struct socket *s)
{
	bool waits = s->family != AF_UNIX && s->type == SOCK_STREAM && socket_needs_room(s);

	return MSG_NOSIGNAL | (waits ? 0 : MSG_DONTWAIT);
}

bool socket_has_rights(const struct socket *s)
{
	for (size_t i = 0; i < s->message_count; i++)
		if (s->messages[i].right_count)
			return true;
	return false;
}

/* The struct cmsghdr of the descriptors that come with M; its size is CMSG_SPACE() of them. */
static addr_t plan_rights(struct plan *plan, const struct socket_message *m)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(SOCKET_RIGHTS_MAX * sizeof(int))] = { 0 };
	struct cmsghdr *header = (struct cmsghdr *)control;

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(m->right_count * sizeof(int));
	memcpy(CMSG_DATA(header), m->rights, m->right_count * sizeof(int));
	return plan_data(plan, control, CMSG_SPACE(m->right_count * sizeof(int)));
}

/* Sends M by FD: to the address TO, or where that is none to whatever FD is connected to. */
static struct plan_op *plan_send(struct plan *plan, unsigned flags, int fd, const struct socket *s,
				 const struct socket_message *m, const struct socket_address *to)
{
	addr_t bytes = plan_data(plan, m->bytes ? (const void *)m->bytes : "", m->size);
	addr_t name = to ? plan_socket_address(plan, to) : 0;
	uint64_t length = to ? socket_address_length(to) : 0;

	if (!m->right_count)
		return plan_syscall(plan, flags, SYS_sendto, fd, bytes, m->size, send_flags(s),
				    name, length);
	struct iovec iov = { (void *)bytes, m->size };
	struct msghdr message = {
		.msg_name = (void *)name, .msg_namelen = (socklen_t)length,
		.msg_iov = (void *)plan_data(plan, &iov, sizeof iov), .msg_iovlen = 1,
		.msg_control = (void *)plan_rights(plan, m),
		.msg_controllen = CMSG_SPACE(m->right_count * sizeof(int)),
	};
	struct plan_op *op = plan_syscall(plan, flags, SYS_sendmsg, fd,
					  plan_data(plan, &message, sizeof message),
					  send_flags(s));

	plan_note(plan, "%zu descriptors on their way", m->right_count);
	return op;
}

void plan_socket_messages(struct plan *plan, int fd, const struct socket *s)
{
	for (size_t i = 0; i < s->message_count; i++)
		plan_send(plan, OP_EXPECT, fd, s, &s->messages[i], NULL)->expect =
			s->messages[i].size;
}

/* The descriptor that has the address A and may send from it, or -1. */
static int sender(const struct restore *r, const struct socket *s, const struct socket_address *a)
{
	size_t found = socket_bound_to(r, a, s->type);
	struct socket_address any = { .size = a->size };

	if (found == NO_DESCRIPTION && s->family == AF_INET) {
		struct sockaddr_in *in = (struct sockaddr_in *)any.bytes;

		in->sin_family = AF_INET;
		in->sin_port = ((const struct sockaddr_in *)a->bytes)->sin_port;
		found = socket_bound_to(r, &any, s->type);
	} else if (found == NO_DESCRIPTION && s->family == AF_INET6) {
		struct sockaddr_in6 *in = (struct sockaddr_in6 *)any.bytes;

		in->sin6_family = AF_INET6;
		in->sin6_port = ((const struct sockaddr_in6 *)a->bytes)->sin6_port;
		found = socket_bound_to(r, &any, s->type);
	}
	if (found == NO_DESCRIPTION || r->sockets[found].way != WAY_ALONE)
		return -1;
	return first_descriptor(r, found)->fd;
}

/* Where a socket that is bound to the wildcard address is reached. */
static struct socket_address reachable(const struct socket_address *a)
{
	struct socket_address to = *a;
	struct sockaddr_in *in = (struct sockaddr_in *)to.bytes;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)to.bytes;

	if (in->sin_family == AF_INET && in->sin_addr.s_addr == htonl(INADDR_ANY))
		in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else if (in->sin_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr))
		in6->sin6_addr = in6addr_loopback;
	return to;
}

/* Datagrams may be lost on their way, and these are when their address is not to be had. */
static void plan_datagram(const struct restore *r, struct plan *plan, const struct socket *s,
			  const struct socket_message *m)
{
	struct socket_address to = reachable(&s->local);
	int fd = m->from.size ? sender(r, s, &m->from) : -1;
	bool strange = fd < 0;
	const struct descriptor *d = strange ? NULL : process_descriptor(r->process, fd);

	if (strange) {
		fd = r->fd_base + LENT_SPARE;
		plan_syscall(plan, OP_KEEP, SYS_socket, s->family, s->type | SOCK_CLOEXEC,
			     s->protocol);
		plan_move_to(plan, fd);
		if (m->from.size && s->family != AF_UNIX)
			plan_syscall(plan, OP_MAY_FAIL, SYS_bind, fd,
				     plan_socket_address(plan, &m->from), m->from.size);
	}
	if (s->family == AF_UNIX)
		plan_room(plan, fd, -1, s);
	plan_send(plan, s->family == AF_UNIX ? 0 : OP_MAY_FAIL, fd, s, m, &to);
	if (s->family == AF_UNIX && !strange)
		plan_room_back(plan, fd, socket_of(r, d->description), -1, s);
	if (strange)
		plan_syscall(plan, 0, SYS_close, fd);
}

void plan_socket_datagrams(const struct restore *r, struct plan *plan, const struct socket *s)
{
	for (size_t i = 0; s->local.size && i < s->message_count; i++)
		plan_datagram(r, plan, s, &s->messages[i]);
}
