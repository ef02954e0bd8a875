/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lines `socket`, `socket-option`, `socket-data` and `socket-message`. */
#define _GNU_SOURCE
#include <string.h>
#include <sys/socket.h>

#include "process/socket.h"
#include "process/statelog_parse.h"

/* Far above what any kernel accepts. */
enum { FD_MAX = 16 * 1024 * 1024, MESSAGE_MAX = 256 << 20 };

struct socket_line *parser_socket_line(struct parser *s, enum socket_line_kind kind)
{
	struct pending *pending = &s->pending;
	struct field fd = s->line.fields[1];
	struct socket_line *line;
	uint64_t n;

	if (number_decimal(s, fd, "descriptor", FD_MAX, &n) != 0)
		return NULL;
	line = arena_grow(&s->p->arena, pending->sockets, pending->socket_count,
			  &pending->socket_capacity, sizeof *line);
	if (!line) {
		parser_no_memory(s);
		return NULL;
	}
	pending->sockets = line;
	line += pending->socket_count++;
	*line = (struct socket_line){ .at = field_place(s, fd), .kind = kind, .fd = (int)n };
	return line;
}

/* ---- The lines ------------------------------------------------------------------------------- */

static int take_type(struct parser *s, struct field f, struct socket *socket)
{
	struct field rest = f, family = field_next(&rest, ' '), type = field_next(&rest, ' ');
	char word[16];
	uint64_t protocol = 0;

	socket->family = field_copy(family, word, sizeof word) ? socket_family_find(word) : -1;
	if (socket->family < 0)
		return field_error(s, family, "'%s' is no family of sockets (unix, inet, inet6, "
				   "netlink, packet)", field_quote(family).text);
	socket->type = field_copy(type, word, sizeof word) ? socket_type_find(word) : -1;
	if (socket->type < 0)
		return field_error(s, type.len ? type : f, "'%s' is no type of sockets (stream, "
				   "dgram, seqpacket, raw)", field_quote(type).text);
	if (rest.len && number_decimal(s, rest, "protocol", INT32_MAX, &protocol) != 0)
		return -1;
	socket->protocol = (int)protocol;
	return 0;
}

static int take_flag(struct parser *s, struct field word, struct socket *socket)
{
	for (size_t i = 0; i < SOCKET_FLAG_WORDS; i++) {
		if (field_is(word, socket_flag_words[i].word)) {
			socket->flags |= socket_flag_words[i].flag;
			return 0;
		}
	}
	return field_error(s, word, "'%s' is nothing that a socket can be", field_quote(word).text);
}

static int take_state(struct parser *s, struct field f, struct socket *socket)
{
	struct field rest = f, word = field_next(&rest, ' ');
	uint64_t backlog, waiting;
	int state = SOCKET_PLAIN;

	while (state <= SOCKET_CLOSED && !field_is(word, socket_state_words[state]))
		state++;
	if (state > SOCKET_CLOSED)
		return field_error(s, f, "'%s' is no state of a socket (plain, listening, "
				   "connected, closed)", field_quote(word).text);
	socket->state = (enum socket_state)state;
	if (state == SOCKET_LISTENING) {
		word = field_next(&rest, ' ');
		if (number_decimal(s, word, "backlog", UINT32_MAX, &backlog) != 0)
			return -1;
		socket->backlog = (uint32_t)backlog;
		word = field_next(&rest, ' ');
		if (number_decimal(s, word, "waiting connections", UINT32_MAX, &waiting) != 0)
			return -1;
		socket->waiting = (uint32_t)waiting;
	}
	while (rest.len)
		if (take_flag(s, field_next(&rest, ' '), socket) != 0)
			return -1;
	return 0;
}

static int take_peer_id(struct parser *s, struct field f, struct socket *socket)
{
	static const char prefix[] = "socket:[";
	const size_t len = sizeof prefix - 1;

	if (f.len < len + 2 || memcmp(f.text, prefix, len) != 0 || f.text[f.len - 1] != ']')
		return field_error(s, f, "'%s' is not 'socket:[NUMBER]'", field_quote(f).text);
	return number_decimal(s, (struct field){ f.text + len, f.len - len - 1 }, "number",
			      UINT64_MAX, &socket->peer_id);
}

int take_socket(struct parser *s)
{
	const struct field *f = s->line.fields;
	struct socket_line *line = parser_socket_line(s, SOCKET_LINE);
	struct socket *socket;

	if (!line)
		return -1;
	socket = line->socket = arena_alloc(&s->p->arena, sizeof *socket);
	if (!socket)
		return parser_no_memory(s);
	socket->line = s->line.number;
	if (take_type(s, f[2], socket) != 0 || take_state(s, f[3], socket) != 0 ||
	    (s->line.count > 4 &&
	     take_socket_address(s, f[4], socket->family, &socket->local) != 0) ||
	    (s->line.count > 5 && take_socket_address(s, f[5], socket->family, &socket->peer) != 0))
		return -1;
	return s->line.count > 6 ? take_peer_id(s, f[6], socket) : 0;
}

static int take_numbers(struct parser *s, struct field f, const struct socket_option_kind *kind,
			struct socket_option *option)
{
	size_t each = kind->form == OPTION_LONGS ? 8 : 4;

	for (;;) {
		bool minus = false;
		struct field word = field_next(&f, ' ');
		uint64_t n, max = each == 8 ? UINT64_MAX : INT32_MAX;

		if (option->size + each > kind->size)
			return field_error(s, word.len ? word : f, "%s has %d numbers at most",
					   kind->word, (int)(kind->size / each));
		if (each == 4 && word.len > 1 && *word.text == '-') {
			minus = true;
			max++;
			word = (struct field){ word.text + 1, word.len - 1 };
		}
		if (number_decimal(s, word, "value", max, &n) != 0)
			return -1;
		n = minus ? -n : n;
		memcpy(option->value + option->size, &n, each);
		option->size = (uint8_t)(option->size + each);
		if (!f.len)
			return 0;
	}
}

int take_socket_option(struct parser *s)
{
	const struct field *f = s->line.fields;
	struct socket_line *line = parser_socket_line(s, SOCKET_OPTION_LINE);
	const uint8_t *text;
	size_t size, kind = 0;

	if (!line)
		return -1;
	while (kind < socket_option_kind_count && !field_is(f[2], socket_option_kinds[kind].word))
		kind++;
	if (kind == socket_option_kind_count)
		return field_error(s, f[2], "'%s' is no option of sockets that is known here",
				   field_quote(f[2]).text);
	line->option.kind = kind;
	if (socket_option_kinds[kind].form != OPTION_TEXT)
		return take_numbers(s, f[3], &socket_option_kinds[kind], &line->option);
	if (field_bytes(s, f[3], "value", &text, &size) != 0)
		return -1;
	if (size >= socket_option_kinds[kind].size || memchr(text, '\0', size))
		return field_error(s, f[3], "'%s' is longer than any name of its kind",
				   field_quote(f[3]).text);
	memcpy(line->option.value, text, size);
	line->option.size = (uint8_t)size;
	return 0;
}

int take_socket_data(struct parser *s)
{
	struct socket_line *line = parser_socket_line(s, SOCKET_DATA_LINE);

	if (!line || field_bytes(s, s->line.fields[2], "bytes", &line->bytes, &line->size) != 0)
		return -1;
	if (s->line.count > 3)
		line->rights = s->line.fields[3];
	line->number = s->line.number;
	line->start = s->line.start;
	return line->size ? 0 : field_error(s, s->line.fields[2], "bytes are missing");
}

int take_socket_message(struct parser *s)
{
	const struct field *f = s->line.fields;
	struct socket_line *line = parser_socket_line(s, SOCKET_MESSAGE_LINE);
	uint64_t size;

	if (!line || number_decimal(s, f[2], "size", MESSAGE_MAX, &size) != 0 ||
	    (s->line.count > 3 && field_bytes(s, f[3], "bytes", &line->bytes, &line->size) != 0))
		return -1;
	if (line->size != size)
		return field_error(s, f[2], "size: the message has %lu bytes here",
				   (unsigned long)line->size);
	if (s->line.count > 4)
		line->from = f[4];
	if (s->line.count > 5)
		line->rights = f[5];
	line->number = s->line.number;
	line->start = s->line.start;
	return 0;
}

/* ---- When all lines are read ----------------------------------------------------------------- */

static int add_socket(struct parser *s, struct socket_line *line)
{
	const struct descriptor *fd = process_descriptor(s->p, line->fd);
	struct description *d = fd ? &s->p->descriptions[fd->description] : NULL;

	if (!d || d->kind != FILE_SOCKET)
		return place_error(s, line->at, "descriptor %d is no socket", line->fd);
	if (d->socket)
		return place_error(s, line->at, "descriptor %d has a socket line already",
				   line->fd);
	d->socket = line->socket;
	return 0;
}

struct socket *parser_socket(struct parser *s, const struct socket_line *line)
{
	const struct descriptor *fd = process_descriptor(s->p, line->fd);
	struct socket *socket = fd ? s->p->descriptions[fd->description].socket : NULL;

	if (!socket)
		place_error(s, line->at, "descriptor %d has no socket line", line->fd);
	return socket;
}

static int add_option(struct parser *s, struct socket_line *line)
{
	struct socket *socket = parser_socket(s, line);
	struct socket_option *o;

	if (!socket)
		return -1;
	o = arena_grow(&s->p->arena, socket->options, socket->option_count,
		       &socket->option_capacity, sizeof *o);
	if (!o)
		return parser_no_memory(s);
	socket->options = o;
	o[socket->option_count++] = line->option;
	return 0;
}

static struct socket_message *add_message(struct parser *s, struct socket *socket)
{
	struct socket_message *m = arena_grow(&s->p->arena, socket->messages, socket->message_count,
					      &socket->message_capacity, sizeof *m);

	if (!m) {
		parser_no_memory(s);
		return NULL;
	}
	socket->messages = m;
	m += socket->message_count++;
	*m = (struct socket_message){ 0 };
	return m;
}

/* Whether the bytes of LINE go on from those of the line before. */
static bool goes_on(const struct socket *socket, const struct socket_line *line)
{
	return socket->message_count && !line->rights.len &&
	       !socket->messages[socket->message_count - 1].right_count;
}

/* Lines of a stream are one message: first its size is found, then it is put together. */
static int measure_data(struct parser *s, struct socket_line *line)
{
	struct socket *socket = parser_socket(s, line);

	if (!socket)
		return -1;
	if (socket->type != SOCK_STREAM)
		return place_error(s, line->at, "descriptor %d is no stream: it has messages",
				   line->fd);
	if (!goes_on(socket, line) && !add_message(s, socket))
		return -1;
	line->message = socket->message_count - 1;
	socket->messages[line->message].size += line->size;
	return add_rights(s, line, socket, &socket->messages[line->message]);
}

static int add_data(struct parser *s, struct socket_line *line)
{
	struct socket_message *m = &parser_socket(s, line)->messages[line->message];

	if (!m->bytes) {
		m->bytes = arena_alloc(&s->p->arena, m->size);
		if (!m->bytes)
			return parser_no_memory(s);
		m->size = 0;
	}
	if (line->size)
		memcpy((uint8_t *)m->bytes + m->size, line->bytes, line->size);
	m->size += line->size;
	return 0;
}

static int add_whole_message(struct parser *s, struct socket_line *line)
{
	struct socket *socket = parser_socket(s, line);
	struct socket_message *m;

	if (!socket)
		return -1;
	if (socket->type == SOCK_STREAM)
		return place_error(s, line->at, "descriptor %d is a stream: it has no messages",
				   line->fd);
	m = add_message(s, socket);
	if (!m)
		return -1;
	m->size = line->size;
	m->bytes = line->bytes;
	/* As the parser stood at that line, for the column of a mistake. */
	s->line.number = line->number;
	s->line.start = line->start;
	if (line->from.len && take_socket_address(s, line->from, socket->family, &m->from) != 0)
		return -1;
	return add_rights(s, line, socket, m);
}

int finish_sockets(struct parser *s)
{
	int (*const steps[])(struct parser *, struct socket_line *) = {
		add_socket, add_option, measure_data, add_data, add_whole_message,
		add_tcp, measure_tcp_data, add_tcp_data, check_tcp,
	};
	static const enum socket_line_kind kinds[] = {
		SOCKET_LINE, SOCKET_OPTION_LINE, SOCKET_DATA_LINE, SOCKET_DATA_LINE,
		SOCKET_MESSAGE_LINE, TCP_LINE, TCP_DATA_LINE, TCP_DATA_LINE, TCP_LINE,
	};

	for (size_t step = 0; step < sizeof kinds / sizeof kinds[0]; step++)
		for (size_t i = 0; i < s->pending.socket_count; i++)
			if (s->pending.sockets[i].kind == kinds[step] &&
			    steps[step](s, &s->pending.sockets[i]) != 0)
				return -1;
	return 0;
}
