/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * --tcp-established: a connection whose peer has ended its side in good order.  Repair mode knows
 * open connections only, so such a one is made as if the end had not come yet.  Then the end is
 * sent to it in the name of the peer, from here: a packet to an address of this machine goes over
 * the loopback, where nobody asks whether its sender is far away.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "restart/launch.h"
#include "restart/sockets.h"
#include "util/cleanup.h"

struct fin_packet {
	int family;
	size_t size;            /* of the packet */
	union {
		struct {
			struct iphdr ip;
			struct tcphdr tcp;
		} v4;
		struct {
			struct ip6_hdr ip;
			struct tcphdr tcp;
		} v6;
	} packet;
	struct sockaddr_storage to;
	socklen_t to_size;
};

/* RFC 1071, in the order of bytes in memory. */
static uint32_t add_up(uint32_t sum, const void *bytes, size_t size)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i + 1 < size; i += 2) {
		uint16_t word;

		memcpy(&word, at + i, sizeof word);
		sum += word;
	}
	return sum;
}

static uint16_t checksum(const struct tcphdr *tcp, const void *from, const void *to, size_t size)
{
	uint32_t sum = htons(IPPROTO_TCP) + htons(sizeof *tcp);

	sum = add_up(sum, from, size);
	sum = add_up(sum, to, size);
	sum = add_up(sum, tcp, sizeof *tcp);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/*
 * Without the time that the two may have agreed upon: the peer's clock is not known, and a segment
 * without one is taken (tcp_validate_incoming()).
 */
static struct tcphdr fin_of(const struct socket *s)
{
	const struct socket_tcp *t = s->tcp;
	uint32_t window = t->window[1] >> t->send_scale;  /* snd_wnd */

	return (struct tcphdr){
		.th_sport = ((const struct sockaddr_in *)s->peer.bytes)->sin_port,
		.th_dport = ((const struct sockaddr_in *)s->local.bytes)->sin_port,
		.th_seq = htonl(t->received),
		.th_ack = htonl(t->sent - (uint32_t)t->size),
		.th_off = sizeof(struct tcphdr) / 4,
		.th_flags = TH_FIN | TH_ACK,
		.th_win = htons((uint16_t)(window > UINT16_MAX ? UINT16_MAX : window)),
	};
}

static void make_v4(struct fin_packet *g, const struct socket *s, const void *from, const void *to)
{
	struct sockaddr_in *address = (struct sockaddr_in *)&g->to;

	g->family = AF_INET;
	g->size = sizeof g->packet.v4;
	g->packet.v4.ip = (struct iphdr){
		.version = 4, .ihl = sizeof(struct iphdr) / 4, .ttl = IPDEFTTL,
		.protocol = IPPROTO_TCP, .tot_len = htons(sizeof g->packet.v4),
	};
	memcpy(&g->packet.v4.ip.saddr, from, 4);
	memcpy(&g->packet.v4.ip.daddr, to, 4);
	g->packet.v4.tcp = fin_of(s);
	g->packet.v4.tcp.th_sum = checksum(&g->packet.v4.tcp, from, to, 4);
	address->sin_family = AF_INET;
	memcpy(&address->sin_addr, to, 4);
	g->to_size = sizeof *address;
}

static void make_v6(struct fin_packet *g, const struct socket *s, const struct sockaddr_in6 *from,
		    const struct sockaddr_in6 *to)
{
	struct sockaddr_in6 *address = (struct sockaddr_in6 *)&g->to;

	g->family = AF_INET6;
	g->size = sizeof g->packet.v6;
	g->packet.v6.ip.ip6_vfc = 6 << 4;
	g->packet.v6.ip.ip6_plen = htons(sizeof(struct tcphdr));
	g->packet.v6.ip.ip6_nxt = IPPROTO_TCP;
	g->packet.v6.ip.ip6_hlim = IPDEFTTL;
	g->packet.v6.ip.ip6_src = from->sin6_addr;
	g->packet.v6.ip.ip6_dst = to->sin6_addr;
	g->packet.v6.tcp = fin_of(s);
	g->packet.v6.tcp.th_sum = checksum(&g->packet.v6.tcp, &from->sin6_addr, &to->sin6_addr, 16);
	address->sin6_family = AF_INET6;
	address->sin6_addr = to->sin6_addr;
	address->sin6_scope_id = to->sin6_scope_id;
	g->to_size = sizeof *address;
}

static struct fin_packet packet_of(const struct socket *s)
{
	const struct sockaddr_in *from = (const struct sockaddr_in *)s->peer.bytes;
	const struct sockaddr_in *to = (const struct sockaddr_in *)s->local.bytes;
	const struct sockaddr_in6 *from6 = (const struct sockaddr_in6 *)s->peer.bytes;
	const struct sockaddr_in6 *to6 = (const struct sockaddr_in6 *)s->local.bytes;
	struct fin_packet g;

	memset(&g, 0, sizeof g);
	if (s->family == AF_INET)
		make_v4(&g, s, &from->sin_addr, &to->sin_addr);
	else if (IN6_IS_ADDR_V4MAPPED(&to6->sin6_addr))
		make_v4(&g, s, from6->sin6_addr.s6_addr + 12, to6->sin6_addr.s6_addr + 12);
	else
		make_v6(&g, s, from6, to6);
	return g;
}

/* Where the loopback is down the packet would be lost without a word. */
static bool loopback_is_up(int fd)
{
	struct ifreq request = { .ifr_name = "lo" };

	if (ioctl(fd, SIOCGIFFLAGS, &request) < 0)
		return false;
	if (request.ifr_flags & IFF_UP)
		return true;
	errno = ENETDOWN;
	return false;
}

bool tcp_fin_possible(const struct socket *s)
{
	cleanup_fd int fd = socket(packet_of(s).family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);

	return fd >= 0 && loopback_is_up(fd);
}

void plan_tcp_fin(struct plan *plan, int fd, const struct socket *s)
{
	enum { PATIENCE_MS = 2000 };
	const struct pollfd end = { .fd = fd, .events = POLLRDHUP };
	struct fin_packet g = packet_of(s);

	plan_syscall(plan, OP_KEEP, SYS_socket, g.family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	plan_syscall(plan, OP_ARG0_IS_RESULT | OP_EXPECT, SYS_sendto, 0,
		     plan_data(plan, &g.packet, g.size), g.size, 0,
		     plan_data(plan, &g.to, g.to_size), g.to_size)->expect = g.size;
	plan_note(plan, "the peer has ended its side");
	plan_syscall(plan, OP_ARG0_IS_RESULT, SYS_close, 0);
	plan_syscall(plan, OP_EXPECT, SYS_poll, plan_data(plan, &end, sizeof end), 1,
		     PATIENCE_MS)->expect = 1;
	plan_note(plan, "it has come, unless packets on the loopback are dropped");
}
