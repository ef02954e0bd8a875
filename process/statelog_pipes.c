/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lines of pipes and fifos, read and written: `pipe`, `pipe-data`, `pipe-packet`. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>

#include "process/statelog_out.h"
#include "process/statelog_parse.h"

/* What the kernel can make of a pipe: 2^31 bytes (fs/pipe.c, round_pipe_size). */
enum { PIPE_SIZE_MAX = INT32_MAX };

struct bytes_line {
	const uint8_t *bytes;
	size_t size;
};

/* Those who write can look at the name to know a fifo; the text cannot. */
static bool may_be_pipe(const struct description *d)
{
	return d->kind == FILE_PIPE || d->kind == FILE_PATH;
}

static int check_reads(struct parser *s, const struct addition *a, const struct description *d)
{
	if (may_be_pipe(d) && (d->flags & O_ACCMODE) != O_WRONLY)
		return 0;
	return place_error(s, a->at, "descriptor %d is not the reading end of a pipe", a->fd);
}

static int add_size(struct parser *s, const struct addition *a, struct description *d)
{
	if (!may_be_pipe(d))
		return place_error(s, a->at, "descriptor %d is no pipe", a->fd);
	if (d->pipe_size)
		return place_error(s, a->at, "pipe %d has a size already", a->fd);
	d->pipe_size = *(const uint32_t *)a->what;
	return 0;
}

int take_pipe(struct parser *s)
{
	uint64_t n;

	if (number_decimal(s, s->line.fields[2], "size", PIPE_SIZE_MAX, &n) != 0)
		return -1;
	if (!n)
		return field_error(s, s->line.fields[2], "size: no pipe holds 0 bytes");
	return add_later(s, add_size, &(uint32_t){ (uint32_t)n }, sizeof(uint32_t));
}

/* Several lines for one pipe follow one another in it. */
static int add_bytes(struct parser *s, const struct bytes_line *line, struct description *d)
{
	for (size_t i = 0; i < line->size; i++) {
		uint8_t *bytes = arena_grow(&s->p->arena, d->queued, d->queued_size,
					    &d->queued_capacity, sizeof *bytes);

		if (!bytes)
			return parser_no_memory(s);
		d->queued = bytes;
		bytes[d->queued_size++] = line->bytes[i];
	}
	return 0;
}

static int add_data(struct parser *s, const struct addition *a, struct description *d)
{
	if (check_reads(s, a, d) != 0)
		return -1;
	if (d->packet_count)
		return place_error(s, a->at, "the pipe of descriptor %d holds packets", a->fd);
	return add_bytes(s, a->what, d);
}

static int add_packet(struct parser *s, const struct addition *a, struct description *d)
{
	const struct bytes_line *line = a->what;
	uint32_t *packets;

	if (check_reads(s, a, d) != 0)
		return -1;
	if (d->queued_size && !d->packet_count)
		return place_error(s, a->at, "the pipe of descriptor %d holds no packets", a->fd);
	packets = arena_grow(&s->p->arena, d->packets, d->packet_count, &d->packet_capacity,
			     sizeof *packets);
	if (!packets)
		return parser_no_memory(s);
	d->packets = packets;
	packets[d->packet_count++] = (uint32_t)line->size;
	return add_bytes(s, line, d);
}

static int take_bytes(struct parser *s, struct bytes_line *line)
{
	return field_bytes(s, s->line.fields[2], "bytes", &line->bytes, &line->size);
}

int take_pipe_data(struct parser *s)
{
	struct bytes_line line;

	return take_bytes(s, &line) != 0 ? -1 : add_later(s, add_data, &line, sizeof line);
}

int take_pipe_packet(struct parser *s)
{
	enum { LARGEST = 4096 };  /* PIPE_BUF */
	struct bytes_line line;

	if (take_bytes(s, &line) != 0)
		return -1;
	if (!line.size || line.size > LARGEST)
		return field_error(s, s->line.fields[2],
				   "bytes: a packet has 1 to %d bytes, not %zu", LARGEST,
				   line.size);
	return add_later(s, add_packet, &line, sizeof line);
}

/* ---- Writing --------------------------------------------------------------------------------- */

static void put_packets(struct out *o, int fd, const struct description *d)
{
	const uint8_t *at = d->queued;

	for (size_t i = 0; i < d->packet_count; at += d->packets[i++]) {
		print(o, "pipe-packet : %d : ", fd);
		put_bytes(o, at, d->packets[i]);
		print(o, "\n");
	}
}

/* What is in the pipe, in lines that a person can still look at. */
void put_pipe(struct out *o, int fd, const struct description *d)
{
	enum { BYTES_PER_LINE = 64 };

	if (d->pipe_size)
		print(o, "pipe : %d : %u\n", fd, d->pipe_size);
	if (d->packet_count) {
		put_packets(o, fd, d);
		return;
	}
	for (size_t i = 0; i < d->queued_size; i += BYTES_PER_LINE) {
		size_t left = d->queued_size - i;

		print(o, "pipe-data : %d : ", fd);
		put_bytes(o, d->queued + i, left < BYTES_PER_LINE ? left : BYTES_PER_LINE);
		print(o, "\n");
	}
}
