/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The open files: each open file description is opened once, for its lowest descriptor; the other
 * descriptors that share it are duplicates of that one, as they were.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "restart/launch.h"
#include "restart/plan_files.h"
#include "restart/shells.h"
#include "restart/sockets.h"
#include "restart/terminals.h"

static bool is_standard(int fd)
{
	return fd >= 0 && fd <= 2;
}

const struct descriptor *first_descriptor(const struct restore *r, size_t description)
{
	return &r->process->descriptors[r->first_descriptor[description]];
}

const struct description *description_of(const struct process *p, const struct descriptor *d)
{
	return &p->descriptions[d->description];
}

uint32_t access_mode(const struct description *file)
{
	return file->flags & O_ACCMODE;
}

enum stand_in stand_in_for(const struct restore *r, const struct descriptor *d)
{
	const struct description *file = description_of(r->process, d);

	switch (file->kind) {
	case FILE_MEMFD:
	case FILE_PATH:
		if (!is_nameless(file))
			return ITSELF;
		return file->stamp.known && nameless_number(r, file->stamp.id) >= 0 ? ITSELF
										    : NULL_DEVICE;
	case FILE_EVENTFD:
	case FILE_EPOLL:
	case FILE_SIGNALFD:
	case FILE_TIMERFD:
	case FILE_PIDFD:
	case FILE_INOTIFY:
		if (is_special(r->process, file))
			return ITSELF;
		return is_standard(d->fd) ? OURS : NULL_DEVICE;
	case FILE_TERMINAL:
		if (is_own_terminal(r, d->description))
			return ITSELF;
		return is_standard(d->fd) ? OURS : r->terminal >= 0 ? TERMINAL : NULL_DEVICE;
	case FILE_PIPE:
		return pipe_is_whole(r, d) ? ITSELF : is_standard(d->fd) ? OURS : DEAD_PIPE;
	case FILE_SOCKET:
		if (is_restored_socket(r, d->description))
			return ITSELF;
		return is_standard(d->fd) && !file->hung_up ? OURS : DEAD_SOCKET;
	case FILE_OTHER:
		return is_standard(d->fd) ? OURS : NULL_DEVICE;
	}
	return NULL_DEVICE;
}

/*
 * A standard descriptor that becomes restart's own does so alone: restart's three may be different
 * files where the process had one terminal for all.
 */
static bool is_duplicate(const struct restore *r, const struct descriptor *d)
{
	return first_descriptor(r, d->description) != d && stand_in_for(r, d) != OURS;
}

/* ---- Checks ---------------------------------------------------------------------------------- */

struct text_place place_of(const struct restore *r, const struct descriptor *d)
{
	struct text_place place = { "" };

	if (d->line && r->options->filedes)
		snprintf(place.text, sizeof place.text, "%.255s:%d: ", r->options->filedes,
			 d->line);
	return place;
}

static void check_descriptor(const struct restore *r, struct findings *f,
			     const struct descriptor *d)
{
	const struct description *file = description_of(r->process, d);
	struct text_place at = place_of(r, d);

	switch (stand_in_for(r, d)) {
	case ITSELF:
		if (is_own_terminal(r, d->description))
			check_terminal(r, f, d);
		else if (file->kind == FILE_PATH && !file->deleted)
			check_path(r, f, d);
		else if (file->kind == FILE_SOCKET)
			check_socket(r, f, d);
		else if (file->kind == FILE_PIPE)
			check_pipe(r, f, d);
		else if (is_special(r->process, file))
			check_special(r, f, d);
		check_locks(r, f, d);
		check_owner(r, f, d);
		break;
	case OURS:
		if (!launch_has_standard(d->fd))
			findings_add(f, OBSTACLE, "%sdescriptor %d was %s and becomes restart's "
				     "own, which is closed (open it: restart %s/dev/null)", at.text,
				     d->fd,
				     file->name, d->fd ? "... >" : "... <");
		else if (file->kind != FILE_TERMINAL)
			findings_add(f, REMARK, "descriptor %d was %s and is restart's own now",
				     d->fd, file->name);
		break;
	case TERMINAL:
		break;
	case DEAD_PIPE:
		findings_add_loss(f, "%sdescriptor %d was a pipe to another process and would be "
				  "one whose other end is closed", at.text, d->fd);
		check_pipe(r, f, d);
		break;
	case DEAD_SOCKET:
		if (file->hung_up)
			break;
		findings_add_loss(f, "%sdescriptor %d was a socket and would be one whose peer is "
				  "gone", at.text, d->fd);
		break;
	case NULL_DEVICE:
		if (is_nameless(file))
			check_nameless(r, f, d);
		else
			findings_add_loss(f, "%sdescriptor %d was %s and would be /dev/null",
					  at.text, d->fd, file->name);
		break;
	}
}

void check_files(const struct restore *r, struct findings *f)
{
	const struct process *p = r->process;
	struct rlimit limit;

	if (!(p->have & HAVE_DESCRIPTORS)) {
		findings_add(f, LOSS, "open files are not in the core: descriptors 0, 1 and 2 are "
			     "restart's own, others are closed (preload libsavefds.so, or run "
			     "savefds beside gcore, and restart with -f)");
		return;
	}
	for (size_t i = 0; i < p->descriptor_count; i++)
		if (!is_duplicate(r, &p->descriptors[i]))
			check_descriptor(r, f, &p->descriptors[i]);
	check_socket_twins(r, f);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
	    (rlim_t)lent_end(r) > limit.rlim_max)
		findings_add(f, OBSTACLE, "descriptor %d is beyond the hard limit of %llu open "
			     "files (raise it: ulimit -Hn)", r->fd_base - 1,
			     (unsigned long long)limit.rlim_max);
}

/* ---- The plan -------------------------------------------------------------------------------- */

void plan_move_fd(struct plan *plan, const struct descriptor *d)
{
	struct plan_op *op = plan_add(plan, OP_MOVE_FD, 0);

	op->args[0] = (uint64_t)d->fd;
	op->args[1] = d->close_on_exec ? O_CLOEXEC : 0;
}

void plan_move_to(struct plan *plan, int to)
{
	struct plan_op *op = plan_add(plan, OP_MOVE_FD, 0);

	op->args[0] = (uint64_t)to;
	op->args[1] = O_CLOEXEC;
}

void plan_duplicate(struct plan *plan, int from, const struct descriptor *d)
{
	plan_syscall(plan, OP_EXPECT, SYS_dup3, from, d->fd,
		     d->close_on_exec ? O_CLOEXEC : 0)->expect = (uint64_t)d->fd;
}

addr_t pair_slot(struct plan *plan)
{
	return plan_data(plan, (int[2]){ -1, -1 }, sizeof(int[2]));
}

static void plan_move_from(struct plan *plan, addr_t slot, const struct descriptor *d)
{
	plan_add(plan, OP_LOAD, OP_KEEP)->args[0] = slot;
	plan_move_fd(plan, d);
}

void plan_status_flags(struct plan *plan, const struct descriptor *d,
		       const struct description *file)
{
	uint32_t flags = file->flags & (O_NONBLOCK | O_APPEND | O_DIRECT | O_ASYNC);

	if (flags)
		plan_syscall(plan, 0, SYS_fcntl, d->fd, F_SETFL, flags);
}

/* A socket whose peer is gone, as the program would see it: reads end, writes fail. */
static void plan_dead_socket(struct plan *plan, const struct descriptor *d,
			     const struct description *file)
{
	addr_t slot = pair_slot(plan);

	plan_syscall(plan, 0, SYS_socketpair, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, slot);
	plan_note(plan, "descriptor %d%s", d->fd, file->hung_up ? "" : ", lost");
	plan_add(plan, OP_LOAD, OP_KEEP)->args[0] = slot + sizeof(int);
	plan_syscall(plan, OP_ARG0_IS_RESULT, SYS_close, 0);
	plan_move_from(plan, slot, d);
	plan_status_flags(plan, d, file);
}

static void plan_null(struct plan *plan, const struct descriptor *d)
{
	plan_syscall(plan, OP_KEEP, SYS_open, plan_string(plan, "/dev/null"), O_RDWR);
	plan_note(plan, "descriptor %d, lost", d->fd);
	plan_move_fd(plan, d);
}

static void plan_description(const struct restore *r, struct plan *plan, const struct descriptor *d)
{
	const struct description *file = description_of(r->process, d);

	switch (stand_in_for(r, d)) {
	case ITSELF:
		if (is_own_terminal(r, d->description))
			break;  /* plan_terminals() has made it */
		if (is_nameless(file))
			plan_nameless(r, plan, d);
		else if (file->kind == FILE_PATH)
			plan_path(r, plan, d);
		else if (file->kind == FILE_PIPE)
			plan_pipe(r, plan, d);
		else if (file->kind != FILE_SOCKET)
			plan_special(r, plan, d);
		break;
	case OURS:
		plan_duplicate(plan, r->fd_base + LENT_STDIN + d->fd, d);
		break;
	case TERMINAL:
		plan_duplicate(plan, r->fd_base + LENT_TERMINAL, d);
		break;
	case DEAD_PIPE:
		plan_pipe(r, plan, d);
		break;
	case DEAD_SOCKET:
		plan_dead_socket(plan, d, file);
		break;
	case NULL_DEVICE:
		plan_null(plan, d);
		break;
	}
}

/* What has been sent is closed, as it once was; locks of the description are its own. */
static void plan_in_flight(const struct restore *r, struct plan *plan)
{
	const struct process *p = r->process;

	for (size_t i = 0; i < p->descriptor_count; i++) {
		const struct descriptor *d = &p->descriptors[i];

		if (!d->in_flight)
			continue;
		if (first_descriptor(r, d->description) == d && stand_in_for(r, d) == ITSELF)
			plan_locks(r, plan, d);
		plan_syscall(plan, 0, SYS_close, d->fd);
		plan_note(plan, "descriptor %d, which is on its way only", d->fd);
	}
}

/*
 * What takes all descriptors to be there; then what takes those that restart lent to be gone: to
 * close one drops the process's POSIX locks on the file.
 */
static void plan_rest(const struct restore *r, struct plan *plan)
{
	const struct process *p = r->process;

	for (size_t i = 0; i < p->descriptor_count; i++) {
		const struct descriptor *d = &p->descriptors[i];

		if (first_descriptor(r, d->description) != d || stand_in_for(r, d) != ITSELF)
			continue;
		plan_owner(r, plan, d);
		if (description_of(p, d)->kind == FILE_EPOLL)
			plan_epoll_watches(r, plan, d);
		if (description_of(p, d)->kind == FILE_INOTIFY)
			plan_inotify_watches(r, plan, d);
	}
	plan_nameless_rest(r, plan);
	plan_syscall(plan, 0, SYS_close_range, r->fd_base + LENT_CORE, r->fd_base + LENT_DONE - 1);
	if (p->nameless_count)
		plan_syscall(plan, 0, SYS_close_range, r->fd_base + LENT_COUNT, lent_end(r) - 1);
	plan_in_flight(r, plan);
	for (size_t i = 0; i < p->descriptor_count; i++) {
		const struct descriptor *d = &p->descriptors[i];

		if (first_descriptor(r, d->description) == d && stand_in_for(r, d) == ITSELF &&
		    !d->in_flight)
			plan_locks(r, plan, d);
	}
}

void plan_files(const struct restore *r, struct plan *plan)
{
	const struct process *p = r->process;

	if (!(p->have & HAVE_DESCRIPTORS))
		return;
	plan_syscall(plan, 0, SYS_close_range, 0, r->fd_base - 1);
	plan_syscall(plan, 0, SYS_close_range, lent_end(r), UINT32_MAX);
	plan_sockets(r, plan);
	plan_terminals(r, plan);
	for (size_t i = 0; i < p->descriptor_count; i++) {
		const struct descriptor *d = &p->descriptors[i];

		if (is_duplicate(r, d))
			plan_duplicate(plan, first_descriptor(r, d->description)->fd, d);
		else
			plan_description(r, plan, d);
	}
	plan_sockets_rest(r, plan);
	plan_shell(r, plan);
	plan_terminal_modes(r, plan);
	plan_rest(r, plan);
}
