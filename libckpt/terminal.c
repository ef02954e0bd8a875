/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The modes that the terminal had when the program began.  A program that ends with its checkpoint
 * does not come to give them back, and its shell would go on without echo.
 */
#define _GNU_SOURCE
#include <sys/ioctl.h>

#include "libckpt/agent.h"
#include "process/raw_x86_64.h"
#include "util/format.h"

enum { MODES = 36 };  /* the kernel's struct termios, include/uapi/asm-generic/termbits.h */

static bool known;
static unsigned char modes[MODES];

static bool is_in_foreground(int fd)
{
	int group = 0;

	return raw_syscall(SYS_ioctl, fd, TIOCGPGRP, (long)&group, 0, 0) == 0 &&
	       group == raw_syscall(SYS_getpgid, 0, 0, 0, 0, 0);
}

void terminal_remember(void)
{
	for (int fd = 0; fd <= 2 && !known; fd++)
		known = is_in_foreground(fd) &&
			raw_syscall(SYS_ioctl, fd, TCGETS, (long)modes, 0, 0) == 0;
}

const char *terminal_modes(void)
{
	static char text[2 * MODES + 1];

	for (int i = 0; i < MODES; i++)
		format(text + 2 * i, 3, "%02x", modes[i]);
	return known ? text : NULL;
}
