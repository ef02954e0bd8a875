/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "ckpt/terminal.h"

#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "util/cleanup.h"

static int digit(char c)
{
	return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

bool terminal_parse(unsigned char modes[TERMINAL_MODES], const char *text)
{
	if (strlen(text) != 2 * TERMINAL_MODES)
		return false;
	for (int i = 0; i < TERMINAL_MODES; i++, text += 2) {
		if (!isxdigit((unsigned char)text[0]) || !isxdigit((unsigned char)text[1]))
			return false;
		modes[i] = (unsigned char)(digit(text[0]) << 4 | digit(text[1]));
	}
	return true;
}

void terminal_give_back(const unsigned char modes[TERMINAL_MODES])
{
	cleanup_fd int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

	/* At once: output that a user has stopped may never come to its end. */
	if (fd >= 0 && tcgetpgrp(fd) == getpgrp())
		(void)!ioctl(fd, TCSETS, modes);
}
