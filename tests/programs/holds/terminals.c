/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pseudo-terminals whose master is in the program. */
#define _GNU_SOURCE
#include "holds.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static int open_master(int flags)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY | flags);

	NEED(fd >= 0 && grantpt(fd) == 0 && unlockpt(fd) == 0);
	return fd;
}

static int open_slave(int master)
{
	return open(ptsname(master), O_RDWR | O_NOCTTY);
}

static bool reads(int fd, const char *text)
{
	struct pollfd poller = { .fd = fd, .events = POLLIN };
	char bytes[256];
	ssize_t size = poll(&poller, 1, 60000) == 1 ? read(fd, bytes, sizeof bytes) : -1;

	return size == (ssize_t)strlen(text) && memcmp(bytes, text, (size_t)size) == 0;
}

static bool writes(int fd, const char *text)
{
	return write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

/* ---- Both ends, raw ---- */

static int master, slave, again;

static void pair_set_up(void)
{
	struct winsize size = { 31, 117, 5, 6 };
	struct termios modes;

	master = open_master(O_CLOEXEC);
	slave = open_slave(master);
	again = dup(slave);
	NEED(slave >= 0 && again >= 0 && ioctl(slave, TIOCSWINSZ, &size) == 0);
	NEED(tcgetattr(slave, &modes) == 0);
	cfmakeraw(&modes);
	modes.c_cc[VINTR] = 'x';
	modes.c_cc[VMIN] = 2;
	modes.c_iflag |= IXANY;
	NEED(cfsetispeed(&modes, B9600) == 0 && cfsetospeed(&modes, B9600) == 0);
	NEED(tcsetattr(slave, TCSANOW, &modes) == 0 && fcntl(slave, F_SETFL, O_NONBLOCK) == 0);
}

static const char *pair_check(void)
{
	struct winsize size;
	struct termios modes;

	EXPECT(ioctl(slave, TIOCGWINSZ, &size) == 0 && size.ws_row == 31 && size.ws_col == 117);
	EXPECT(size.ws_xpixel == 5 && size.ws_ypixel == 6);
	EXPECT(tcgetattr(slave, &modes) == 0 && !(modes.c_lflag & (ECHO | ICANON | ISIG)));
	EXPECT(modes.c_cc[VINTR] == 'x' && modes.c_cc[VMIN] == 2 && modes.c_iflag & IXANY);
	EXPECT(cfgetospeed(&modes) == B9600);
	EXPECT(ttyname(slave) && strcmp(ttyname(slave), ptsname(master)) == 0);
	EXPECT(writes(slave, "out\n") && reads(master, "out\n"));
	EXPECT(writes(master, "in") && reads(again, "in"));
	EXPECT(fcntl(master, F_GETFD) == FD_CLOEXEC && !(fcntl(master, F_GETFL) & O_NONBLOCK));
	EXPECT(fcntl(slave, F_GETFL) & O_NONBLOCK && fcntl(again, F_GETFL) & O_NONBLOCK);
	return NULL;
}

/* ---- Packet mode, cooked ---- */

static int packets, cooked;

static void packets_set_up(void)
{
	int one = 1;

	packets = open_master(O_NONBLOCK);
	cooked = open_slave(packets);
	NEED(cooked >= 0 && ioctl(packets, TIOCPKT, &one) == 0);
}

/* Reads TEXT in as many packets as it comes in; each begins with a zero. */
static bool reads_packets(int fd, const char *text)
{
	struct pollfd poller = { .fd = fd, .events = POLLIN };
	char packet[16];
	ssize_t n;

	for (; *text; text += n - 1) {
		if (poll(&poller, 1, 60000) != 1)
			return false;
		n = read(fd, packet, sizeof packet);
		if (n < 2 || packet[0] || strncmp(text, packet + 1, (size_t)n - 1) != 0)
			return false;
	}
	return true;
}

static const char *packets_check(void)
{
	char byte;
	int on = 0;

	EXPECT(ioctl(packets, TIOCGPKT, &on) == 0 && on);
	EXPECT(read(packets, &byte, 1) == -1 && errno == EAGAIN);
	EXPECT(writes(cooked, "x\n") && reads_packets(packets, "x\r\n"));
	return NULL;
}

/* ---- The master alone ---- */

static int unopened, locked, left;

static void alone_set_up(void)
{
	struct winsize size = { 9, 8, 0, 0 };
	int fd;

	unopened = open_master(0);
	NEED(ioctl(unopened, TIOCSWINSZ, &size) == 0);
	locked = posix_openpt(O_RDWR | O_NOCTTY);
	left = open_master(0);
	fd = open_slave(left);
	NEED(locked >= 0 && fd >= 0 && close(fd) == 0);
}

static const char *alone_check(void)
{
	struct pollfd poller = { .fd = unopened };
	struct winsize size;
	char byte;
	int fd;

	EXPECT(poll(&poller, 1, 0) == 0);
	fd = open_slave(unopened);
	EXPECT(fd >= 0 && ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_row == 9 &&
	       size.ws_col == 8);
	EXPECT(writes(fd, "first") && reads(unopened, "first") && close(fd) == 0);
	EXPECT(open_slave(locked) == -1 && errno == EIO);
	EXPECT(unlockpt(locked) == 0 && (fd = open_slave(locked)) >= 0 && close(fd) == 0);
	poller.fd = left;
	EXPECT(poll(&poller, 1, 0) == 1 && poller.revents & POLLHUP);
	EXPECT(read(left, &byte, 1) == -1 && errno == EIO);
	return NULL;
}

const struct hold terminal_holds[] = {
	{ "pty", "a pseudo-terminal has its modes, its size and both of its ends", pair_set_up,
	  pair_check, 0 },
	{ "pty-packets", "the master of another is in packet mode", packets_set_up, packets_check,
	  0 },
	{ "pty-alone", "masters without a slave are as they were", alone_set_up, alone_check, 0 },
	{ 0 },
};
