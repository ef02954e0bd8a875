/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * --tcp-established: TCP connections to other processes that live on.  In repair mode (TCP_REPAIR)
 * connect() sends nothing, and the numbers, queues and options of the old connection are given to
 * the socket; when it leaves that mode, a probe of the window tells the peer that we are there.
 *
 * What the peer sends before all is in place must not be answered from half a state: a socket
 * filter drops it, and the peer sends it again.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "restart/launch.h"
#include "restart/sockets.h"
#include "util/cleanup.h"

enum { NO_QUEUE, RECEIVE_QUEUE, SEND_QUEUE };  /* include/uapi/linux/tcp.h */
enum { SO_BUFFER_LOCK = 72, SNDBUF_LOCKED = 1, RCVBUF_LOCKED = 2 };  /* SO_BUF_LOCK */

/* ---- Can it be had? -------------------------------------------------------------------------- */

static int set_number(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof value);
}

static int drop_all(int fd)
{
	struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = { .len = 1, .filter = &nothing };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

/* The same as the plan does; closed in repair mode it is gone without a word to the peer. */
enum tcp_obstacle tcp_live_obstacle(const struct socket *s)
{
	cleanup_fd int fd = socket(s->family, s->type | SOCK_CLOEXEC, s->protocol);

	if (fd < 0)
		return TCP_UNABLE;
	if (s->flags & SOCKET_PEER_DONE && !tcp_fin_possible(s))
		return errno == EPERM ? TCP_NO_PRIVILEGE : TCP_UNABLE;
	if (set_number(fd, IPPROTO_TCP, TCP_REPAIR, TCP_REPAIR_ON) < 0)
		return errno == EPERM ? TCP_NO_PRIVILEGE : TCP_UNABLE;
	if (bind(fd, (const struct sockaddr *)s->local.bytes, (socklen_t)s->local.size) < 0)
		return errno == EADDRNOTAVAIL ? TCP_NO_ADDRESS :
		       errno == EADDRINUSE ? TCP_TAKEN : TCP_UNABLE;
	if (drop_all(fd) < 0)
		return TCP_UNABLE;
	if (connect(fd, (const struct sockaddr *)s->peer.bytes, (socklen_t)s->peer.size) < 0)
		return errno == EADDRNOTAVAIL ? TCP_TAKEN : TCP_UNABLE;
	return TCP_NO_OBSTACLE;
}

/* ---- The plan -------------------------------------------------------------------------------- */

static void plan_number(struct plan *plan, int fd, int level, int name, uint32_t value)
{
	plan_syscall(plan, 0, SYS_setsockopt, fd, level, name,
		     plan_data(plan, &value, sizeof value), sizeof value);
}

static void plan_queue(struct plan *plan, int fd, uint32_t queue)
{
	plan_number(plan, fd, IPPROTO_TCP, TCP_REPAIR_QUEUE, queue);
}

static void plan_filter(struct plan *plan, int fd)
{
	struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = {
		.len = 1,
		.filter = (struct sock_filter *)plan_data(plan, &nothing, sizeof nothing),
	};

	plan_syscall(plan, 0, SYS_setsockopt, fd, SOL_SOCKET, SO_ATTACH_FILTER,
		     plan_data(plan, &program, sizeof program), sizeof program);
	plan_note(plan, "drops all that comes to descriptor %d", fd);
}

/* The kernel doubles it. */
static void plan_buffers(struct plan *plan, int fd, const struct socket_tcp *t, int times)
{
	const uint32_t most = INT32_MAX / 2;
	const uint32_t send = t->send_buffer / 2, receive = t->receive_buffer / 2;

	plan_number(plan, fd, SOL_SOCKET, SO_SNDBUFFORCE, send < most / 2 ? send * times : most);
	plan_number(plan, fd, SOL_SOCKET, SO_RCVBUFFORCE,
		    receive < most / 2 ? receive * times : most);
}

/* In pieces, as the kernel makes one buffer of each in the queue to be read (tcp_send_rcvq()). */
static void plan_bytes(struct plan *plan, int fd, const uint8_t *bytes, size_t size)
{
	enum { PIECE = 16384, FLAGS = MSG_DONTWAIT | MSG_NOSIGNAL };

	for (size_t i = 0; i < size; i += PIECE) {
		size_t len = size - i < PIECE ? size - i : PIECE;

		plan_syscall(plan, OP_EXPECT, SYS_sendto, fd, plan_data(plan, bytes + i, len), len,
			     FLAGS)->expect = len;
	}
}

/* Option codes: include/net/tcp.h (TCPOPT_*), RFC 9293 and RFC 7323. */
static void plan_agreed(struct plan *plan, int fd, const struct socket_tcp *t)
{
	enum { MSS = 2, WINDOW_SCALE = 3, SACK_PERMITTED = 4, TIMESTAMPS = 8 };
	struct tcp_repair_opt options[4];
	size_t count = 0;

	options[count++] = (struct tcp_repair_opt){ MSS, t->mss };
	if (t->options & TCP_HAS_SCALES)
		options[count++] = (struct tcp_repair_opt){
			WINDOW_SCALE, (uint32_t)t->send_scale | (uint32_t)t->receive_scale << 16 };
	if (t->options & TCP_HAS_SACK)
		options[count++] = (struct tcp_repair_opt){ SACK_PERMITTED, 0 };
	if (t->options & TCP_HAS_TIMESTAMPS)
		options[count++] = (struct tcp_repair_opt){ TIMESTAMPS, 0 };
	plan_syscall(plan, 0, SYS_setsockopt, fd, IPPROTO_TCP, TCP_REPAIR_OPTIONS,
		     plan_data(plan, options, count * sizeof options[0]),
		     count * sizeof options[0]);
	if (t->options & TCP_HAS_TIMESTAMPS)
		plan_number(plan, fd, IPPROTO_TCP, TCP_TIMESTAMP, t->timestamp);
}

void plan_tcp_live(const struct restore *r, struct plan *plan, size_t description)
{
	const struct descriptor *d = first_descriptor(r, description);
	const struct socket *s = socket_of(r, description);
	const struct socket_tcp *t = s->tcp;
	const struct socket_message *unread = s->message_count ? &s->messages[0] : NULL;

	plan_syscall(plan, OP_KEEP, SYS_socket, s->family, s->type, s->protocol);
	plan_note(plan, "descriptor %d, carried on", d->fd);
	plan_move_fd(plan, d);
	plan_socket_options(plan, d->fd, s, OPTION_EARLY);
	plan_number(plan, d->fd, IPPROTO_TCP, TCP_REPAIR, TCP_REPAIR_ON);
	plan_filter(plan, d->fd);
	plan_queue(plan, d->fd, SEND_QUEUE);
	plan_number(plan, d->fd, IPPROTO_TCP, TCP_QUEUE_SEQ, t->sent - (uint32_t)t->size);
	plan_queue(plan, d->fd, RECEIVE_QUEUE);
	plan_number(plan, d->fd, IPPROTO_TCP, TCP_QUEUE_SEQ,
		    t->received - (unread ? (uint32_t)unread->size : 0));
	plan_syscall(plan, 0, SYS_bind, d->fd, plan_socket_address(plan, &s->local), s->local.size);
	plan_syscall(plan, 0, SYS_connect, d->fd, plan_socket_address(plan, &s->peer),
		     s->peer.size);
	plan_agreed(plan, d->fd, t);
	/* In other pieces than before they may take more room. */
	plan_buffers(plan, d->fd, t, 2);
	if (unread)
		plan_bytes(plan, d->fd, unread->bytes, unread->size);
	plan_queue(plan, d->fd, SEND_QUEUE);
	plan_bytes(plan, d->fd, t->bytes, t->size - t->unsent);
	plan_queue(plan, d->fd, NO_QUEUE);
	plan_syscall(plan, 0, SYS_setsockopt, d->fd, IPPROTO_TCP, TCP_REPAIR_WINDOW,
		     plan_data(plan, t->window, sizeof t->window), sizeof t->window);
}

/* Whose size the program has set keeps it; the kernel adapts that of the others. */
static uint32_t locks_of(const struct socket *s)
{
	return (socket_option(s, SOL_SOCKET, SO_SNDBUF) ? SNDBUF_LOCKED : 0) |
	       (socket_option(s, SOL_SOCKET, SO_RCVBUF) ? RCVBUF_LOCKED : 0);
}

static void plan_resume(struct plan *plan, int fd, const struct socket *s)
{
	const struct socket_tcp *t = s->tcp;

	if (!(s->flags & SOCKET_PEER_DONE))
		plan_number(plan, fd, SOL_SOCKET, SO_DETACH_FILTER, 0);
	plan_number(plan, fd, IPPROTO_TCP, TCP_REPAIR, TCP_REPAIR_OFF);
	plan_note(plan, "descriptor %d goes on", fd);
	plan_number(plan, fd, SOL_SOCKET, SO_REUSEADDR,
		    (uint32_t)socket_option_number(s, SOL_SOCKET, SO_REUSEADDR, 0));
	if (t->unsent)
		plan_bytes(plan, fd, t->bytes + t->size - t->unsent, t->unsent);
	plan_socket_options(plan, fd, s, OPTION_LATE);
	plan_buffers(plan, fd, t, 1);
	plan_socket_number(plan, fd, SOL_SOCKET, SO_BUFFER_LOCK, (int)locks_of(s));
	if (s->flags & (SOCKET_SHUT_READ | SOCKET_SHUT_WRITE))
		plan_syscall(plan, OP_MAY_FAIL, SYS_shutdown, fd,
			     !(s->flags & SOCKET_SHUT_READ) ? SHUT_WR :
			     !(s->flags & SOCKET_SHUT_WRITE) ? SHUT_RD : SHUT_RDWR);
}

/* The peer's end comes while all are in repair mode: should it not come, none is harmed. */
static void plan_end(struct plan *plan, int fd, const struct socket *s)
{
	if (!(s->flags & SOCKET_PEER_DONE))
		return;
	plan_number(plan, fd, SOL_SOCKET, SO_DETACH_FILTER, 0);
	plan_tcp_fin(plan, fd, s);
}

static void plan_each(const struct restore *r, struct plan *plan,
		      void (*plan_one)(struct plan *, int, const struct socket *))
{
	for (size_t k = 0; k < r->sockets_by_ends.count; k++) {
		size_t i = r->sockets_by_ends.descriptions[k];

		if (r->sockets[i].way == WAY_TCP_LIVE)
			plan_one(plan, first_descriptor(r, i)->fd, socket_of(r, i));
	}
}

void plan_tcp_resume(const struct restore *r, struct plan *plan)
{
	plan_each(r, plan, plan_end);
	plan_each(r, plan, plan_resume);
}
