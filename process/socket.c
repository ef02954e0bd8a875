/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tables of socket words and options. */
#define _GNU_SOURCE
#include "process/socket.h"

#include <linux/netlink.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* Newer than the headers of some C libraries (include/uapi/asm-generic/socket.h and linux/in.h). */
enum {
	NEW_SO_PASSPIDFD = 76,
	NEW_IP_LOCAL_PORT_RANGE = 51,
	NEW_IPV6_FREEBIND = 78,
};

#define NUMBER(level, name, when) { #name, level, name, 4, OPTION_NUMBERS, when }
#define NEWER(level, word, name, when) { word, level, name, 4, OPTION_NUMBERS, when }

/*
 * What getsockopt() tells and setsockopt() takes back.  Not among them: what only says how the
 * socket is (SO_ERROR, which reading clears), and what the kernel adapts by itself.
 */
const struct socket_option_kind socket_option_kinds[] = {
	NUMBER(SOL_SOCKET, SO_REUSEADDR, OPTION_EARLY),
	NUMBER(SOL_SOCKET, SO_REUSEPORT, OPTION_EARLY),
	NUMBER(SOL_SOCKET, SO_BROADCAST, OPTION_EARLY),
	NUMBER(SOL_SOCKET, SO_DONTROUTE, OPTION_EARLY),
	NUMBER(SOL_SOCKET, SO_KEEPALIVE, OPTION_EARLY),
	NUMBER(SOL_SOCKET, SO_OOBINLINE, OPTION_EARLY),
	NUMBER(SOL_SOCKET, SO_PRIORITY, OPTION_EARLY),
	NUMBER(SOL_SOCKET, SO_MARK, OPTION_EARLY),
	NUMBER(SOL_SOCKET, SO_SNDBUF, OPTION_LATE),
	NUMBER(SOL_SOCKET, SO_RCVBUF, OPTION_EARLY),
	NUMBER(SOL_SOCKET, SO_RCVLOWAT, OPTION_LATE),
	NUMBER(SOL_SOCKET, SO_TIMESTAMP, OPTION_EARLY),
	NUMBER(SOL_SOCKET, SO_TIMESTAMPNS, OPTION_EARLY),
	NUMBER(SOL_SOCKET, SO_TIMESTAMPING, OPTION_EARLY),
	NUMBER(SOL_SOCKET, SO_BUSY_POLL, OPTION_EARLY),
	NUMBER(SOL_SOCKET, SO_RXQ_OVFL, OPTION_EARLY),
	NUMBER(SOL_SOCKET, SO_NO_CHECK, OPTION_EARLY),
	NUMBER(SOL_SOCKET, SO_ZEROCOPY, OPTION_EARLY),
	NUMBER(SOL_SOCKET, SO_PASSCRED, OPTION_EARLY),
	NUMBER(SOL_SOCKET, SO_PASSSEC, OPTION_EARLY),
	NEWER(SOL_SOCKET, "SO_PASSPIDFD", NEW_SO_PASSPIDFD, OPTION_EARLY),
	NUMBER(SOL_SOCKET, SO_PEEK_OFF, OPTION_LATE),
	{ "SO_LINGER", SOL_SOCKET, SO_LINGER, 8, OPTION_NUMBERS, OPTION_EARLY },
	{ "SO_RCVTIMEO", SOL_SOCKET, SO_RCVTIMEO, 16, OPTION_LONGS, OPTION_EARLY },
	{ "SO_SNDTIMEO", SOL_SOCKET, SO_SNDTIMEO, 16, OPTION_LONGS, OPTION_EARLY },
	{ "SO_MAX_PACING_RATE", SOL_SOCKET, SO_MAX_PACING_RATE, 8, OPTION_LONGS, OPTION_EARLY },
	{ "SO_BINDTODEVICE", SOL_SOCKET, SO_BINDTODEVICE, 16, OPTION_TEXT, OPTION_EARLY },

	NUMBER(SOL_IP, IP_TOS, OPTION_EARLY),
	NUMBER(SOL_IP, IP_TTL, OPTION_EARLY),
	NUMBER(SOL_IP, IP_PKTINFO, OPTION_EARLY),
	NUMBER(SOL_IP, IP_RECVTTL, OPTION_EARLY),
	NUMBER(SOL_IP, IP_RECVTOS, OPTION_EARLY),
	NUMBER(SOL_IP, IP_RECVOPTS, OPTION_EARLY),
	NUMBER(SOL_IP, IP_RECVERR, OPTION_EARLY),
	NUMBER(SOL_IP, IP_RECVORIGDSTADDR, OPTION_EARLY),
	NUMBER(SOL_IP, IP_MTU_DISCOVER, OPTION_EARLY),
	NUMBER(SOL_IP, IP_FREEBIND, OPTION_EARLY),
	NUMBER(SOL_IP, IP_TRANSPARENT, OPTION_EARLY),
	NUMBER(SOL_IP, IP_MINTTL, OPTION_EARLY),
	NUMBER(SOL_IP, IP_MULTICAST_TTL, OPTION_EARLY),
	NUMBER(SOL_IP, IP_MULTICAST_LOOP, OPTION_EARLY),
	NUMBER(SOL_IP, IP_MULTICAST_IF, OPTION_EARLY),
	NUMBER(SOL_IP, IP_MULTICAST_ALL, OPTION_EARLY),
	NUMBER(SOL_IP, IP_BIND_ADDRESS_NO_PORT, OPTION_LATE),
	NEWER(SOL_IP, "IP_LOCAL_PORT_RANGE", NEW_IP_LOCAL_PORT_RANGE, OPTION_LATE),

	NUMBER(SOL_IPV6, IPV6_V6ONLY, OPTION_EARLY),
	NUMBER(SOL_IPV6, IPV6_UNICAST_HOPS, OPTION_EARLY),
	NUMBER(SOL_IPV6, IPV6_MULTICAST_HOPS, OPTION_EARLY),
	NUMBER(SOL_IPV6, IPV6_MULTICAST_LOOP, OPTION_EARLY),
	NUMBER(SOL_IPV6, IPV6_MULTICAST_IF, OPTION_EARLY),
	NUMBER(SOL_IPV6, IPV6_RECVPKTINFO, OPTION_EARLY),
	NUMBER(SOL_IPV6, IPV6_RECVHOPLIMIT, OPTION_EARLY),
	NUMBER(SOL_IPV6, IPV6_RECVTCLASS, OPTION_EARLY),
	NUMBER(SOL_IPV6, IPV6_TCLASS, OPTION_EARLY),
	NUMBER(SOL_IPV6, IPV6_RECVERR, OPTION_EARLY),
	NUMBER(SOL_IPV6, IPV6_MTU_DISCOVER, OPTION_EARLY),
	NUMBER(SOL_IPV6, IPV6_DONTFRAG, OPTION_EARLY),
	NEWER(SOL_IPV6, "IPV6_FREEBIND", NEW_IPV6_FREEBIND, OPTION_EARLY),
	NUMBER(SOL_IPV6, IPV6_TRANSPARENT, OPTION_EARLY),

	NUMBER(SOL_TCP, TCP_NODELAY, OPTION_EARLY),
	NUMBER(SOL_TCP, TCP_CORK, OPTION_LATE),
	NUMBER(SOL_TCP, TCP_KEEPIDLE, OPTION_EARLY),
	NUMBER(SOL_TCP, TCP_KEEPINTVL, OPTION_EARLY),
	NUMBER(SOL_TCP, TCP_KEEPCNT, OPTION_EARLY),
	NUMBER(SOL_TCP, TCP_SYNCNT, OPTION_EARLY),
	NUMBER(SOL_TCP, TCP_LINGER2, OPTION_EARLY),
	NUMBER(SOL_TCP, TCP_DEFER_ACCEPT, OPTION_LATE),
	NUMBER(SOL_TCP, TCP_USER_TIMEOUT, OPTION_EARLY),
	NUMBER(SOL_TCP, TCP_THIN_LINEAR_TIMEOUTS, OPTION_EARLY),
	NUMBER(SOL_TCP, TCP_NOTSENT_LOWAT, OPTION_EARLY),
	NUMBER(SOL_TCP, TCP_FASTOPEN, OPTION_LATE),
	NUMBER(SOL_TCP, TCP_SAVE_SYN, OPTION_EARLY),
	NUMBER(SOL_TCP, TCP_INQ, OPTION_LATE),
	{ "TCP_CONGESTION", SOL_TCP, TCP_CONGESTION, 16, OPTION_TEXT, OPTION_EARLY },

	NUMBER(SOL_UDP, UDP_CORK, OPTION_LATE),
	NUMBER(SOL_UDP, UDP_SEGMENT, OPTION_LATE),
	NUMBER(SOL_UDP, UDP_GRO, OPTION_LATE),
	NUMBER(SOL_UDP, UDP_NO_CHECK6_TX, OPTION_EARLY),
	NUMBER(SOL_UDP, UDP_NO_CHECK6_RX, OPTION_EARLY),

	NUMBER(SOL_NETLINK, NETLINK_PKTINFO, OPTION_EARLY),
	NUMBER(SOL_NETLINK, NETLINK_BROADCAST_ERROR, OPTION_EARLY),
	NUMBER(SOL_NETLINK, NETLINK_NO_ENOBUFS, OPTION_EARLY),
	NUMBER(SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, OPTION_EARLY),
	NUMBER(SOL_NETLINK, NETLINK_CAP_ACK, OPTION_EARLY),
	NUMBER(SOL_NETLINK, NETLINK_EXT_ACK, OPTION_EARLY),
	NUMBER(SOL_NETLINK, NETLINK_GET_STRICT_CHK, OPTION_EARLY),
};

const size_t socket_option_kind_count = COUNT(socket_option_kinds);

const struct socket_option *socket_option(const struct socket *s, int level, int name)
{
	for (size_t i = 0; i < s->option_count; i++) {
		const struct socket_option_kind *k = &socket_option_kinds[s->options[i].kind];

		if (k->level == level && k->name == name)
			return &s->options[i];
	}
	return NULL;
}

int socket_option_number(const struct socket *s, int level, int name, int fallback)
{
	const struct socket_option *o = socket_option(s, level, name);
	int value;

	if (!o)
		return fallback;
	memcpy(&value, o->value, sizeof value);
	return value;
}

/* ---- Words ----------------------------------------------------------------------------------- */

struct word {
	int number;
	const char *word;
};

static const struct word families[] = {
	{ AF_UNIX, "unix" }, { AF_INET, "inet" }, { AF_INET6, "inet6" },
	{ AF_NETLINK, "netlink" }, { AF_PACKET, "packet" },
};

static const struct word types[] = {
	{ SOCK_STREAM, "stream" }, { SOCK_DGRAM, "dgram" }, { SOCK_SEQPACKET, "seqpacket" },
	{ SOCK_RAW, "raw" },
};

static const char *word_of(const struct word *words, size_t count, int number)
{
	for (size_t i = 0; i < count; i++)
		if (words[i].number == number)
			return words[i].word;
	return NULL;
}

static int find(const struct word *words, size_t count, const char *word)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(words[i].word, word) == 0)
			return words[i].number;
	return -1;
}

const char *socket_family_word(int family)
{
	return word_of(families, COUNT(families), family);
}

int socket_family_find(const char *word)
{
	return find(families, COUNT(families), word);
}

const char *socket_type_word(int type)
{
	return word_of(types, COUNT(types), type);
}

int socket_type_find(const char *word)
{
	return find(types, COUNT(types), word);
}

const char *const socket_state_words[] = {
	[SOCKET_PLAIN] = "plain",
	[SOCKET_LISTENING] = "listening",
	[SOCKET_CONNECTED] = "connected",
	[SOCKET_CLOSED] = "closed",
};

const struct socket_flag_word socket_flag_words[SOCKET_FLAG_WORDS] = {
	{ SOCKET_SHUT_READ, "shut-read" },
	{ SOCKET_SHUT_WRITE, "shut-write" },
	{ SOCKET_PEER_DONE, "peer-done" },
	{ SOCKET_LOST_DATA, "lost-data" },
	{ SOCKET_LOST_RIGHTS, "lost-rights" },
	{ SOCKET_HAS_SENT, "has-sent" },
};
