/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Terminals: their modes and sizes, and which end of which pseudo-terminal they are. */
#define _GNU_SOURCE
#include <asm/termbits.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

#include "process/procfs_files.h"
#include "process/procfs_private.h"
#include "process/terminal.h"

enum { PTS_MAJOR = 136 };  /* UNIX98_PTY_SLAVE_MAJOR (include/uapi/linux/major.h) */

/*
 * The controlling terminal of the process and its foreground group, from fields 5, 7 and 8 of stat.
 */
struct control {
	uint64_t device;
	pid_t group, foreground;
};

static void read_control(pid_t pid, struct control *c)
{
	uint64_t fields[9] = { 0 };
	struct error unknown;
	char text[2048];
	const char *t;

	*c = (struct control){ 0 };
	if (proc_read(pid, "stat", text, sizeof text, &unknown) < 0)
		return;
	t = strrchr(text, ')');
	if (!t || t[1] != ' ' || !t[2])
		return;
	t += 3;
	for (int i = 4; i < 9 && *t == ' '; i++) {
		/* The foreground group is -1 without a terminal. */
		t += t[1] == '-';
		fields[i] = parse_number(&t, 10);
	}
	c->group = (pid_t)fields[5];
	c->device = fields[7];
	c->foreground = (pid_t)fields[8];
}

/*
 * tty_nr as stat shows it (new_encode_dev()) is the low 32 bits of the C library's device number.
 */
static bool controls(const struct control *c, const struct stat *st)
{
	unsigned major = (unsigned)(c->device >> 8 & 0xfff);
	unsigned minor = (unsigned)((c->device & 0xff) | (c->device >> 12 & 0xfff00));

	return c->device && makedev(major, minor) == st->st_rdev;
}

static bool is_current(const struct stat *st)
{
	return st->st_rdev == makedev(5, 0);  /* /dev/tty */
}

static void read_modes(int fd, struct terminal *t)
{
	struct termios2 modes;
	struct winsize size;

	if (ioctl(fd, TCGETS2, &modes) == 0) {
		t->input = modes.c_iflag;
		t->output = modes.c_oflag;
		t->control = modes.c_cflag;
		t->local = modes.c_lflag;
		t->line = modes.c_line;
		memcpy(t->characters, modes.c_cc, sizeof t->characters);
		t->input_speed = modes.c_ispeed;
		t->output_speed = modes.c_ospeed;
	}
	if (ioctl(fd, TIOCGWINSZ, &size) == 0) {
		t->rows = size.ws_row;
		t->columns = size.ws_col;
		t->x_pixels = size.ws_xpixel;
		t->y_pixels = size.ws_ypixel;
	}
}

static void read_master(int fd, struct terminal *t)
{
	struct pollfd poller = { .fd = fd };
	int value = 0;

	t->flags |= TERMINAL_MASTER;
	if (ioctl(fd, TIOCGPKT, &value) == 0 && value)
		t->flags |= TERMINAL_PACKET;
	if (ioctl(fd, TIOCGPTLCK, &value) == 0 && value)
		t->flags |= TERMINAL_LOCKED;
	if (poll(&poller, 1, 0) == 1 && poller.revents & POLLHUP)
		t->flags |= TERMINAL_HUNG_UP;
	value = 0;
	/* Of a master this is the group of the session that the slave controls, or 0. */
	if (ioctl(fd, TIOCGPGRP, &value) == 0 && value > 0)
		t->flags |= TERMINAL_IN_USE;
}

static void read_terminal(int fd, const struct control *c, struct terminal *t)
{
	struct stat st;
	int value = 0;
	unsigned index;

	if (fstat(fd, &st) < 0)
		return;
	if (ioctl(fd, TIOCGPTN, &index) == 0) {
		t->index = index;
		read_master(fd, t);
	} else if (major(st.st_rdev) == PTS_MAJOR) {
		t->index = minor(st.st_rdev);
		t->flags |= TERMINAL_SLAVE;
	}
	if (controls(c, &st) || is_current(&st)) {
		t->flags |= TERMINAL_CONTROLLING;
		if (c->foreground && c->foreground == c->group)
			t->flags |= TERMINAL_FOREGROUND;
	}
	if (ioctl(fd, TIOCGEXCL, &value) == 0 && value)
		t->flags |= TERMINAL_EXCLUSIVE;
	if (ioctl(fd, FIONREAD, &value) == 0 && value > 0)
		t->waiting = (uint32_t)value;
	read_modes(fd, t);
}

bool procfs_is_terminal(const struct description *d)
{
	size_t len = strlen(d->name);

	return d->kind == FILE_TERMINAL ||
	       (d->kind == FILE_PATH && len >= 5 && strcmp(d->name + len - 5, "/ptmx") == 0);
}

int procfs_read_terminal(struct process *p, pid_t pid, const struct entry *e,
			 struct description *d, struct error *err)
{
	struct terminal t = { 0 };
	struct control control;
	int borrowed = proc_borrow(e->pid, e->at);

	if (borrowed < 0)
		return 0;
	read_control(pid, &control);
	read_terminal(borrowed, &control, &t);
	proc_give_back(e->pid, borrowed);
	d->terminal = arena_alloc(&p->arena, sizeof *d->terminal);
	if (!d->terminal)
		return no_memory(err);
	*d->terminal = t;
	return 0;
}
