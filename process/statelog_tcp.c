/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lines `tcp` and `tcp-data`: what it takes to carry on a TCP connection. */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "process/statelog_parse.h"

enum { SCALE_MAX = 14 /* TCP_MAX_WSCALE (include/net/tcp.h) */ };

/* ---- The lines ------------------------------------------------------------------------------- */

static int next_number(struct parser *s, struct field *rest, const char *what, uint64_t max,
		       uint32_t *to)
{
	uint64_t n;

	if (number_decimal(s, field_next(rest, ' '), what, max, &n) != 0)
		return -1;
	*to = (uint32_t)n;
	return 0;
}

static int at_end(struct parser *s, struct field rest)
{
	return rest.len ? field_error(s, rest, "'%s' is one too many", field_quote(rest).text) : 0;
}

static int take_option(struct parser *s, struct field *rest, struct socket_tcp *t)
{
	struct field word = field_next(rest, ' ');
	uint32_t send, receive;

	if (field_is(word, "sack")) {
		t->options |= TCP_HAS_SACK;
	} else if (field_is(word, "timestamp")) {
		t->options |= TCP_HAS_TIMESTAMPS;
		return next_number(s, rest, "timestamp", UINT32_MAX, &t->timestamp);
	} else if (field_is(word, "scales")) {
		if (next_number(s, rest, "scale", SCALE_MAX, &send) != 0 ||
		    next_number(s, rest, "scale", SCALE_MAX, &receive) != 0)
			return -1;
		t->options |= TCP_HAS_SCALES;
		t->send_scale = (uint8_t)send;
		t->receive_scale = (uint8_t)receive;
	} else {
		return field_error(s, word,
				   "'%s' is no option of TCP that is known here (scales, sack, "
				   "timestamp)",
				   field_quote(word).text);
	}
	return 0;
}

static int take_options(struct parser *s, struct field f, struct socket_tcp *t)
{
	struct field rest = f, word = field_next(&rest, ' ');
	uint32_t mss;

	if (!field_is(word, "mss"))
		return field_error(s, f, "the options begin with 'mss'");
	if (next_number(s, &rest, "mss", UINT16_MAX, &mss) != 0)
		return -1;
	t->mss = (uint16_t)mss;
	while (rest.len)
		if (take_option(s, &rest, t) != 0)
			return -1;
	return 0;
}

static int take_window(struct parser *s, struct field f, struct socket_tcp *t)
{
	for (size_t i = 0; i < sizeof t->window / sizeof t->window[0]; i++)
		if (next_number(s, &f, "window", UINT32_MAX, &t->window[i]) != 0)
			return -1;
	return at_end(s, f);
}

int take_tcp(struct parser *s)
{
	const struct field *f = s->line.fields;
	struct field sent = f[2], buffers = f[6];
	struct socket_line *line = parser_socket_line(s, TCP_LINE);
	struct socket_tcp *t;
	uint64_t received;

	if (!line)
		return -1;
	t = line->tcp = arena_alloc(&s->p->arena, sizeof *t);
	if (!t)
		return parser_no_memory(s);
	if (next_number(s, &sent, "sequence number", UINT32_MAX, &t->sent) != 0 ||
	    next_number(s, &sent, "unsent bytes", INT32_MAX, &t->unsent) != 0 ||
	    at_end(s, sent) != 0 ||
	    number_decimal(s, f[3], "sequence number", UINT32_MAX, &received) != 0 ||
	    take_options(s, f[4], t) != 0 || take_window(s, f[5], t) != 0 ||
	    next_number(s, &buffers, "size", INT32_MAX, &t->send_buffer) != 0 ||
	    next_number(s, &buffers, "size", INT32_MAX, &t->receive_buffer) != 0)
		return -1;
	t->received = (uint32_t)received;
	return at_end(s, buffers);
}

int take_tcp_data(struct parser *s)
{
	struct socket_line *line = parser_socket_line(s, TCP_DATA_LINE);

	if (!line || field_bytes(s, s->line.fields[2], "bytes", &line->bytes, &line->size) != 0)
		return -1;
	return line->size ? 0 : field_error(s, s->line.fields[2], "bytes are missing");
}

/* ---- When all lines are read ----------------------------------------------------------------- */

static struct socket_tcp *find_tcp(struct parser *s, const struct socket_line *line)
{
	struct socket *socket = parser_socket(s, line);

	if (socket && !socket->tcp)
		place_error(s, line->at, "descriptor %d has no tcp line", line->fd);
	return socket ? socket->tcp : NULL;
}

int add_tcp(struct parser *s, struct socket_line *line)
{
	struct socket *socket = parser_socket(s, line);

	if (!socket)
		return -1;
	if ((socket->family != AF_INET && socket->family != AF_INET6) ||
	    socket->type != SOCK_STREAM || socket->protocol != IPPROTO_TCP ||
	    socket->state != SOCKET_CONNECTED || !socket->local.size || !socket->peer.size)
		return place_error(s, line->at,
				   "descriptor %d is no TCP connection with two addresses",
				   line->fd);
	if (socket->tcp)
		return place_error(s, line->at, "descriptor %d has a tcp line already", line->fd);
	socket->tcp = line->tcp;
	return 0;
}

/* First the size is found, then the lines are put together. */
int measure_tcp_data(struct parser *s, struct socket_line *line)
{
	struct socket_tcp *t = find_tcp(s, line);

	if (!t)
		return -1;
	t->size += line->size;
	return 0;
}

int add_tcp_data(struct parser *s, struct socket_line *line)
{
	struct socket_tcp *t = find_tcp(s, line);

	if (!t)
		return -1;
	if (!t->bytes) {
		t->bytes = arena_alloc(&s->p->arena, t->size);
		if (!t->bytes)
			return parser_no_memory(s);
		t->size = 0;
	}
	memcpy((uint8_t *)t->bytes + t->size, line->bytes, line->size);
	t->size += line->size;
	return 0;
}

int check_tcp(struct parser *s, struct socket_line *line)
{
	if (line->tcp->unsent > line->tcp->size)
		return place_error(s, line->at,
				   "descriptor %d has %u unsent bytes, but %lu in its tcp-data "
				   "lines",
				   line->fd, line->tcp->unsent, (unsigned long)line->tcp->size);
	return 0;
}
