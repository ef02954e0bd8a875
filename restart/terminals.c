/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "restart/terminals.h"

#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "process/terminal.h"
#include "restart/launch.h"

/* The description has no such terminal. */
static const size_t NONE = SIZE_MAX;

static const struct terminal *terminal_of(const struct restore *r, size_t description)
{
	return r->process->descriptions[description].terminal;
}

static bool is(const struct terminal *t, uint32_t flags)
{
	return t && (t->flags & flags) == flags;
}

/* ---- Finding them ---------------------------------------------------------------------------- */

static size_t master_with(const struct restore *r, uint32_t index)
{
	for (size_t i = 0; i < r->process->description_count; i++)
		if (is(terminal_of(r, i), TERMINAL_MASTER) && terminal_of(r, i)->index == index)
			return i;
	return NONE;
}

static bool names_controlling(const struct description *d)
{
	return d->kind == FILE_TERMINAL && strcmp(d->name, "/dev/tty") == 0;
}

int index_terminals(struct restore *r, struct error *err)
{
	const struct process *p = r->process;
	pid_t foreground = r->terminal < 0 ? -1 : tcgetpgrp(r->terminal);

	r->foreground = foreground > 0 && foreground == getpgrp();
	r->controlling = NONE;
	r->terminals = calloc(p->description_count + 1, sizeof *r->terminals);
	if (!r->terminals)
		return error_set(err, ENOMEM, "not enough memory");
	for (size_t i = 0; i < p->description_count; i++) {
		const struct terminal *t = terminal_of(r, i);

		r->terminals[i] = is(t, TERMINAL_MASTER) ? i :
				  is(t, TERMINAL_SLAVE) ? master_with(r, t->index) : NONE;
		if (r->terminals[i] != NONE && is(t, TERMINAL_SLAVE | TERMINAL_CONTROLLING) &&
		    p->pid == p->sid)
			r->controlling = i;
	}
	return 0;
}

bool has_own_controlling(const struct restore *r)
{
	return r->controlling != NONE;
}

bool is_own_terminal(const struct restore *r, size_t description)
{
	return r->terminals[description] != NONE ||
	       (r->controlling != NONE &&
		names_controlling(&r->process->descriptions[description]));
}

static bool has_slave(const struct restore *r, size_t master)
{
	for (size_t i = 0; i < r->process->description_count; i++)
		if (i != master && r->terminals[i] == master)
			return true;
	return false;
}

/* ---- Checks ---------------------------------------------------------------------------------- */

void check_terminal(const struct restore *r, struct findings *f, const struct descriptor *d)
{
	const struct terminal *t = terminal_of(r, d->description);
	struct text_place at = place_of(r, d);

	if (!t)
		return;
	if (t->waiting)
		findings_add(f, LOSS, "%s%u bytes that waited to be read from the terminal of "
			     "descriptor %d are lost", at.text, t->waiting, d->fd);
	if (is(t, TERMINAL_MASTER | TERMINAL_IN_USE) && !has_slave(r, d->description))
		findings_add(f, LOSS, "%sdescriptor %d was the master of a terminal of other "
			     "processes, which are gone: it is hung up", at.text, d->fd);
}

bool shares_terminal(const struct restore *r)
{
	const struct process *p = r->process;
	bool input = launch_has_standard(STDIN_FILENO) && isatty(STDIN_FILENO);

	if (!(p->have & HAVE_DESCRIPTORS))
		return input;
	for (size_t i = 0; i < p->descriptor_count; i++) {
		const struct descriptor *d = &p->descriptors[i];
		enum stand_in is_now = stand_in_for(r, d);

		if ((is_now == TERMINAL && access_mode(description_of(p, d)) != O_WRONLY) ||
		    (is_now == OURS && d->fd == STDIN_FILENO && input))
			return true;
	}
	return false;
}

/* ---- The plan -------------------------------------------------------------------------------- */

static void plan_ioctl(struct plan *plan, int fd, unsigned long request, uint64_t argument)
{
	plan_syscall(plan, 0, SYS_ioctl, fd, request, argument);
}

static void plan_ioctl_int(struct plan *plan, int fd, unsigned long request, int value)
{
	plan_ioctl(plan, fd, request, plan_data(plan, &value, sizeof value));
}

static void plan_modes(struct plan *plan, int fd, const struct terminal *t)
{
	struct termios2 modes = {
		.c_iflag = t->input,
		.c_oflag = t->output,
		.c_cflag = t->control,
		.c_lflag = t->local,
		.c_line = t->line,
		.c_ispeed = t->input_speed,
		.c_ospeed = t->output_speed,
	};

	/* Without a size of characters and a speed they are not known. */
	if (!t->control)
		return;
	memcpy(modes.c_cc, t->characters, sizeof t->characters);
	plan_ioctl(plan, fd, TCSETS2, plan_data(plan, &modes, sizeof modes));
	plan_note(plan, "modes of the terminal");
}

static void plan_slave(struct plan *plan, const struct descriptor *master,
		       const struct descriptor *d, const struct description *file)
{
	uint32_t flags = file->flags_known ? file->flags & (O_ACCMODE | O_NONBLOCK) : O_RDWR;

	plan_syscall(plan, OP_KEEP, SYS_ioctl, master->fd, TIOCGPTPEER, flags | O_NOCTTY);
	plan_note(plan, "descriptor %d", d->fd);
	plan_move_fd(plan, d);
	if (is(file->terminal, TERMINAL_EXCLUSIVE))
		plan_ioctl(plan, d->fd, TIOCEXCL, 0);
}

/* All descriptors of a pseudo-terminal, which may have another number than before. */
static void plan_pseudo_terminal(const struct restore *r, struct plan *plan, size_t master)
{
	const struct process *p = r->process;
	const struct descriptor *m = first_descriptor(r, master);
	const struct terminal *t = terminal_of(r, master);
	struct winsize size = { t->rows, t->columns, t->x_pixels, t->y_pixels };

	plan_syscall(plan, OP_KEEP, SYS_open, plan_string(plan, "/dev/ptmx"), O_RDWR | O_NOCTTY);
	plan_note(plan, "descriptor %d", m->fd);
	plan_move_fd(plan, m);
	plan_ioctl_int(plan, m->fd, TIOCSPTLCK, 0);
	for (size_t i = 0; i < p->description_count; i++)
		if (i != master && r->terminals[i] == master)
			plan_slave(plan, m, first_descriptor(r, i), &p->descriptions[i]);
	if (!has_slave(r, master) && t->flags & (TERMINAL_IN_USE | TERMINAL_HUNG_UP)) {
		/* Opened and closed again, the other end reads as one that all have left. */
		plan_syscall(plan, OP_KEEP, SYS_ioctl, m->fd, TIOCGPTPEER, O_RDWR | O_NOCTTY);
		plan_syscall(plan, OP_ARG0_IS_RESULT, SYS_close, 0);
	}
	plan_modes(plan, m->fd, t);
	plan_ioctl(plan, m->fd, TIOCSWINSZ, plan_data(plan, &size, sizeof size));
	if (is(t, TERMINAL_PACKET))
		plan_ioctl_int(plan, m->fd, TIOCPKT, 1);
	if (is(t, TERMINAL_LOCKED))
		plan_ioctl_int(plan, m->fd, TIOCSPTLCK, 1);
	plan_status_flags(plan, m, &p->descriptions[master]);
}

/* As the leader of a session of its own it had its terminal, and what it opened as /dev/tty. */
static void plan_controlling(const struct restore *r, struct plan *plan)
{
	const struct process *p = r->process;

	plan_syscall(plan, OP_MAY_FAIL, SYS_setsid, 0);
	plan_ioctl(plan, first_descriptor(r, r->controlling)->fd, TIOCSCTTY, 0);
	plan_note(plan, "the controlling terminal");
	for (size_t i = 0; i < p->description_count; i++) {
		const struct description *file = &p->descriptions[i];

		if (r->terminals[i] != NONE || !names_controlling(file))
			continue;
		plan_syscall(plan, OP_KEEP, SYS_open, plan_string(plan, file->name),
			     file->flags_known ? file->flags & (O_ACCMODE | O_NONBLOCK) : O_RDWR);
		plan_note(plan, "descriptor %d", first_descriptor(r, i)->fd);
		plan_move_fd(plan, first_descriptor(r, i));
	}
}

void plan_terminals(const struct restore *r, struct plan *plan)
{
	for (size_t i = 0; i < r->process->description_count; i++)
		if (r->terminals[i] == i)
			plan_pseudo_terminal(r, plan, i);
	if (r->controlling != NONE)
		plan_controlling(r, plan);
}

/* The terminal that becomes restart's, whose modes the program had set, or NULL. */
static const struct terminal *foreground_terminal(const struct restore *r)
{
	const struct process *p = r->process;

	bool stays = r->options->wait || r->options->become;

	for (size_t i = 0; r->foreground && stays && i < p->description_count; i++) {
		const struct description *file = &p->descriptions[i];

		if (file->kind == FILE_TERMINAL && !is_own_terminal(r, i) &&
		    is(file->terminal, TERMINAL_FOREGROUND))
			return file->terminal;
	}
	return NULL;
}

void plan_terminal_modes(const struct restore *r, struct plan *plan)
{
	const struct terminal *t = foreground_terminal(r);

	if (t)
		plan_modes(plan, r->fd_base + LENT_TERMINAL, t);
}

/* ---- The screen ------------------------------------------------------------------------------ */

bool draws_screen(const struct restore *r)
{
	const struct terminal *t = foreground_terminal(r);

	return t && t->control && !(t->local & ICANON);
}

/*
 * Programs look at the size of the window when SIGWINCH comes, and most do nothing when it is what
 * it was: so it changes, and changes back.  One that has not looked in between is not harmed.
 */
void redraw_screen(const struct restore *r)
{
	const struct timespec moment = { .tv_nsec = 200 * 1000 * 1000 };
	struct winsize size, smaller, now;

	if (ioctl(r->terminal, TIOCGWINSZ, &size) < 0 || size.ws_row < 2)
		return;
	smaller = size;
	smaller.ws_row--;
	ioctl(r->terminal, TIOCSWINSZ, &smaller);
	nanosleep(&moment, NULL);
	if (ioctl(r->terminal, TIOCGWINSZ, &now) == 0 && memcmp(&now, &smaller, sizeof now) == 0)
		ioctl(r->terminal, TIOCSWINSZ, &size);
}
