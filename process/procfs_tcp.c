/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The state of a TCP socket.  The C library's struct tcp_info is too short: this has the kernel's.
 */
#define _GNU_SOURCE
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "process/procfs_sockets.h"

/* include/net/tcp_states.h; struct tcp_info and sock_diag show them. */
enum tcp_state {
	STATE_ESTABLISHED = 1, STATE_SYN_SENT, STATE_SYN_RECV, STATE_FIN_WAIT1, STATE_FIN_WAIT2,
	STATE_TIME_WAIT, STATE_CLOSE, STATE_CLOSE_WAIT, STATE_LAST_ACK, STATE_LISTEN, STATE_CLOSING,
};

/*
 * Over the loopback what was sent is in the peer's queue, where it can be read, unless that is
 * full.  SIOCOUTQ counts what is not acknowledged, which may be late; SIOCOUTQNSD what was never
 * sent.
 */
static void read_queue(struct socket_reader *r, const struct tcp_info *info)
{
	int unsent = 0;

	if (ioctl(r->fd, SIOCOUTQNSD, &unsent) == 0 && unsent)
		r->socket->flags |= SOCKET_LOST_DATA;
	if (info->tcpi_data_segs_out)
		r->socket->flags |= SOCKET_HAS_SENT;
}

void socket_read_tcp_state(struct socket_reader *r)
{
	struct socket *s = r->socket;
	struct pollfd poller = { .fd = r->fd, .events = POLLRDHUP };
	struct tcp_info info = { 0 };
	socklen_t size = sizeof info;
	bool ended = poll(&poller, 1, 0) == 1 && poller.revents & POLLRDHUP;

	if (getsockopt(r->fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
		return;
	switch (info.tcpi_state) {
	case STATE_LISTEN:
		s->state = SOCKET_LISTENING;
		/* tcp_get_info() shows the queue here. */
		s->backlog = info.tcpi_sacked;
		s->waiting = info.tcpi_unacked;
		return;
	case STATE_CLOSE:
		s->state = ended ? SOCKET_CLOSED : SOCKET_PLAIN;
		return;
	case STATE_CLOSE_WAIT:
		s->flags |= SOCKET_PEER_DONE;
		break;
	case STATE_LAST_ACK:
	case STATE_CLOSING:
	case STATE_TIME_WAIT:
		s->flags |= SOCKET_PEER_DONE | SOCKET_SHUT_WRITE;
		break;
	case STATE_FIN_WAIT1:
	case STATE_FIN_WAIT2:
		s->flags |= SOCKET_SHUT_WRITE;
		break;
	}
	s->state = SOCKET_CONNECTED;
	read_queue(r, &info);
	if (ended && !(s->flags & SOCKET_PEER_DONE))
		s->flags |= SOCKET_SHUT_READ;
}
