/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sockets of the program with itself: AF_UNIX.  Those of the internet are in internet.c. */
#define _GNU_SOURCE
#include "holds.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int number(int fd, int level, int name)
{
	int value = -1;
	socklen_t size = sizeof value;

	return getsockopt(fd, level, name, &value, &size) < 0 ? -1 : value;
}

static bool receives(int fd, const char *text)
{
	char bytes[256];
	ssize_t size = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);

	return size == (ssize_t)strlen(text) && memcmp(bytes, text, (size_t)size) == 0;
}

static bool passes(int from, int to, const char *text)
{
	return send(from, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text) &&
	       receives(to, text);
}

/* A name of the abstract name space that no other run of this program has. */
static socklen_t abstract(struct sockaddr_un *un, const char *name)
{
	*un = (struct sockaddr_un){ .sun_family = AF_UNIX };
	int size =
		snprintf(un->sun_path + 1, sizeof un->sun_path - 1, "holds-%d-%s", getpid(), name);

	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)size);
}

static bool has_name(int fd, const struct sockaddr_un *un, socklen_t size)
{
	struct sockaddr_un now;
	socklen_t length = sizeof now;

	return getsockname(fd, (struct sockaddr *)&now, &length) == 0 && length == size &&
	       memcmp(&now, un, size) == 0;
}

/* ---- A stream with bytes both ways ---- */

static int stream[2];

static void stream_set_up(void)
{
	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, stream) == 0);
	NEED(send(stream[0], "to one\n\0", 8, 0) == 8 && send(stream[0], ", more", 6, 0) == 6);
	NEED(send(stream[1], "to nought", 9, 0) == 9);
}

static const char *stream_check(void)
{
	char bytes[32];

	EXPECT(send(stream[0], "!", 1, 0) == 1);
	EXPECT(recv(stream[1], bytes, sizeof bytes, 0) == 15);
	EXPECT(memcmp(bytes, "to one\n\0, more!", 15) == 0);
	EXPECT(receives(stream[0], "to nought"));
	EXPECT(recv(stream[0], bytes, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN);
	EXPECT(passes(stream[1], stream[0], "and back"));
	EXPECT(!(fcntl(stream[0], F_GETFL) & O_NONBLOCK));
	return NULL;
}

/* ---- As much as fits ---- */

static int full[2];
static size_t filled;

static void full_set_up(void)
{
	char bytes[1000];

	NEED(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, full) == 0);
	for (filled = 0;; filled += sizeof bytes) {
		memset(bytes, (int)(filled / 1000 % 251), sizeof bytes);
		ssize_t sent = send(full[0], bytes, sizeof bytes, 0);
		if (sent < 0)
			break;
		NEED(sent == sizeof bytes);
	}
	NEED(errno == EAGAIN && filled > 50000);
}

static const char *full_check(void)
{
	char bytes[1000];

	for (size_t at = 0; at < filled; at += sizeof bytes) {
		EXPECT(recv(full[1], bytes, sizeof bytes, MSG_WAITALL) == sizeof bytes);
		EXPECT((unsigned char)bytes[0] == at / 1000 % 251 &&
		       memcmp(bytes, bytes + 1, 999) == 0);
	}
	EXPECT(recv(full[1], bytes, 1, 0) == -1 && errno == EAGAIN);
	EXPECT(passes(full[0], full[1], "again"));
	EXPECT(fcntl(full[0], F_GETFL) & O_NONBLOCK);
	return NULL;
}

/* ---- Messages keep their borders ---- */

static int datagrams[2], records[2];

static void messages_set_up(int pair[2], int type)
{
	NEED(socketpair(AF_UNIX, type, 0, pair) == 0);
	NEED(send(pair[0], "one", 3, 0) == 3 && send(pair[0], "", 0, 0) == 0);
	NEED(send(pair[0], "three : # \\", 11, 0) == 11);
	NEED(send(pair[1], "back", 4, 0) == 4);
}

static const char *messages_check(const int pair[2])
{
	EXPECT(receives(pair[0], "back"));
	EXPECT(receives(pair[1], "one"));
	EXPECT(receives(pair[1], ""));
	EXPECT(receives(pair[1], "three : # \\"));
	EXPECT(passes(pair[0], pair[1], "next"));
	EXPECT(number(pair[1], SOL_SOCKET, SO_PEEK_OFF) == -1);
	return NULL;
}

static void datagrams_set_up(void) { messages_set_up(datagrams, SOCK_DGRAM); }
static const char *datagrams_check(void) { return messages_check(datagrams); }
static void records_set_up(void) { messages_set_up(records, SOCK_SEQPACKET); }
static const char *records_check(void) { return messages_check(records); }

/* ---- Half closed, closed ---- */

static int half[2], gone, gone_records;

static void half_set_up(void)
{
	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, half) == 0);
	NEED(send(half[0], "last", 4, 0) == 4 && shutdown(half[0], SHUT_WR) == 0);
}

static const char *half_check(void)
{
	char byte;

	EXPECT(receives(half[1], "last"));
	EXPECT(recv(half[1], &byte, 1, 0) == 0);
	EXPECT(send(half[0], "x", 1, MSG_NOSIGNAL) == -1 && errno == EPIPE);
	EXPECT(passes(half[1], half[0], "other way"));
	return NULL;
}

static void gone_set_up(void)
{
	int pair[2];

	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	NEED(send(pair[1], "legacy", 6, 0) == 6 && close(pair[1]) == 0);
	gone = pair[0];
	NEED(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0);
	NEED(send(pair[1], "a", 1, 0) == 1 && send(pair[1], "bc", 2, 0) == 2 &&
	     close(pair[1]) == 0);
	gone_records = pair[0];
}

static const char *gone_check(void)
{
	struct pollfd poller = { .fd = gone, .events = POLLIN };
	char byte;

	EXPECT(poll(&poller, 1, 0) == 1 && poller.revents == (POLLIN | POLLHUP));
	EXPECT(receives(gone, "legacy"));
	EXPECT(recv(gone, &byte, 1, 0) == 0);
	EXPECT(send(gone, "x", 1, MSG_NOSIGNAL) == -1 && errno == EPIPE);
	EXPECT(receives(gone_records, "a") && receives(gone_records, "bc"));
	EXPECT(recv(gone_records, &byte, 1, 0) == 0);
	return NULL;
}

/* ---- Listening, with connections ---- */

static int listener, client, accepted, path_listener, path_client, path_accepted;
static struct sockaddr_un listener_name, client_name;
static socklen_t listener_size, client_size;
static const char path[] = "holds.socket";

static void listener_set_up(void)
{
	listener_size = abstract(&listener_name, "listener");
	client_size = abstract(&client_name, "client");
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	NEED(bind(listener, (struct sockaddr *)&listener_name, listener_size) == 0);
	NEED(listen(listener, 3) == 0);
	client = socket(AF_UNIX, SOCK_STREAM, 0);
	NEED(bind(client, (struct sockaddr *)&client_name, client_size) == 0);
	NEED(connect(client, (struct sockaddr *)&listener_name, listener_size) == 0);
	accepted = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	NEED(accepted >= 0 && send(client, "hello", 5, 0) == 5);
}

static const char *listener_check(void)
{
	struct sockaddr_un peer;
	socklen_t size = sizeof peer;
	int new_client = socket(AF_UNIX, SOCK_STREAM, 0), new_accepted;

	EXPECT(number(listener, SOL_SOCKET, SO_ACCEPTCONN) == 1);
	EXPECT(has_name(listener, &listener_name, listener_size));
	EXPECT(has_name(accepted, &listener_name, listener_size));
	EXPECT(has_name(client, &client_name, client_size));
	EXPECT(getpeername(accepted, (struct sockaddr *)&peer, &size) == 0 && size == client_size);
	EXPECT(memcmp(&peer, &client_name, size) == 0);
	EXPECT(receives(accepted, "hello") && passes(accepted, client, "welcome"));
	EXPECT(fcntl(accepted, F_GETFD) == FD_CLOEXEC && fcntl(client, F_GETFD) == 0);
	EXPECT(connect(new_client, (struct sockaddr *)&listener_name, listener_size) == 0);
	new_accepted = accept(listener, NULL, NULL);
	EXPECT(new_accepted >= 0 && passes(new_client, new_accepted, "new"));
	close(new_client);
	close(new_accepted);
	return NULL;
}

/* A path from the working directory, and nobody else's to read. */
static void path_set_up(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	strcpy(un.sun_path, path);
	unlink(path);
	path_listener = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	if (bind(path_listener, (struct sockaddr *)&un, sizeof un) < 0) {
		leave_out("the working directory cannot be written");
		return;
	}
	NEED(chmod(path, 0600) == 0 && listen(path_listener, 5) == 0);
	path_client = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	NEED(connect(path_client, (struct sockaddr *)&un, sizeof un) == 0);
	path_accepted = accept(path_listener, NULL, NULL);
	NEED(path_accepted >= 0);
}

static const char *path_check(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	socklen_t size = sizeof un;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0), new_accepted;
	struct stat st;

	EXPECT(getsockname(path_listener, (struct sockaddr *)&un, &size) == 0);
	EXPECT(strcmp(un.sun_path, path) == 0);
	EXPECT(stat(path, &st) == 0 && S_ISSOCK(st.st_mode) && (st.st_mode & 0777) == 0600);
	EXPECT(connect(fd, (struct sockaddr *)&un, sizeof un) == 0);
	new_accepted = accept(path_listener, NULL, NULL);
	EXPECT(new_accepted >= 0 && passes(fd, new_accepted, "by path"));
	EXPECT(passes(path_client, path_accepted, "older"));
	close(fd);
	close(new_accepted);
	return NULL;
}

/* ---- Connections that nobody has accepted yet ---- */

static int waiting_listener, waiting_client;

static void waiting_set_up(void)
{
	struct sockaddr_un un;
	socklen_t size = abstract(&un, "waiting");

	waiting_listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	waiting_client = socket(AF_UNIX, SOCK_STREAM, 0);
	NEED(bind(waiting_listener, (struct sockaddr *)&un, size) == 0 &&
	     listen(waiting_listener, 1) == 0);
	NEED(connect(waiting_client, (struct sockaddr *)&un, size) == 0);
}

static const char *waiting_check(void)
{
	int fd = accept(waiting_listener, NULL, NULL);

	EXPECT(fd >= 0 && passes(waiting_client, fd, "now") && passes(fd, waiting_client, "yes"));
	EXPECT(accept(waiting_listener, NULL, NULL) == -1 && errno == EAGAIN);
	close(fd);
	return NULL;
}

/* ---- Datagrams by name ---- */

static int inbox, outbox;
static struct sockaddr_un inbox_name, outbox_name;
static socklen_t inbox_size, outbox_size;

static void inbox_set_up(void)
{
	inbox_size = abstract(&inbox_name, "inbox");
	outbox_size = abstract(&outbox_name, "out:box #");
	inbox = socket(AF_UNIX, SOCK_DGRAM, 0);
	outbox = socket(AF_UNIX, SOCK_DGRAM, 0);
	NEED(bind(inbox, (struct sockaddr *)&inbox_name, inbox_size) == 0);
	NEED(bind(outbox, (struct sockaddr *)&outbox_name, outbox_size) == 0);
	NEED(connect(outbox, (struct sockaddr *)&inbox_name, inbox_size) == 0);
	NEED(send(outbox, "first", 5, 0) == 5 && send(outbox, "second", 6, 0) == 6);
}

static const char *inbox_check(void)
{
	struct sockaddr_un from;
	socklen_t size = sizeof from;
	char bytes[32];

	EXPECT(recvfrom(inbox, bytes, sizeof bytes, MSG_DONTWAIT, (struct sockaddr *)&from,
			&size) == 5);
	EXPECT(memcmp(bytes, "first", 5) == 0 && size == outbox_size);
	EXPECT(memcmp(&from, &outbox_name, size) == 0);
	EXPECT(receives(inbox, "second") && passes(outbox, inbox, "third"));
	EXPECT(sendto(inbox, "reply", 5, 0, (struct sockaddr *)&from, size) == 5);
	EXPECT(receives(outbox, "reply"));
	return NULL;
}

/* ---- Options ---- */

static int options[2];

static void options_set_up(void)
{
	int one = 1, size = 50000, mark = 3;
	struct timeval receive = { 7, 250000 }, transmit = { 1, 0 };
	struct linger linger = { 1, 30 };

	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, options) == 0);
	NEED(setsockopt(options[0], SOL_SOCKET, SO_PASSCRED, &one, sizeof one) == 0);
	NEED(setsockopt(options[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size) == 0);
	NEED(setsockopt(options[1], SOL_SOCKET, SO_RCVBUF, &size, sizeof size) == 0);
	NEED(setsockopt(options[0], SOL_SOCKET, SO_RCVTIMEO, &receive, sizeof receive) == 0);
	NEED(setsockopt(options[0], SOL_SOCKET, SO_SNDTIMEO, &transmit, sizeof transmit) == 0);
	NEED(setsockopt(options[1], SOL_SOCKET, SO_LINGER, &linger, sizeof linger) == 0);
	NEED(setsockopt(options[1], SOL_SOCKET, SO_PRIORITY, &mark, sizeof mark) == 0);
	NEED(setsockopt(options[1], SOL_SOCKET, SO_RCVLOWAT, &mark, sizeof mark) == 0);
	NEED(send(options[1], "credentials", 11, 0) == 11);
}

static const char *options_check(void)
{
	char bytes[32], control[CMSG_SPACE(sizeof(struct ucred))];
	struct iovec iov = { bytes, sizeof bytes };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
				  .msg_controllen = sizeof control };
	struct timeval time;
	struct linger linger;
	struct ucred credentials;
	socklen_t size = sizeof time;

	EXPECT(number(options[0], SOL_SOCKET, SO_SNDBUF) == 100000);
	EXPECT(number(options[1], SOL_SOCKET, SO_RCVBUF) == 100000);
	EXPECT(number(options[1], SOL_SOCKET, SO_PRIORITY) == 3);
	EXPECT(number(options[1], SOL_SOCKET, SO_RCVLOWAT) == 3);
	EXPECT(getsockopt(options[0], SOL_SOCKET, SO_RCVTIMEO, &time, &size) == 0);
	EXPECT(time.tv_sec == 7 && time.tv_usec >= 240000 && time.tv_usec <= 260000);
	size = sizeof time;
	EXPECT(getsockopt(options[0], SOL_SOCKET, SO_SNDTIMEO, &time, &size) == 0 &&
	       time.tv_sec == 1);
	size = sizeof linger;
	EXPECT(getsockopt(options[1], SOL_SOCKET, SO_LINGER, &linger, &size) == 0);
	EXPECT(linger.l_onoff == 1 && linger.l_linger == 30);
	EXPECT(number(options[0], SOL_SOCKET, SO_PASSCRED) == 1);
	EXPECT(number(options[1], SOL_SOCKET, SO_PASSCRED) == 0);
	EXPECT(recvmsg(options[0], &message, MSG_DONTWAIT) == 11 && CMSG_FIRSTHDR(&message));
	memcpy(&credentials, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof credentials);
	EXPECT(credentials.uid == getuid());
	return NULL;
}

/* ---- Two descriptors for one socket, and an epoll that watches it ---- */

static int shared[2], second, watcher;

static void shared_set_up(void)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = 0x1234567890 };

	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, shared) == 0);
	second = dup(shared[0]);
	watcher = epoll_create1(0);
	NEED(second >= 0 && epoll_ctl(watcher, EPOLL_CTL_ADD, shared[1], &event) == 0);
	NEED(send(shared[0], "watched", 7, 0) == 7);
}

static const char *shared_check(void)
{
	struct epoll_event event;

	EXPECT(epoll_wait(watcher, &event, 1, 0) == 1 && event.data.u64 == 0x1234567890);
	EXPECT(receives(shared[1], "watched"));
	EXPECT(epoll_wait(watcher, &event, 1, 0) == 0);
	EXPECT(fcntl(second, F_SETFL, O_NONBLOCK) == 0 && fcntl(shared[0], F_GETFL) & O_NONBLOCK);
	EXPECT(passes(second, shared[1], "by the second"));
	EXPECT(send(second, "again", 5, 0) == 5 && epoll_wait(watcher, &event, 1, 0) == 1);
	EXPECT(receives(shared[1], "again"));
	return NULL;
}

const struct hold socket_holds[] = {
	{ "socket-stream", "bytes wait in both ends of a socket pair", stream_set_up, stream_check,
	  0 },
	{ "socket-full", "a socket that was full holds it all", full_set_up, full_check, 0 },
	{ "socket-datagrams", "datagrams wait one by one", datagrams_set_up, datagrams_check, 0 },
	{ "socket-records", "so do the records of a seqpacket socket", records_set_up,
	  records_check, 0 },
	{ "socket-half-closed", "one direction is shut", half_set_up, half_check, 0 },
	{ "socket-closed", "what a closed peer left is there to read", gone_set_up, gone_check, 0 },
	{ "socket-listener", "a socket listens at its abstract name", listener_set_up,
	  listener_check, 0 },
	{ "socket-path", "a socket listens at its path", path_set_up, path_check, 0 },
	{ "socket-waiting", "a connection waits to be accepted", waiting_set_up, waiting_check, 0 },
	{ "socket-names", "datagrams come from their senders' names", inbox_set_up, inbox_check,
	  0 },
	{ "socket-options", "options are as they were set", options_set_up, options_check, 0 },
	{ "socket-shared", "two descriptors share a socket, and an epoll watches it", shared_set_up,
	  shared_check, 0 },
	{ 0 },
};
