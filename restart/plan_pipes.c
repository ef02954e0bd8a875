/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pipes whose ends are in the process.  All descriptions of one pipe are made together: pipe2()
 * makes one for each end, and further ones are opened through /proc/self/fd, as they once were.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "process/arch.h"
#include "restart/plan_files.h"

/* How much a new pipe holds (include/linux/pipe_fs_i.h). */
enum { PIPE_SIZE = 16 * 4096 };

/* The descriptions of one pipe, by their lowest descriptors. */
struct pipe_group {
	const size_t *descriptions;
	size_t count;
};

/* ---- Finding them ---------------------------------------------------------------------------- */

struct pipe_key {
	uint64_t pipe_id;
	size_t first;  /* descriptor */
	size_t description;
};

static int by_pipe(const void *a, const void *b)
{
	const struct pipe_key *x = a, *y = b;

	if (x->pipe_id != y->pipe_id)
		return x->pipe_id < y->pipe_id ? -1 : 1;
	return (x->first > y->first) - (x->first < y->first);
}

int index_pipes(struct restore *r, struct error *err)
{
	const struct process *p = r->process;
	struct pipe_key *keys = calloc(p->description_count + 1, sizeof *keys);
	size_t count = 0;

	r->pipes = calloc(p->description_count + 1, sizeof *r->pipes);
	if (!keys || !r->pipes) {
		free(keys);
		return error_set(err, ENOMEM, "not enough memory");
	}
	for (size_t i = 0; i < p->description_count; i++)
		if (p->descriptions[i].kind == FILE_PIPE)
			keys[count++] = (struct pipe_key){ p->descriptions[i].pipe_id,
							   r->first_descriptor[i], i };
	qsort(keys, count, sizeof *keys, by_pipe);
	for (size_t i = 0; i < count; i++)
		r->pipes[i] = keys[i].description;
	r->pipe_count = count;
	free(keys);
	return 0;
}

static uint64_t id_at(const struct restore *r, size_t i)
{
	return r->process->descriptions[r->pipes[i]].pipe_id;
}

static struct pipe_group group_of(const struct restore *r, const struct descriptor *d)
{
	uint64_t id = description_of(r->process, d)->pipe_id;
	size_t low = 0, high = r->pipe_count, end;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (id_at(r, middle) < id)
			low = middle + 1;
		else
			high = middle;
	}
	for (end = low; end < r->pipe_count && id_at(r, end) == id; end++)
		;
	return (struct pipe_group){ r->pipes + low, end - low };
}

bool pipe_is_whole(const struct restore *r, const struct descriptor *d)
{
	struct pipe_group g = group_of(r, d);
	bool reads = false, writes = false;

	for (size_t i = 0; i < g.count; i++) {
		const struct description *file = &r->process->descriptions[g.descriptions[i]];

		if (file->hung_up)
			return true;
		reads |= access_mode(file) != O_WRONLY;
		writes |= access_mode(file) != O_RDONLY;
	}
	return reads && writes;
}

/* ---- Whether there is room ------------------------------------------------------------------ */

/* As the plan will: where the size is beyond our right, the pipe keeps its own. */
static int make_room(const struct description *file)
{
	uint64_t wanted = file->pipe_size ? file->pipe_size : file->queued_size;
	int ends[2], room;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return 0;
	if (file->pipe_size || wanted > PIPE_SIZE)
		(void)!fcntl(ends[1], F_SETPIPE_SZ, wanted);
	room = fcntl(ends[1], F_GETPIPE_SZ);
	close(ends[0]);
	close(ends[1]);
	return room;
}

/* Each packet takes a page. */
void check_pipe(const struct restore *r, struct findings *f, const struct descriptor *d)
{
	const struct description *file = description_of(r->process, d);
	struct text_place at = place_of(r, d);
	uint64_t page = r->process->arch->page_size, room;

	if (!file->queued_size)
		return;
	room = (uint64_t)make_room(file);
	if (file->queued_size > room || file->packet_count > room / page)
		findings_add(f, OBSTACLE,
			     "%sdescriptor %d: the %zu bytes that wait in the pipe do not fit into "
			     "the %llu that it can have here (raise "
			     "/proc/sys/fs/pipe-max-size, or edit its pipe lines)", at.text, d->fd,
			     file->queued_size, (unsigned long long)room);
}

/* ---- The plan -------------------------------------------------------------------------------- */

static void plan_packets(struct plan *plan, int writer, const struct description *file)
{
	addr_t bytes = plan_data(plan, file->queued, file->queued_size);

	plan_syscall(plan, 0, SYS_fcntl, writer, F_SETFL, O_DIRECT | O_NONBLOCK);
	for (size_t i = 0; i < file->packet_count; bytes += file->packets[i++])
		plan_syscall(plan, OP_EXPECT, SYS_write, writer, bytes, file->packets[i])->expect =
			file->packets[i];
	plan_syscall(plan, 0, SYS_fcntl, writer, F_SETFL, 0);
}

/* Nobody reads yet: where they do not fit, a write that waits would wait for ever. */
static void plan_bytes(struct plan *plan, int writer, const struct description *file)
{
	uint64_t size = file->queued_size;

	plan_syscall(plan, 0, SYS_fcntl, writer, F_SETFL, O_NONBLOCK);
	plan_syscall(plan, OP_EXPECT, SYS_write, writer, plan_data(plan, file->queued, size),
		     size)->expect = size;
	plan_note(plan, "what waits in a pipe");
	plan_syscall(plan, 0, SYS_fcntl, writer, F_SETFL, 0);
}

void plan_pipe_contents(struct plan *plan, int writer, const struct description *file)
{
	uint64_t size = file->queued_size, room = file->pipe_size;

	/* A size beyond our right is no reason to fail, as long as the contents fit. */
	if (room)
		plan_syscall(plan, OP_MAY_FAIL, SYS_fcntl, writer, F_SETPIPE_SZ, room);
	else if (size > PIPE_SIZE)
		plan_syscall(plan, 0, SYS_fcntl, writer, F_SETPIPE_SZ, size);
	if (file->packet_count)
		plan_packets(plan, writer, file);
	else if (size)
		plan_bytes(plan, writer, file);
}

/* A further description of the pipe that descriptor FROM is an end of. */
static void plan_open_end(struct plan *plan, int from, const struct descriptor *d,
			  const struct description *file)
{
	char name[40];

	snprintf(name, sizeof name, "/proc/self/fd/%d", from);
	plan_syscall(plan, OP_KEEP, SYS_open, plan_string(plan, name),
		     access_mode(file) | (file->flags & O_NONBLOCK));
	plan_note(plan, "descriptor %d", d->fd);
	plan_move_fd(plan, d);
}

/* The two ends stand above all descriptors until all of them have been made. */
void plan_pipe(const struct restore *r, struct plan *plan, const struct descriptor *d)
{
	struct pipe_group g = group_of(r, d);
	const int ends[] = { r->fd_base + LENT_SPARE, r->fd_base + LENT_SPARE_WRITER };
	bool used[] = { false, false };
	enum stand_in stand_in = stand_in_for(r, d);
	addr_t slot;

	for (size_t i = 0; i < g.count; i++) {
		const struct descriptor *other = first_descriptor(r, g.descriptions[i]);

		if (other < d && stand_in_for(r, other) == stand_in)
			return;  /* done with that one */
	}
	slot = pair_slot(plan);
	plan_syscall(plan, 0, SYS_pipe2, slot, O_CLOEXEC);
	plan_note(plan, "pipe of descriptor %d", d->fd);
	for (int i = 0; i < 2; i++) {
		plan_add(plan, OP_LOAD, OP_KEEP)->args[0] = slot + (size_t)i * sizeof(int);
		plan_move_to(plan, ends[i]);
	}
	for (size_t i = 0; i < g.count; i++) {
		const struct descriptor *other = first_descriptor(r, g.descriptions[i]);
		const struct description *file = description_of(r->process, other);
		bool writes = access_mode(file) == O_WRONLY;

		if (stand_in_for(r, other) != stand_in)
			continue;
		plan_pipe_contents(plan, ends[1], file);
		if (access_mode(file) == O_RDWR || used[writes])
			plan_open_end(plan, ends[0], other, file);
		else
			plan_duplicate(plan, ends[writes], other);
		used[writes] |= access_mode(file) != O_RDWR;
		plan_status_flags(plan, other, file);
	}
	plan_syscall(plan, 0, SYS_close, ends[0]);
	plan_syscall(plan, 0, SYS_close, ends[1]);
}
