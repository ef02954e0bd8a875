/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sockets of the program with itself: TCP, UDP, netlink. */
#define _GNU_SOURCE
#include "holds.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int number(int fd, int level, int name)
{
	int value = -1;
	socklen_t size = sizeof value;

	return getsockopt(fd, level, name, &value, &size) < 0 ? -1 : value;
}

static bool set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

static struct sockaddr_in local(int fd)
{
	struct sockaddr_in in = { 0 };
	socklen_t size = sizeof in;

	getsockname(fd, (struct sockaddr *)&in, &size);
	return in;
}

static struct sockaddr_in remote(int fd)
{
	struct sockaddr_in in = { 0 };
	socklen_t size = sizeof in;

	getpeername(fd, (struct sockaddr *)&in, &size);
	return in;
}

static bool same(struct sockaddr_in a, struct sockaddr_in b)
{
	return a.sin_family == b.sin_family && a.sin_port == b.sin_port &&
	       a.sin_addr.s_addr == b.sin_addr.s_addr;
}

static bool bind_loopback(int fd)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	return bind(fd, (struct sockaddr *)&in, sizeof in) == 0;
}

static bool connects(int fd, struct sockaddr_in to)
{
	return connect(fd, (struct sockaddr *)&to, sizeof to) == 0;
}

/* Data may take a moment, even over the loopback. */
static bool receives(int fd, const char *text)
{
	struct pollfd poller = { .fd = fd, .events = POLLIN };
	char bytes[256];
	size_t size = 0;

	while (size < strlen(text) && poll(&poller, 1, 5000) == 1) {
		ssize_t n = recv(fd, bytes + size, sizeof bytes - size, MSG_DONTWAIT);

		if (n <= 0)
			break;
		size += (size_t)n;
	}
	return size == strlen(text) && memcmp(bytes, text, size) == 0;
}

static bool passes(int from, int to, const char *text)
{
	return send(from, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text) &&
	       receives(to, text);
}

/* A connection by way of LISTENER. */
static bool make_connection(int listener, int ends[2])
{
	ends[0] = socket(AF_INET, SOCK_STREAM, 0);
	if (!connects(ends[0], local(listener)))
		return false;
	ends[1] = accept(listener, NULL, NULL);
	return ends[1] >= 0;
}

/* ---- TCP: listening ---- */

static int listener;
static struct sockaddr_in listener_address;

static void listener_set_up(void)
{
	listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	NEED(set(listener, SOL_TCP, TCP_DEFER_ACCEPT, 3) &&
	     set(listener, SOL_SOCKET, SO_KEEPALIVE, 1));
	NEED(setsockopt(listener, SOL_TCP, TCP_CONGESTION, "reno", 4) == 0);
	NEED(bind_loopback(listener) && listen(listener, 17) == 0);
	listener_address = local(listener);
}

static const char *listener_check(void)
{
	struct tcp_info info;
	socklen_t size = sizeof info;
	int client = socket(AF_INET, SOCK_STREAM, 0), server;
	char name[16] = "";
	socklen_t length = sizeof name;

	EXPECT(getsockopt(listener, SOL_TCP, TCP_CONGESTION, name, &length) == 0);
	EXPECT(strcmp(name, "reno") == 0);
	EXPECT(same(local(listener), listener_address));
	EXPECT(number(listener, SOL_SOCKET, SO_ACCEPTCONN) == 1);
	EXPECT(number(listener, SOL_SOCKET, SO_REUSEADDR) == 0);
	EXPECT(number(listener, SOL_SOCKET, SO_KEEPALIVE) == 1);
	EXPECT(number(listener, SOL_TCP, TCP_DEFER_ACCEPT) == 3);
	EXPECT(getsockopt(listener, SOL_TCP, TCP_INFO, &info, &size) == 0 &&
	       info.tcpi_sacked == 17);
	EXPECT(accept(listener, NULL, NULL) == -1 && errno == EAGAIN);
	EXPECT(connects(client, listener_address) && send(client, "hello", 5, 0) == 5);
	EXPECT(fcntl(listener, F_SETFL, 0) == 0);
	server = accept(listener, NULL, NULL);
	EXPECT(server >= 0 && receives(server, "hello"));
	close(client);
	close(server);
	return NULL;
}

/* ---- TCP: a connection, its listener kept or not ---- */

static int kept_listener, kept[2], lone[2];
static struct sockaddr_in kept_local, kept_remote, lone_local, lone_remote;

static void connection_set_up(void)
{
	kept_listener = socket(AF_INET, SOCK_STREAM, 0);
	NEED(set(kept_listener, SOL_SOCKET, SO_REUSEADDR, 1));
	NEED(bind_loopback(kept_listener) && listen(kept_listener, 5) == 0);
	NEED(make_connection(kept_listener, kept));
	NEED(set(kept[0], SOL_TCP, TCP_NODELAY, 1) && set(kept[1], SOL_TCP, TCP_KEEPIDLE, 100));
	NEED(set(kept[1], SOL_TCP, TCP_CORK, 1) && set(kept[0], SOL_IP, IP_TOS, 0x10));
	NEED(send(kept[0], "to the server", 13, 0) == 13);
	kept_local = local(kept[0]);
	kept_remote = remote(kept[0]);
}

static const char *connection_check(void)
{
	int more[2];

	EXPECT(same(local(kept[0]), kept_local) && same(remote(kept[0]), kept_remote));
	EXPECT(same(local(kept[1]), kept_remote) && same(remote(kept[1]), kept_local));
	EXPECT(receives(kept[1], "to the server"));
	EXPECT(number(kept[0], SOL_TCP, TCP_NODELAY) == 1 &&
	       number(kept[1], SOL_TCP, TCP_NODELAY) == 0);
	EXPECT(number(kept[1], SOL_TCP, TCP_KEEPIDLE) == 100 &&
	       number(kept[0], SOL_IP, IP_TOS) == 0x10);
	EXPECT(number(kept[1], SOL_TCP, TCP_CORK) == 1 && set(kept[1], SOL_TCP, TCP_CORK, 0));
	EXPECT(number(kept[0], SOL_SOCKET, SO_REUSEADDR) == 0);
	EXPECT(number(kept[1], SOL_SOCKET, SO_REUSEADDR) == 1);
	EXPECT(passes(kept[1], kept[0], "and to the client"));
	EXPECT(make_connection(kept_listener, more) && passes(more[0], more[1], "another"));
	close(more[0]);
	close(more[1]);
	return NULL;
}

/* Larger than a first window, both ways. */
enum { MUCH = 100000 };

static void lone_set_up(void)
{
	static char bytes[MUCH];
	int once = socket(AF_INET, SOCK_STREAM, 0);

	NEED(set(once, SOL_SOCKET, SO_REUSEADDR, 1) && bind_loopback(once) && listen(once, 1) == 0);
	NEED(make_connection(once, lone) && close(once) == 0);
	for (size_t i = 0; i < MUCH; i++)
		bytes[i] = (char)(i / 7);
	NEED(send(lone[1], bytes, MUCH / 4, 0) == MUCH / 4 && send(lone[0], "short", 5, 0) == 5);
	lone_local = local(lone[0]);
	lone_remote = remote(lone[0]);
}

static const char *lone_check(void)
{
	static char bytes[MUCH / 4];

	EXPECT(same(local(lone[0]), lone_local) && same(remote(lone[0]), lone_remote));
	EXPECT(recv(lone[0], bytes, sizeof bytes, MSG_WAITALL) == sizeof bytes);
	for (size_t i = 0; i < sizeof bytes; i++)
		EXPECT(bytes[i] == (char)(i / 7));
	EXPECT(receives(lone[1], "short") && passes(lone[0], lone[1], "on"));
	return NULL;
}

/* ---- TCP: ended on one side, waiting to be accepted ---- */

static int half_listener, half[2], dead;

static void half_set_up(void)
{
	int ends[2];

	half_listener = socket(AF_INET, SOCK_STREAM, 0);
	NEED(set(half_listener, SOL_SOCKET, SO_REUSEADDR, 1));
	NEED(bind_loopback(half_listener) && listen(half_listener, 5) == 0);
	NEED(make_connection(half_listener, half) && make_connection(half_listener, ends));
	NEED(send(half[0], "bye", 3, 0) == 3 && shutdown(half[0], SHUT_WR) == 0);
	NEED(send(ends[1], "rest", 4, 0) == 4 && close(ends[1]) == 0);
	dead = ends[0];
}

static const char *half_check(void)
{
	char byte;

	EXPECT(receives(half[1], "bye") && recv(half[1], &byte, 1, 0) == 0);
	EXPECT(send(half[0], "x", 1, MSG_NOSIGNAL) == -1 && errno == EPIPE);
	EXPECT(passes(half[1], half[0], "still"));
	EXPECT(receives(dead, "rest") && recv(dead, &byte, 1, 0) == 0);
	return NULL;
}

static int waiting_listener, waiting_client;

static void waiting_set_up(void)
{
	waiting_listener = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);
	waiting_client = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in6 any = { .sin6_family = AF_INET6 };
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof any;

	if (waiting_listener < 0) {
		leave_out("no IPv6");
		return;
	}
	NEED(set(waiting_listener, SOL_IPV6, IPV6_V6ONLY, 0));
	NEED(bind(waiting_listener, (struct sockaddr *)&any, sizeof any) == 0);
	NEED(listen(waiting_listener, 4) == 0);
	NEED(getsockname(waiting_listener, (struct sockaddr *)&any, &size) == 0);
	to.sin_port = any.sin6_port;
	NEED(connects(waiting_client, to));
}

static const char *waiting_check(void)
{
	struct pollfd poller = { .fd = waiting_listener, .events = POLLIN };

	EXPECT(poll(&poller, 1, 5000) == 1);
	int fd = accept(waiting_listener, NULL, NULL);

	EXPECT(fd >= 0 && passes(waiting_client, fd, "now") && passes(fd, waiting_client, "yes"));
	EXPECT(accept(waiting_listener, NULL, NULL) == -1 && errno == EAGAIN);
	close(fd);
	return NULL;
}

/* ---- UDP ---- */

static int inbox, sender, calls[2];
static struct sockaddr_in inbox_address, sender_address, calls_address;

static void udp_set_up(void)
{
	inbox = socket(AF_INET, SOCK_DGRAM, 0);
	sender = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	NEED(set(inbox, SOL_IP, IP_PKTINFO, 1) && set(sender, SOL_SOCKET, SO_BROADCAST, 1));
	NEED(set(sender, SOL_IP, IP_TTL, 33));
	NEED(setsockopt(sender, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3) == 0);
	NEED(bind_loopback(inbox) && bind_loopback(sender));
	inbox_address = local(inbox);
	sender_address = local(sender);
	NEED(sendto(sender, "one", 3, 0, (struct sockaddr *)&inbox_address, sizeof inbox_address) ==
	     3);
	NEED(sendto(sender, "", 0, 0, (struct sockaddr *)&inbox_address, sizeof inbox_address) ==
	     0);
	NEED(sendto(inbox, "self", 4, 0, (struct sockaddr *)&inbox_address, sizeof inbox_address) ==
	     4);
}

static const char *udp_check(void)
{
	struct sockaddr_in from;
	socklen_t size = sizeof from;
	char bytes[16];

	EXPECT(same(local(inbox), inbox_address) && same(local(sender), sender_address));
	EXPECT(recvfrom(inbox, bytes, sizeof bytes, MSG_DONTWAIT, (struct sockaddr *)&from,
			&size) == 3);
	EXPECT(memcmp(bytes, "one", 3) == 0 && same(from, sender_address));
	EXPECT(recvfrom(inbox, bytes, sizeof bytes, MSG_DONTWAIT, (struct sockaddr *)&from,
			&size) == 0);
	EXPECT(recvfrom(inbox, bytes, sizeof bytes, MSG_DONTWAIT, (struct sockaddr *)&from,
			&size) == 4);
	EXPECT(same(from, inbox_address));
	EXPECT(number(inbox, SOL_IP, IP_PKTINFO) == 1 &&
	       number(sender, SOL_SOCKET, SO_BROADCAST) == 1);
	EXPECT(getsockopt(sender, SOL_SOCKET, SO_BINDTODEVICE, bytes,
			  &(socklen_t){ sizeof bytes }) == 0);
	EXPECT(strcmp(bytes, "lo") == 0);
	EXPECT(number(sender, SOL_IP, IP_TTL) == 33 && fcntl(sender, F_GETFD) == FD_CLOEXEC);
	return NULL;
}

static void udp_pair_set_up(void)
{
	calls[0] = socket(AF_INET, SOCK_DGRAM, 0);
	calls[1] = socket(AF_INET, SOCK_DGRAM, 0);
	NEED(bind_loopback(calls[0]) && connects(calls[1], local(calls[0])));
	NEED(connects(calls[0], local(calls[1])));
	NEED(send(calls[0], "ring", 4, 0) == 4 && send(calls[0], "ring ring", 9, 0) == 9);
	calls_address = local(calls[1]);
}

static const char *udp_pair_check(void)
{
	EXPECT(same(local(calls[1]), calls_address) && same(remote(calls[0]), calls_address));
	EXPECT(receives(calls[1], "ring") && receives(calls[1], "ring ring"));
	EXPECT(passes(calls[1], calls[0], "hello") && passes(calls[0], calls[1], "who is there"));
	return NULL;
}

static int six[2];

static void six_set_up(void)
{
	struct sockaddr_in6 in = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	socklen_t size = sizeof in;

	six[0] = socket(AF_INET6, SOCK_DGRAM, 0);
	six[1] = socket(AF_INET6, SOCK_DGRAM, 0);
	if (six[0] < 0 || bind(six[0], (struct sockaddr *)&in, sizeof in) < 0) {
		leave_out("no IPv6");
		return;
	}
	NEED(set(six[1], SOL_IPV6, IPV6_UNICAST_HOPS, 9));
	NEED(getsockname(six[0], (struct sockaddr *)&in, &size) == 0);
	NEED(connect(six[1], (struct sockaddr *)&in, sizeof in) == 0 &&
	     send(six[1], "sixth", 5, 0) == 5);
}

static const char *six_check(void)
{
	EXPECT(receives(six[0], "sixth") && passes(six[1], six[0], "sense"));
	EXPECT(number(six[1], SOL_IPV6, IPV6_UNICAST_HOPS) == 9);
	return NULL;
}

/* ---- Netlink ---- */

static int netlink;

static void netlink_set_up(void)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };

	netlink = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	NEED(bind(netlink, (struct sockaddr *)&address, sizeof address) == 0);
	NEED(set(netlink, SOL_NETLINK, NETLINK_EXT_ACK, 1));
}

static const char *netlink_check(void)
{
	struct { struct nlmsghdr header; struct ifinfomsg link; } request = {
		.header = { .nlmsg_len = sizeof request, .nlmsg_type = RTM_GETLINK,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
	};
	struct sockaddr_nl address;
	socklen_t size = sizeof address;
	char answer[16384];

	EXPECT(getsockname(netlink, (struct sockaddr *)&address, &size) == 0);
	EXPECT(address.nl_groups == RTMGRP_LINK && address.nl_pid);
	EXPECT(number(netlink, SOL_NETLINK, NETLINK_EXT_ACK) == 1);
	EXPECT(send(netlink, &request, sizeof request, 0) == sizeof request);
	EXPECT(recv(netlink, answer, sizeof answer, 0) > (ssize_t)sizeof(struct nlmsghdr));
	EXPECT(((struct nlmsghdr *)answer)->nlmsg_type == RTM_NEWLINK);
	return NULL;
}

const struct hold internet_holds[] = {
	{ "tcp-listener", "a TCP socket listens at its port", listener_set_up, listener_check, 0 },
	{ "tcp-connection", "a TCP connection has its ports, its options and its bytes",
	  connection_set_up,
	  connection_check, 0 },
	{ "tcp-lone", "so has one whose listener is closed", lone_set_up, lone_check, 0 },
	{ "tcp-half-closed", "a TCP connection is ended on one side, or on both", half_set_up,
	  half_check, 0 },
	{ "tcp-waiting", "a TCP connection waits to be accepted", waiting_set_up, waiting_check,
	  0 },
	{ "udp", "datagrams wait, and come from where they came", udp_set_up, udp_check, 0 },
	{ "udp-connected", "UDP sockets are connected", udp_pair_set_up, udp_pair_check, 0 },
	{ "udp-six", "so they are with IPv6", six_set_up, six_check, 0 },
	{ "netlink", "a netlink socket is in its groups", netlink_set_up, netlink_check, 0 },
	{ 0 },
};
