/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What repair mode tells of a connection: numbers, queues, window, options. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "ckpt/tcp.h"

enum { NO_QUEUE, RECEIVE_QUEUE, SEND_QUEUE };  /* net/ipv4/tcp.c, include/uapi/linux/tcp.h */
enum { FIN_WAIT1 = 4, FIN_WAIT2 = 5, CLOSE_WAIT = 8 };

static int failed(const struct held_tcp *t, struct error *err)
{
	return error_sys(err, errno, "reading the TCP connection of descriptor %d", t->number);
}

static int get(int fd, int level, int name, void *value, socklen_t size)
{
	return getsockopt(fd, level, name, value, &size);
}

static int choose(int fd, int queue)
{
	return setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_QUEUE, &queue, sizeof queue);
}

/* Its COUNT bytes, from the arena of P. */
static int read_queue(const struct held_tcp *t, struct process *p, int queue, size_t count,
		      const uint8_t **bytes, struct error *err)
{
	uint8_t *to = arena_alloc(&p->arena, count);
	ssize_t n;

	if (!to)
		return error_set(err, ENOMEM, "not enough memory");
	*bytes = to;
	if (choose(t->fd, queue) < 0)
		return failed(t, err);
	if (!count)
		return 0;
	n = recv(t->fd, to, count, MSG_PEEK | MSG_DONTWAIT);
	if (n < 0)
		return failed(t, err);
	/* Urgent data ends what one look shows, and SO_PEEK_OFF moves its beginning. */
	if ((size_t)n != count)
		return error_set(err, ENOTSUP,
				 "descriptor %d is a TCP connection with urgent data, which cannot "
				 "be saved (checkpoint without --tcp-established)",
				 t->number);
	return 0;
}

static int read_receive_queue(const struct held_tcp *t, struct process *p, struct error *err)
{
	struct socket *s = t->socket;
	const uint8_t *bytes;
	int waiting = 0;

	if (ioctl(t->fd, SIOCINQ, &waiting) < 0)
		return failed(t, err);
	if (read_queue(t, p, RECEIVE_QUEUE, (size_t)waiting, &bytes, err) < 0)
		return -1;
	if (get(t->fd, IPPROTO_TCP, TCP_QUEUE_SEQ, &s->tcp->received, 4) < 0)
		return failed(t, err);
	s->message_count = 0;
	if (!waiting)
		return 0;
	s->messages =
		arena_grow(&p->arena, s->messages, 0, &s->message_capacity, sizeof *s->messages);
	if (!s->messages)
		return error_set(err, ENOMEM, "not enough memory");
	s->messages[s->message_count++] =
		(struct socket_message){ .size = (size_t)waiting, .bytes = bytes };
	return 0;
}

/* The end of our side (FIN) has a number like a byte: it is not counted, as it is sent again. */
static int read_send_queue(const struct held_tcp *t, struct process *p, const struct tcp_info *info,
			   struct error *err)
{
	struct socket_tcp *tcp = t->socket->tcp;
	bool ended = info->tcpi_state == FIN_WAIT1 || info->tcpi_state == FIN_WAIT2;
	int waiting = 0, unsent = 0;

	if (ioctl(t->fd, SIOCOUTQ, &waiting) < 0 || ioctl(t->fd, SIOCOUTQNSD, &unsent) < 0)
		return failed(t, err);
	if (ended && waiting)
		waiting--;
	if (ended && unsent)
		unsent--;
	tcp->size = (size_t)waiting;
	tcp->unsent = (uint32_t)unsent;
	if (read_queue(t, p, SEND_QUEUE, tcp->size, &tcp->bytes, err) < 0)
		return -1;
	if (get(t->fd, IPPROTO_TCP, TCP_QUEUE_SEQ, &tcp->sent, 4) < 0)
		return failed(t, err);
	tcp->sent -= ended;
	return 0;
}

static int read_options(const struct held_tcp *t, const struct tcp_info *info, struct error *err)
{
	struct socket_tcp *tcp = t->socket->tcp;
	struct tcp_repair_window w;
	int mss;

	/* In repair mode TCP_MAXSEG is what the two agreed upon. */
	if (get(t->fd, IPPROTO_TCP, TCP_MAXSEG, &mss, sizeof mss) < 0 ||
	    get(t->fd, IPPROTO_TCP, TCP_TIMESTAMP, &tcp->timestamp, 4) < 0 ||
	    get(t->fd, IPPROTO_TCP, TCP_REPAIR_WINDOW, &w, sizeof w) < 0 ||
	    get(t->fd, SOL_SOCKET, SO_SNDBUF, &tcp->send_buffer, 4) < 0 ||
	    get(t->fd, SOL_SOCKET, SO_RCVBUF, &tcp->receive_buffer, 4) < 0)
		return failed(t, err);
	_Static_assert(sizeof w == sizeof tcp->window, "struct tcp_repair_window has five numbers");
	memcpy(tcp->window, &w, sizeof w);
	tcp->mss = (uint16_t)mss;
	tcp->options = (info->tcpi_options & TCPI_OPT_TIMESTAMPS ? TCP_HAS_TIMESTAMPS : 0) |
		       (info->tcpi_options & TCPI_OPT_SACK ? TCP_HAS_SACK : 0) |
		       (info->tcpi_options & TCPI_OPT_WSCALE ? TCP_HAS_SCALES : 0);
	if (!(tcp->options & TCP_HAS_TIMESTAMPS))
		tcp->timestamp = 0;
	if (tcp->options & TCP_HAS_SCALES) {
		tcp->send_scale = info->tcpi_snd_wscale;
		tcp->receive_scale = info->tcpi_rcv_wscale;
	}
	return 0;
}

/*
 * The end of the peer's side has a number like a byte, too, and is not counted: restart has it come
 * again (restart/tcp_fin.c).
 */
static void take_end_back(struct socket_tcp *tcp)
{
	enum { RCV_WND = 3, RCV_WUP = 4 };  /* of struct tcp_repair_window */

	if (tcp->window[RCV_WUP] == tcp->received) {
		tcp->window[RCV_WUP]--;
		tcp->window[RCV_WND]++;
	}
	tcp->received--;
}

static int read_once(const struct held_tcp *t, struct process *p, struct error *err)
{
	struct tcp_info info = { 0 };

	if (get(t->fd, IPPROTO_TCP, TCP_INFO, &info, sizeof info) < 0)
		return failed(t, err);
	if (read_receive_queue(t, p, err) < 0 || read_send_queue(t, p, &info, err) < 0 ||
	    read_options(t, &info, err) < 0)
		return -1;
	if (info.tcpi_state == CLOSE_WAIT) {
		t->socket->flags |= SOCKET_PEER_DONE;
		take_end_back(t->socket->tcp);
	}
	/* The kernel's timers go on, but send nothing meanwhile (tcp_write_xmit()). */
	return choose(t->fd, NO_QUEUE) < 0 ? failed(t, err) : 0;
}

static bool same(const struct socket_tcp *a, const struct socket_tcp *b)
{
	return a->sent == b->sent && a->received == b->received && a->unsent == b->unsent &&
	       a->size == b->size && memcmp(a->window, b->window, sizeof a->window) == 0;
}

/* What had passed the filter already may have been on its way still: twice the same is true. */
int tcp_read(const struct held_tcp *t, struct process *p, struct error *err)
{
	enum { TRIES = 20 };
	struct socket_tcp before;

	t->socket->tcp = arena_alloc(&p->arena, sizeof *t->socket->tcp);
	if (!t->socket->tcp)
		return error_set(err, ENOMEM, "not enough memory");
	for (int i = 0; i < TRIES; i++) {
		before = *t->socket->tcp;
		if (read_once(t, p, err) < 0)
			return -1;
		if (i && same(&before, t->socket->tcp)) {
			t->socket->flags &= ~(uint32_t)SOCKET_LOST_DATA;
			return 0;
		}
	}
	return error_set(err, EAGAIN,
			 "the TCP connection of descriptor %d does not come to rest; try again",
			 t->number);
}
