/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Asking the kernel about AF_UNIX sockets: sock_diag(7), net/unix/diag.c.  To find one by its inode
 * the kernel looks at all that there are, so many are asked for all at once.
 */
#define _GNU_SOURCE
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "process/procfs_sockets.h"

enum { STATE_ESTABLISHED = 1 };  /* include/net/tcp_states.h */

static bool ask(int fd, uint32_t inode, uint16_t flags)
{
	struct {
		struct nlmsghdr header;
		struct unix_diag_req request;
	} message = {
		.header = {
			.nlmsg_len = sizeof message,
			.nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST | flags,
		},
		.request = {
			.sdiag_family = AF_UNIX,
			.udiag_states = UINT32_MAX,
			.udiag_ino = inode,
			.udiag_show = UDIAG_SHOW_PEER | UDIAG_SHOW_RQLEN,
			.udiag_cookie = { UINT32_MAX, UINT32_MAX },
		},
	};

	return send(fd, &message, sizeof message, 0) == sizeof message;
}

static void take_attribute(struct unix_diag_answer *answer, const struct rtattr *a)
{
	const void *data = RTA_DATA(a);
	struct unix_diag_rqlen lengths;
	uint32_t peer;

	switch (a->rta_type) {
	case UNIX_DIAG_PEER:
		if (RTA_PAYLOAD(a) < sizeof peer)
			break;
		memcpy(&peer, data, sizeof peer);
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

/* The answer in the message at HEADER, whose length was checked; false when it is none. */
static bool take_message(const struct nlmsghdr *header, struct unix_diag_answer *answer)
{
	const struct unix_diag_msg *message = NLMSG_DATA(header);

	if (header->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    header->nlmsg_len < NLMSG_LENGTH(sizeof *message))
		return false;
	*answer = (struct unix_diag_answer){
		.inode = message->udiag_ino,
		.connected = message->udiag_state == STATE_ESTABLISHED,
	};

	int left = (int)(header->nlmsg_len - NLMSG_LENGTH(sizeof *message));
	const struct rtattr *a = (const struct rtattr *)(message + 1);

	for (; RTA_OK(a, left); a = RTA_NEXT(a, left))
		take_attribute(answer, a);
	return true;
}

/* ---- All at once ----------------------------------------------------------------------------- */

/* The place in the table of the socket with this inode, or the free one where it belongs. */
static struct unix_diag_answer *place(const struct socket_diag *diag, uint64_t inode)
{
	size_t at = (inode * 0x9e3779b97f4a7c15) >> (64 - diag->bits);

	while (diag->table[at].inode && diag->table[at].inode != inode)
		at = (at + 1) & (((size_t)1 << diag->bits) - 1);
	return &diag->table[at];
}

/* Keeps a third of the table free, at the least. */
static bool add(struct socket_diag *diag, const struct unix_diag_answer *answer)
{
	struct socket_diag larger = *diag;

	if (!diag->table || 3 * (diag->count + 1) > 2 * ((size_t)1 << diag->bits)) {
		larger.bits = diag->table ? diag->bits + 1 : 8;
		larger.table = arena_alloc(diag->arena, sizeof *larger.table << larger.bits);
		if (!larger.table)
			return false;
		for (size_t i = 0; diag->table && i < (size_t)1 << diag->bits; i++)
			if (diag->table[i].inode)
				*place(&larger, diag->table[i].inode) = diag->table[i];
		*diag = larger;
	}
	diag->count++;
	*place(diag, answer->inode) = *answer;
	return true;
}

/*
 * Takes what one recv() brought.  1: there is more to come, 0: that was all, -1: it cannot be had.
 */
static int take_messages(struct socket_diag *diag, const void *buffer, ssize_t size)
{
	const struct nlmsghdr *header = buffer;
	struct unix_diag_answer answer;
	size_t left = (size_t)size;

	for (; NLMSG_OK(header, left); header = NLMSG_NEXT(header, left)) {
		if (header->nlmsg_type == NLMSG_DONE)
			return 0;
		if (header->nlmsg_type == NLMSG_ERROR ||
		    (take_message(header, &answer) && answer.inode && !add(diag, &answer)))
			return -1;
	}
	return 1;
}

void socket_diag_open(struct socket_diag *diag, struct arena *arena, size_t sockets)
{
	enum { ROOM = 32768, FEW = 16 };
	uint8_t *buffer;
	int more = 1;

	*diag = (struct socket_diag){ .arena = arena };
	diag->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	if (diag->fd < 0 || sockets <= FEW)
		return;
	buffer = arena_alloc(arena, ROOM);
	if (!buffer || !ask(diag->fd, 0, NLM_F_DUMP))
		return;
	while (more > 0) {
		ssize_t size = recv(diag->fd, buffer, ROOM, 0);

		more = size > 0 ? take_messages(diag, buffer, size) : -1;
	}
	/* What is left of an answer that broke off would be taken for another. */
	if (more < 0) {
		close(diag->fd);
		diag->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
		diag->table = NULL;
	}
}

void socket_diag_close(struct socket_diag *diag)
{
	if (diag->fd >= 0)
		close(diag->fd);
}

bool socket_diag_unix(struct socket_diag *diag, uint64_t inode, struct unix_diag_answer *answer)
{
	char buffer[1024] __attribute__((aligned(8)));
	const struct nlmsghdr *header = (const struct nlmsghdr *)buffer;
	ssize_t size;

	if (diag->table) {
		*answer = *place(diag, inode);
		return answer->inode == inode;
	}
	if (diag->fd < 0 || inode > UINT32_MAX || !ask(diag->fd, (uint32_t)inode, 0))
		return false;
	size = recv(diag->fd, buffer, sizeof buffer, 0);
	return size > 0 && NLMSG_OK(header, (size_t)size) && take_message(header, answer) &&
	       answer->inode == inode;
}
