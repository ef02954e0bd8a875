/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The pieces of an AF_UNIX stream with which descriptors come (unix_stream_read_generic()).
 *
 * They come with the first byte of what was sent with them, and a read ends behind the last.  A
 * peek shows where that is, but not where it began: it goes on into the next piece even when it has
 * no room left.  What does tell is a peek into memory that ends in a hole.  Of the piece that meets
 * the hole nothing counts, and the peek returns how much there was before it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "process/procfs_private.h"
#include "process/procfs_sockets.h"

enum { HOLE_SIZE = 4096 };

struct stream {
	struct socket_reader *r;
	const uint8_t *bytes;
	size_t size;         /* of all that waits */
	void *hole;          /* HOLE_SIZE bytes that nobody may write to */
};

static struct look look_from(const struct stream *s, size_t at, size_t size,
			     struct socket_message *take)
{
	struct iovec iov = { (void *)(s->bytes + at), size };
	int offset = (int)at;

	if (setsockopt(s->r->fd, SOL_SOCKET, SO_PEEK_OFF, &offset, sizeof offset) < 0)
		return (struct look){ .size = -1 };
	return socket_look(s->r, &iov, 1, 0, take);
}

/* Of the SIZE bytes at AT, at the end of which a piece with descriptors ends: where it begins. */
static ssize_t beginning(const struct stream *s, size_t at, size_t size)
{
	struct iovec iov[] = { { (void *)(s->bytes + at), size - 1 }, { s->hole, HOLE_SIZE } };
	int offset = (int)at;
	struct look look;

	if (setsockopt(s->r->fd, SOL_SOCKET, SO_PEEK_OFF, &offset, sizeof offset) < 0)
		return -1;
	look = socket_look(s->r, iov, 2, 0, NULL);
	if (look.size < 0 && errno == EFAULT)
		return 0;
	return look.size < (ssize_t)size ? look.size : -1;
}

static int add_plain(const struct stream *s, size_t at, size_t size)
{
	struct socket *socket = s->r->socket;
	struct socket_message m = { .size = size, .bytes = s->bytes + at }, *last;

	last = socket->message_count ? &socket->messages[socket->message_count - 1] : NULL;
	if (!size)
		return 0;
	if (!last || last->right_count)
		return socket_add_message(s->r, &m);
	last->size += size;
	return 0;
}

/* The SIZE bytes at AT, of which the last ones came with descriptors.  1, or -1 with the error. */
static int add_with_rights(const struct stream *s, size_t at, size_t size)
{
	ssize_t before = beginning(s, at, size);
	struct socket_message m = { 0 };
	struct look look;

	if (before < 0) {
		s->r->socket->flags |= SOCKET_LOST_RIGHTS;
		return add_plain(s, at, size) < 0 ? -1 : 1;
	}
	if (add_plain(s, at, (size_t)before) < 0)
		return -1;
	look = look_from(s, at + (size_t)before, size - (size_t)before, &m);
	if (look.size < 0 && errno == ENOMEM)
		return no_memory(s->r->err);
	m.bytes = s->bytes + at + before;
	m.size = size - (size_t)before;
	if (look.size != (ssize_t)m.size) {
		socket_let_rights_go(&m);
		s->r->socket->flags |= SOCKET_LOST_RIGHTS;
	}
	if (!m.right_count)
		return add_plain(s, at + (size_t)before, m.size) < 0 ? -1 : 1;
	return socket_add_message(s->r, &m) < 0 ? -1 : 1;
}

/* What one look shows from *AT on: 1, 0 when there is nothing more, -1 with the error. */
static int add_next(const struct stream *s, size_t *at)
{
	struct look look = look_from(s, *at, s->size - *at, NULL);
	size_t from = *at;

	if (look.size <= 0)
		return 0;
	*at += (size_t)look.size;
	if (look.rights)
		return add_with_rights(s, from, (size_t)look.size);
	return add_plain(s, from, (size_t)look.size) < 0 ? -1 : 1;
}

int socket_read_pieces(struct socket_reader *r, size_t size)
{
	struct stream s = { .r = r, .size = size, .bytes = arena_alloc(&r->p->arena, size) };
	size_t at = 0;
	int more = 1;

	if (!s.bytes)
		return no_memory(r->err);
	s.hole = mmap(NULL, HOLE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (s.hole == MAP_FAILED)
		return no_memory(r->err);
	while (more > 0 && at < size)
		more = add_next(&s, &at);
	munmap(s.hole, HOLE_SIZE);
	if (at < size)
		r->socket->flags |= SOCKET_LOST_DATA;
	return more < 0 ? -1 : 0;
}
