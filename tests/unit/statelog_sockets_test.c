/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* process/statelog: the lines of sockets, and which of them are refused. */
#define _GNU_SOURCE
#include "process/statelog.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "process/socket.h"
#include "tests/unit/check.h"
#include "tests/unit/parse_text.h"

static const struct socket *socket_of(int fd)
{
	static const struct socket none;
	const struct descriptor *d = process_descriptor(&p, fd);
	const struct socket *s = d ? p.descriptions[d->description].socket : NULL;

	return s ? s : &none;
}

static void test_unix(void)
{
	const struct socket *s;
	const struct sockaddr_un *un;

	CHECK(parse("socket-data : 4 : one\\012\n"
		    "socket : 4 : unix stream : connected shut-read lost-data : "
		    "@\\000a\\072 : /tmp/a\\040b : socket:[9]\n"
		    "4 : socket:[8] : 0 : O_RDWR\n"
		    "socket-data : 4 : two\n"), "the lines of a socket may have any order");
	s = socket_of(4);
	CHECK(s->family == AF_UNIX && s->type == SOCK_STREAM && !s->protocol &&
	      s->state == SOCKET_CONNECTED && s->flags == (SOCKET_SHUT_READ | SOCKET_LOST_DATA),
	      "a socket has its kind and state");
	un = (const struct sockaddr_un *)s->local.bytes;
	CHECK(s->local.size == 6 && un->sun_family == AF_UNIX && !memcmp(un->sun_path, "\0\0a:", 4),
	      "an abstract name may have any bytes");
	un = (const struct sockaddr_un *)s->peer.bytes;
	CHECK(s->peer.size == 11 && !strcmp(un->sun_path, "/tmp/a b"), "a path ends in a NUL");
	CHECK(s->peer_id == 9, "the peer is known by its number");
	CHECK(s->message_count == 1 && s->messages[0].size == 7 &&
		      !memcmp(s->messages[0].bytes, "one\ntwo", 7),
	      "the bytes of a stream follow one another");
	CHECK(parse("4 : socket:[8] : 0\nsocket : 4 : unix dgram : plain : - : \\055") &&
		      !socket_of(4)->local.size && socket_of(4)->peer.size == 4 &&
		      socket_of(4)->peer.bytes[2] == '-',
	      "- is no address, and a path of that name is escaped");
}

static void test_internet(void)
{
	const struct socket *s;
	const struct sockaddr_in *in;
	const struct sockaddr_in6 *in6;

	CHECK(parse("3 : socket:[8] : 0\n"
		    "socket : 3 : inet stream 6 : listening 128 2 : 127.0.0.1:8080"),
	      "a listening socket");
	s = socket_of(3);
	in = (const struct sockaddr_in *)s->local.bytes;
	CHECK(s->protocol == IPPROTO_TCP && s->state == SOCKET_LISTENING && s->backlog == 128 &&
	      s->waiting == 2, "has a backlog, and connections that wait");
	CHECK(s->local.size == sizeof *in && in->sin_port == htons(8080) &&
	      in->sin_addr.s_addr == htonl(INADDR_LOOPBACK), "and an address");
	CHECK(parse("3 : socket:[8] : 0\nsocket : 3 : inet6 dgram 17 : plain : [fe80::1%7]:53\n"
		    "socket-message : 3 : 2 : a\\000 : [::1]:9\nsocket-message : 3 : 0\n"),
	      "a datagram socket");
	s = socket_of(3);
	in6 = (const struct sockaddr_in6 *)s->local.bytes;
	CHECK(in6->sin6_scope_id == 7 && in6->sin6_addr.s6_addr[0] == 0xfe, "of a link");
	CHECK(s->message_count == 2 && s->messages[0].size == 2 && !s->messages[1].size &&
	      s->messages[0].from.size == sizeof *in6 && !s->messages[1].from.size,
	      "has messages, which know where they came from");
	CHECK(parse("3 : socket:[8] : 0\n"
		    "socket : 3 : netlink raw 15 : plain : 0x1000000001000000ff000000") &&
		      socket_of(3)->local.size == 12 && socket_of(3)->local.bytes[8] == 0xff,
	      "other families have the bytes of their address");
}

static void test_options(void)
{
	const struct socket *s;
	struct timeval time;

	CHECK(parse("3 : socket:[8] : 0\nsocket : 3 : inet stream 6 : plain\n"
		    "socket-option : 3 : SO_KEEPALIVE : 1\nsocket-option : 3 : SO_PEEK_OFF : -1\n"
		    "socket-option : 3 : SO_LINGER : 1 30\n"
		    "socket-option : 3 : SO_RCVTIMEO : 5 250000\n"
		    "socket-option : 3 : TCP_CONGESTION : reno\n"), "options");
	s = socket_of(3);
	CHECK(s->option_count == 5 && socket_option_number(s, SOL_SOCKET, SO_KEEPALIVE, 0) == 1 &&
	      socket_option_number(s, SOL_SOCKET, SO_PEEK_OFF, 0) == -1, "may be numbers");
	CHECK(s->options[2].size == 8 && s->options[2].value[4] == 30, "two of them");
	memcpy(&time, s->options[3].value, sizeof time);
	CHECK(time.tv_sec == 5 && time.tv_usec == 250000, "a time");
	CHECK(s->options[4].size == 4 && !memcmp(s->options[4].value, "reno", 5), "or a name");
	CHECK(socket_option_number(s, SOL_SOCKET, SO_BROADCAST, 7) == 7,
	      "those that are not there are not");
}

#define CONNECTION \
	"4 : socket:[1] : 0\nsocket : 4 : inet stream 6 : connected : 10.0.0.1:1 : 10.0.0.2:2\n"
#define SOCKET "4 : socket:[1] : 0\nsocket : 4 : unix stream : plain\n"
#define DATAGRAM "4 : socket:[1] : 0\nsocket : 4 : inet dgram 17 : plain\n"

static const struct {
	const char *text, *message;
} errors[] = {
	{ "socket : 4 : unix stream : plain", "log:1:10: descriptor 4 is no socket" },
	{ "4 : f : 0\nsocket : 4 : unix stream : plain", "log:2:10: descriptor 4 is no socket" },
	{ SOCKET "socket : 4 : unix stream : plain",
	  "log:3:10: descriptor 4 has a socket line already" },
	{ "socket-option : 4 : SO_KEEPALIVE : 1", "log:1:17: descriptor 4 has no socket line" },
	{ "4 : socket:[1] : 0\nsocket-data : 4 : a", "log:2:15: descriptor 4 has no socket line" },
	{ "socket : x : unix stream : plain", "log:1:10: descriptor: 'x' is not a number" },
	{ "socket : 4 : ax25 stream : plain",
	  "log:1:14: 'ax25' is no family of sockets (unix, inet, inet6, netlink, packet)" },
	{ "socket : 4 : unix rdm : plain",
	  "log:1:19: 'rdm' is no type of sockets (stream, dgram, seqpacket, raw)" },
	{ "socket : 4 : unix : plain",
	  "log:1:14: '' is no type of sockets (stream, dgram, seqpacket, raw)" },
	{ "socket : 4 : inet stream tcp : plain", "log:1:26: protocol: 'tcp' is not a number" },
	{ "socket : 4 : inet stream 6 : open",
	  "log:1:30: 'open' is no state of a socket (plain, listening, connected, closed)" },
	{ "socket : 4 : inet stream 6 : listening", "log:1:39: backlog is missing" },
	{ "socket : 4 : inet stream 6 : plain bright",
	  "log:1:36: 'bright' is nothing that a socket can be" },
	{ "socket : 4 : inet stream 6 : plain : 1.2.3:80",
	  "log:1:38: '1.2.3:80' is no address of this family: 127.0.0.1:80" },
	{ "socket : 4 : inet stream 6 : plain : 1.2.3.4:65536",
	  "log:1:38: '1.2.3.4:65536' is no address of this family: 127.0.0.1:80" },
	{ "socket : 4 : inet stream 6 : plain : 1.2.3.4",
	  "log:1:38: '1.2.3.4' is no address of this family: 127.0.0.1:80" },
	{ "socket : 4 : inet6 stream 6 : plain : ::1:80",
	  "log:1:39: '::1:80' is no address of this family: [::1]:80" },
	{ "socket : 4 : inet6 stream 6 : plain : [::1%eth0]:80",
	  "log:1:39: '[::1%eth0]:80' is no address of this family: [::1]:80" },
	{ "socket : 4 : netlink raw : plain : 0x0200",
	  "log:1:36: '0x0200' is no address of this family: 0x and the bytes of its struct "
	  "sockaddr" },
	{ "socket : 4 : netlink raw : plain : 0x02000000",
	  "log:1:36: '0x02000000' is no address of this family: the first two bytes are the "
	  "family" },
	{ "socket : 4 : unix stream : plain : a\\000b",
	  "log:1:36: 'a\\000b' is no address of this family: a path, or @ and a name, of at most "
	  "108 bytes" },
	{ "socket : 4 : unix stream : connected : - : - : 9",
	  "log:1:48: '9' is not 'socket:[NUMBER]'" },
	{ "socket : 4 : unix stream : connected : - : - : socket:[x]",
	  "log:1:56: number: 'x' is not a number" },
	{ SOCKET "socket-option : 4 : SO_SHINY : 1",
	  "log:3:21: 'SO_SHINY' is no option of sockets that is known here" },
	{ SOCKET "socket-option : 4 : SO_KEEPALIVE : on", "log:3:36: value: 'on' is not a number" },
	{ SOCKET "socket-option : 4 : SO_KEEPALIVE : 1 2",
	  "log:3:38: SO_KEEPALIVE has 1 numbers at most" },
	{ SOCKET "socket-option : 4 : SO_KEEPALIVE : 2147483648",
	  "log:3:36: value: 2147483648 is more than 2147483647" },
	{ SOCKET "socket-option : 4 : TCP_CONGESTION : a-name-that-is-far-too-long",
	  "log:3:38: 'a-name-that-is-far-too-long' is longer than any name of its kind" },
	{ SOCKET "socket-data : 4 : ", "log:3:19: bytes are missing" },
	{ DATAGRAM "socket-data : 4 : a", "log:3:15: descriptor 4 is no stream: it has messages" },
	{ SOCKET "socket-message : 4 : 1 : a",
	  "log:3:18: descriptor 4 is a stream: it has no messages" },
	{ DATAGRAM "socket-message : 4 : 2 : a", "log:3:22: size: the message has 1 bytes here" },
	{ SOCKET "tcp : 4 : 1 0 : 1 : mss 1 : 1 2 3 4 5 : 1 1",
	  "log:3:7: descriptor 4 is no TCP connection with two addresses" },
	{ "tcp : 4 : 1 : 1 : mss 1 : 1 2 3 4 5 : 1 1", "log:1:12: unsent bytes is missing" },
	{ "tcp : 4 : 1 0 : 4294967296 : mss 1 : 1 2 3 4 5 : 1 1",
	  "log:1:17: sequence number: 4294967296 is more than 4294967295" },
	{ "tcp : 4 : 1 0 : 1 : sack : 1 2 3 4 5 : 1 1", "log:1:21: the options begin with 'mss'" },
	{ "tcp : 4 : 1 0 : 1 : mss 65536 : 1 2 3 4 5 : 1 1",
	  "log:1:25: mss: 65536 is more than 65535" },
	{ "tcp : 4 : 1 0 : 1 : mss 1 scales 15 1 : 1 2 3 4 5 : 1 1",
	  "log:1:34: scale: 15 is more than 14" },
	{ "tcp : 4 : 1 0 : 1 : mss 1 fast : 1 2 3 4 5 : 1 1",
	  "log:1:27: 'fast' is no option of TCP that is known here (scales, sack, timestamp)" },
	{ "tcp : 4 : 1 0 : 1 : mss 1 : 1 2 3 4 5 6 : 1 1", "log:1:39: '6' is one too many" },
	{ CONNECTION "tcp-data : 4 : a", "log:3:12: descriptor 4 has no tcp line" },
	{ CONNECTION "tcp-data : 4 : a\ntcp : 4 : 1 2 : 1 : mss 1 : 1 2 3 4 5 : 1 1",
	  "log:4:7: descriptor 4 has 2 unsent bytes, but 1 in its tcp-data lines" },
	{ CONNECTION "tcp : 4 : 1 0 : 1 : mss 1 : 1 2 3 4 5 : 1 1\n"
		     "tcp : 4 : 1 0 : 1 : mss 1 : 1 2 3 4 5 : 1 1",
	  "log:4:7: descriptor 4 has a tcp line already" },
	{ DATAGRAM "socket-message : 4 : 1 : a : here\n# behind",
	  "log:3:30: 'here' is no address of this family: 127.0.0.1:80" },
};

static void test_tcp(void)
{
	const struct socket_tcp *t;

	CHECK(parse(CONNECTION
		    "tcp-data : 4 : two\ntcp : 4 : 4294967295 2 : 7 : mss 1460 scales 7 14 sack "
		    "timestamp 9 : 1 2 3 4 5 : 16384 131072\ntcp-data : 4 : \\012"),
	      "a connection");
	t = socket_of(4)->tcp;
	CHECK(t && t->sent == UINT32_MAX && t->unsent == 2 && t->received == 7 && t->mss == 1460 &&
	      t->options == 7 && t->send_scale == 7 && t->receive_scale == 14 && t->timestamp == 9,
	      "has numbers and options");
	CHECK(t && t->window[0] == 1 && t->window[4] == 5 && t->send_buffer == 16384 &&
	      t->receive_buffer == 131072, "a window and buffers");
	CHECK(t && t->size == 4 && !memcmp(t->bytes, "two\n", 4), "and bytes to send");
}

static void test_errors(void)
{
	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
		CHECK(!parse(errors[i].text), "line %zu is refused", i);
		CHECK_TEXT(err.message, errors[i].message, "with what is wrong and where");
	}
}

int main(void)
{
	process_init(&p);
	test_unix();
	test_internet();
	test_options();
	test_tcp();
	test_errors();
	process_free(&p);
	return CHECK_DONE();
}
