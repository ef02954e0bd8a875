/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Making the sockets: see the stages in sockets.h. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "restart/launch.h"
#include "restart/sockets.h"

static bool is_tcp(const struct socket *s)
{
	return s->family != AF_UNIX && s->type == SOCK_STREAM && s->protocol == IPPROTO_TCP;
}

/* ---- 1: what stands for itself --------------------------------------------------------------- */

static void plan_bind(const struct restore *r, struct plan *plan, int fd, const struct socket *s,
		      unsigned flags)
{
	struct socket_path path = socket_path(r, &s->local);
	unsigned mode = path.state == PATH_STALE ? path.mode : 0777u & ~r->process->umask;
	addr_t name = 0;

	if (!s->local.size)
		return;
	if (path.state != PATH_NONE)
		name = plan_string(plan, path.path);
	if (path.state == PATH_STALE) {
		plan_syscall(plan, flags, SYS_unlink, name);
		plan_note(plan, "a socket that nobody has any more");
	}
	plan_syscall(plan, flags, SYS_bind, fd, plan_socket_address(plan, &s->local),
		     socket_address_length(&s->local));
	plan_note(plan, "descriptor %d", fd);
	if (path.state == PATH_STALE || (path.state == PATH_FREE && r->process->have & HAVE_UMASK))
		plan_syscall(plan, OP_MAY_FAIL, SYS_chmod, name, mode);
}

/*
 * The multicast groups of netlink are part of its
 * address; its port is the kernel's choice if taken.
 */
static void plan_bind_netlink(struct plan *plan, int fd, const struct socket *s)
{
	struct socket_address any = s->local;

	if (!s->local.size)
		return;
	plan_syscall(plan, OP_MAY_FAIL, SYS_bind, fd, plan_socket_address(plan, &s->local),
		     s->local.size);
	memset(any.bytes + 4, 0, 4);  /* nl_pid */
	plan_syscall(plan, OP_MAY_FAIL, SYS_bind, fd, plan_socket_address(plan, &any), any.size);
	plan_note(plan, "if that was not possible");
}

static void plan_alone(const struct restore *r, struct plan *plan, const struct descriptor *d,
		       const struct socket *s)
{
	bool connects = s->state == SOCKET_CONNECTED;

	plan_syscall(plan, OP_KEEP, SYS_socket, s->family, s->type, s->protocol);
	plan_note(plan, "descriptor %d", d->fd);
	plan_move_fd(plan, d);
	/* What accepted connections inherit must wait until they are accepted. */
	if (!(s->family == AF_UNIX && s->state == SOCKET_LISTENING))
		plan_socket_options(plan, d->fd, s, OPTION_EARLY);
	if (is_tcp(s) && s->local.size)
		plan_socket_number(plan, d->fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (s->family == AF_NETLINK)
		plan_bind_netlink(plan, d->fd, s);
	else
		plan_bind(r, plan, d->fd, s, connects && s->family != AF_UNIX ? OP_MAY_FAIL : 0);
	if (s->state == SOCKET_LISTENING)
		plan_syscall(plan, 0, SYS_listen, d->fd,
			     s->backlog > INT_MAX ? INT_MAX : s->backlog);
}

/* ---- 2: connections -------------------------------------------------------------------------- */

/* The kernel's two numbers may be those that the two must get: one waits at a number above all. */
static void plan_two(const struct restore *r, struct plan *plan, int type)
{
	addr_t slot = pair_slot(plan);

	plan_syscall(plan, 0, SYS_socketpair, AF_UNIX, type | SOCK_CLOEXEC, 0, slot);
	plan_add(plan, OP_LOAD, OP_KEEP)->args[0] = slot + sizeof(int);
	plan_syscall(plan, OP_ARG0_IS_RESULT, SYS_dup3, 0, r->fd_base + LENT_SPARE, O_CLOEXEC);
	plan_syscall(plan, OP_ARG0_IS_RESULT, SYS_close, 0);
	plan_add(plan, OP_LOAD, OP_KEEP)->args[0] = slot;
}

static int held_peer(const struct restore *r, size_t i)
{
	return lent_end(r) - r->held_peers + r->sockets[i].held_peer;
}

/* A name that is another's now is lost: check_sockets.c has said so. */
static void plan_name(const struct restore *r, struct plan *plan, int fd, const struct socket *s)
{
	enum path_state state = socket_path(r, &s->local).state;

	if (state == PATH_NONE || state == PATH_FREE || state == PATH_STALE)
		plan_bind(r, plan, fd, s, OP_MAY_FAIL);
}

static void plan_pair(const struct restore *r, struct plan *plan, size_t leader)
{
	size_t other = r->sockets[leader].peer;
	const struct descriptor *a = first_descriptor(r, leader), *b = first_descriptor(r, other);

	plan_two(r, plan, socket_of(r, leader)->type);
	plan_move_fd(plan, a);
	plan_note(plan, "descriptors %d and %d", a->fd, b->fd);
	plan_syscall(plan, OP_EXPECT, SYS_dup3, r->fd_base + LENT_SPARE, b->fd,
		     b->close_on_exec ? O_CLOEXEC : 0)->expect = (uint64_t)b->fd;
	plan_syscall(plan, 0, SYS_close, r->fd_base + LENT_SPARE);
	plan_name(r, plan, a->fd, socket_of(r, leader));
	plan_name(r, plan, b->fd, socket_of(r, other));
	plan_socket_options(plan, a->fd, socket_of(r, leader), OPTION_EARLY);
	plan_socket_options(plan, b->fd, socket_of(r, other), OPTION_EARLY);
}

static void plan_accepted(const struct restore *r, struct plan *plan, size_t leader)
{
	size_t other = r->sockets[leader].peer, accepts = r->sockets[leader].listener;
	const struct descriptor *a = first_descriptor(r, leader), *b = first_descriptor(r, other);
	const struct socket *s = socket_of(r, leader);
	const struct socket_address *to = &socket_of(r, accepts)->local;

	plan_syscall(plan, OP_KEEP, SYS_socket, AF_UNIX, s->type, 0);
	plan_note(plan, "descriptors %d and %d", a->fd, b->fd);
	plan_move_fd(plan, a);
	plan_name(r, plan, a->fd, s);
	plan_syscall(plan, 0, SYS_connect, a->fd, plan_socket_address(plan, to),
		     socket_address_length(to));
	plan_syscall(plan, OP_KEEP, SYS_accept4, first_descriptor(r, accepts)->fd, 0, 0, 0);
	plan_move_fd(plan, b);
	plan_socket_options(plan, a->fd, s, OPTION_EARLY);
	plan_socket_options(plan, b->fd, socket_of(r, other), OPTION_EARLY);
}

/* What is left to read is sent by its peer, which then ends: at once, or by plan_contents(). */
static void plan_closed(const struct restore *r, struct plan *plan, size_t i)
{
	const struct descriptor *d = first_descriptor(r, i);
	const struct socket *s = socket_of(r, i);

	if (s->family != AF_UNIX) {
		plan_tcp_closed(r, plan, i);
		return;
	}
	plan_two(r, plan, s->type);
	plan_move_fd(plan, d);
	plan_note(plan, "descriptor %d%s", d->fd, r->sockets[i].lost ? ", lost" : "");
	if (socket_has_rights(s)) {
		plan_syscall(plan, 0, SYS_dup3, r->fd_base + LENT_SPARE, held_peer(r, i),
			     O_CLOEXEC);
	} else {
		plan_room(plan, r->fd_base + LENT_SPARE, -1, s);
		plan_socket_messages(plan, r->fd_base + LENT_SPARE, s);
	}
	plan_syscall(plan, 0, SYS_close, r->fd_base + LENT_SPARE);
	plan_socket_options(plan, d->fd, s, OPTION_EARLY);
}

static void plan_connection(const struct restore *r, struct plan *plan, size_t i)
{
	if (r->sockets[i].way == WAY_CLOSED)
		plan_closed(r, plan, i);
	else if (r->sockets[i].way == WAY_TCP_LIVE)
		plan_tcp_live(r, plan, i);
	else if (!r->sockets[i].leads)
		return;
	else if (r->sockets[i].way == WAY_PAIR)
		plan_pair(r, plan, i);
	else if (r->sockets[i].way == WAY_ACCEPTED)
		plan_accepted(r, plan, i);
	else if (r->sockets[i].way == WAY_TCP_PAIR)
		plan_tcp_pair(r, plan, i);
}

/* ---- 3 to 5: contents, and what would have been in the way ----------------------------------- */

static void plan_contents(const struct restore *r, struct plan *plan, size_t i)
{
	const struct socket *s = socket_of(r, i);

	size_t peer = r->sockets[i].peer;

	if (peer != NO_DESCRIPTION) {
		int fd = first_descriptor(r, i)->fd, from = first_descriptor(r, peer)->fd;

		plan_room(plan, from, fd, s);
		plan_socket_messages(plan, from, s);
		plan_room_back(plan, from, socket_of(r, peer), fd, s);
	} else if (r->sockets[i].way == WAY_CLOSED && socket_has_rights(s)) {
		plan_room(plan, held_peer(r, i), -1, s);
		plan_socket_messages(plan, held_peer(r, i), s);
		plan_syscall(plan, 0, SYS_close, held_peer(r, i));
	}
	if (r->sockets[i].way == WAY_ALONE && s->type == SOCK_DGRAM)
		plan_socket_datagrams(r, plan, s);
}

/* A connection to a socket that may be gone is no condition: the program sees it when it sends. */
static void plan_connect(const struct restore *r, struct plan *plan, size_t i)
{
	const struct socket *s = socket_of(r, i);

	if (r->sockets[i].way == WAY_ALONE && s->state == SOCKET_CONNECTED)
		plan_syscall(plan, s->type == SOCK_STREAM ? 0 : OP_MAY_FAIL, SYS_connect,
			     first_descriptor(r, i)->fd, plan_socket_address(plan, &s->peer),
			     socket_address_length(&s->peer));
}

static void plan_shutdown(const struct restore *r, struct plan *plan, size_t i)
{
	const struct socket *s = socket_of(r, i);
	bool reads = s->flags & SOCKET_SHUT_READ, writes = s->flags & SOCKET_SHUT_WRITE;

	if ((reads || writes) && s->state != SOCKET_CLOSED && r->sockets[i].way != WAY_TCP_LIVE)
		plan_syscall(plan, OP_MAY_FAIL, SYS_shutdown, first_descriptor(r, i)->fd,
			     reads && writes ? SHUT_RDWR : reads ? SHUT_RD : SHUT_WR);
}

static void plan_late(const struct restore *r, struct plan *plan, size_t i)
{
	const struct descriptor *d = first_descriptor(r, i);
	const struct socket *s = socket_of(r, i);

	if (s->family == AF_UNIX && s->state == SOCKET_LISTENING)
		plan_socket_options(plan, d->fd, s, OPTION_EARLY);
	if (r->sockets[i].way == WAY_TCP_LIVE) {
		plan_status_flags(plan, d, description_of(r->process, d));
		return;
	}
	if (is_tcp(s) && !socket_option_number(s, SOL_SOCKET, SO_REUSEADDR, 0) &&
	    (s->local.size || s->state == SOCKET_CONNECTED))
		plan_socket_number(plan, d->fd, SOL_SOCKET, SO_REUSEADDR, 0);
	plan_socket_options(plan, d->fd, s, OPTION_LATE);
	plan_status_flags(plan, d, description_of(r->process, d));
}

/* ---- All of them ----------------------------------------------------------------------------- */

static void plan_alone_if(const struct restore *r, struct plan *plan, size_t i)
{
	if (r->sockets[i].way == WAY_ALONE)
		plan_alone(r, plan, first_descriptor(r, i), socket_of(r, i));
}

/* TCP connections come before the sockets that listen at their ports. */
static void plan_unix_alone(const struct restore *r, struct plan *plan, size_t i)
{
	if (socket_of(r, i)->family == AF_UNIX)
		plan_alone_if(r, plan, i);
}

static void plan_others_alone(const struct restore *r, struct plan *plan, size_t i)
{
	if (socket_of(r, i)->family != AF_UNIX)
		plan_alone_if(r, plan, i);
}

static bool any_relative(const struct restore *r)
{
	for (size_t k = 0; k < r->sockets_by_id.count; k++) {
		const struct socket *s = socket_of(r, r->sockets_by_id.descriptions[k]);

		if (socket_path_is_relative(&s->local) || socket_path_is_relative(&s->peer))
			return true;
	}
	return false;
}

typedef void stage(const struct restore *r, struct plan *plan, size_t description);

static void plan_stages(const struct restore *r, struct plan *plan, stage *const *stages,
			size_t count)
{
	bool relative = any_relative(r) && r->process->have & HAVE_CWD;
	char here[PATH_MAX];

	/* A path is bound as it was, from the directory where that was. */
	if (relative)
		plan_syscall(plan, 0, SYS_chdir, plan_string(plan, r->process->cwd));
	for (size_t at = 0; at < count; at++)
		for (size_t k = 0; k < r->sockets_by_id.count; k++) {
			size_t i = r->sockets_by_id.descriptions[k];

			if (is_restored_socket(r, i))
				stages[at](r, plan, i);
		}
	if (relative && getcwd(here, sizeof here))
		plan_syscall(plan, 0, SYS_chdir, plan_string(plan, here));
}

void plan_sockets(const struct restore *r, struct plan *plan)
{
	static stage *const stages[] = { plan_unix_alone, plan_connection, plan_others_alone };

	plan_stages(r, plan, stages, sizeof stages / sizeof stages[0]);
}

void plan_sockets_rest(const struct restore *r, struct plan *plan)
{
	static stage *const stages[] = { plan_contents, plan_connect, plan_shutdown, plan_late };

	plan_stages(r, plan, stages, sizeof stages / sizeof stages[0]);
}
