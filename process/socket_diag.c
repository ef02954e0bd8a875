/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asking the kernel about one AF_UNIX socket by its inode: sock_diag(7), net/unix/diag.c. */
#define _GNU_SOURCE
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "process/procfs_sockets.h"

enum { STATE_ESTABLISHED = 1, STATE_LISTEN = 10 };  /* include/net/tcp_states.h */

int socket_diag_open(void)
{
	return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
}

static bool ask(int diag, uint64_t inode)
{
	struct {
		struct nlmsghdr header;
		struct unix_diag_req request;
	} message = {
		.header = {
			.nlmsg_len = sizeof message,
			.nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST,
		},
		.request = {
			.sdiag_family = AF_UNIX,
			.udiag_states = UINT32_MAX,
			.udiag_ino = (uint32_t)inode,
			.udiag_show = UDIAG_SHOW_PEER | UDIAG_SHOW_RQLEN,
			.udiag_cookie = { UINT32_MAX, UINT32_MAX },
		},
	};

	return send(diag, &message, sizeof message, 0) == sizeof message;
}

static void take(struct unix_diag_answer *answer, const struct rtattr *a)
{
	const void *data = RTA_DATA(a);
	struct unix_diag_rqlen lengths;
	uint32_t peer;

	switch (a->rta_type) {
	case UNIX_DIAG_PEER:
		if (RTA_PAYLOAD(a) < sizeof peer)
			break;
		memcpy(&peer, data, sizeof peer);
		answer->has_peer = true;
		answer->peer = peer;
		break;
	case UNIX_DIAG_RQLEN:
		/* Of a socket that listens: how many wait, and the backlog (sk_diag_show_rqlen). */
		if (RTA_PAYLOAD(a) < sizeof lengths)
			break;
		memcpy(&lengths, data, sizeof lengths);
		answer->waiting = lengths.udiag_rqueue;
		answer->backlog = lengths.udiag_wqueue;
		break;
	case UNIX_DIAG_SHUTDOWN:
		if (RTA_PAYLOAD(a) >= 1)
			answer->shutdown = *(const uint8_t *)data;
		break;
	}
}

bool socket_diag_unix(int diag, uint64_t inode, struct unix_diag_answer *answer)
{
	char buffer[1024] __attribute__((aligned(8)));
	const struct nlmsghdr *header = (const struct nlmsghdr *)buffer;
	const struct unix_diag_msg *message = NLMSG_DATA(header);
	ssize_t size;

	memset(answer, 0, sizeof *answer);
	if (diag < 0 || inode > UINT32_MAX || !ask(diag, inode))
		return false;
	size = recv(diag, buffer, sizeof buffer, 0);
	if (size < (ssize_t)NLMSG_LENGTH(sizeof *message) || header->nlmsg_len > (size_t)size ||
	    header->nlmsg_len < NLMSG_LENGTH(sizeof *message) ||
	    header->nlmsg_type != SOCK_DIAG_BY_FAMILY || message->udiag_ino != inode)
		return false;
	answer->listening = message->udiag_state == STATE_LISTEN;
	answer->connected = message->udiag_state == STATE_ESTABLISHED;

	int left = (int)(header->nlmsg_len - NLMSG_LENGTH(sizeof *message));
	const struct rtattr *a = (const struct rtattr *)(message + 1);

	for (; RTA_OK(a, left); a = RTA_NEXT(a, left))
		take(answer, a);
	return true;
}
