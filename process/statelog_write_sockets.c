/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing the lines of sockets: `socket` and `socket-*`, `tcp` and `tcp-data`. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "process/statelog_out.h"
#include "process/socket.h"

enum { BYTES_PER_LINE = 64 };

/* ---- Addresses ------------------------------------------------------------------------------- */

/* A path whose first character would make it something else has that one escaped. */
static void put_unix_address(struct out *o, const struct socket_address *a)
{
	const uint8_t *name = a->bytes + offsetof(struct sockaddr_un, sun_path);
	size_t size = a->size - offsetof(struct sockaddr_un, sun_path);

	if (!*name) {
		print(o, "@");
		put_bytes(o, name + 1, size - 1);
		return;
	}
	size = strnlen((const char *)name, size);
	if (*name == '@' || (*name == '-' && size == 1)) {
		put_escaped(o, *name++);
		size--;
	}
	put_bytes(o, name, size);
}

static void put_inet6_address(struct out *o, const struct sockaddr_in6 *in)
{
	print(o, "[");
	for (int i = 0; i < 16; i += 2)
		print(o, "%s%x", i ? ":" : "",
		      in->sin6_addr.s6_addr[i] << 8 | in->sin6_addr.s6_addr[i + 1]);
	if (in->sin6_scope_id)
		print(o, "%%%u", in->sin6_scope_id);
	print(o, "]:%u", ntohs(in->sin6_port));
}

static void put_address(struct out *o, const struct socket_address *a)
{
	const struct sockaddr *address = (const struct sockaddr *)a->bytes;
	const struct sockaddr_in *in = (const struct sockaddr_in *)a->bytes;

	if (!a->size) {
		print(o, "-");
		return;
	}
	switch (address->sa_family) {
	case AF_UNIX:
		put_unix_address(o, a);
		break;
	case AF_INET: {
		const uint8_t *ip = (const uint8_t *)&in->sin_addr;

		print(o, "%u.%u.%u.%u:%u", ip[0], ip[1], ip[2], ip[3], ntohs(in->sin_port));
		break;
	}
	case AF_INET6:
		put_inet6_address(o, (const struct sockaddr_in6 *)a->bytes);
		break;
	default:
		print(o, "0x");
		for (size_t i = 0; i < a->size; i++)
			print(o, "%02x", a->bytes[i]);
	}
}

/* ---- Lines ----------------------------------------------------------------------------------- */

static void put_state(struct out *o, const struct socket *s)
{
	print(o, "%s", socket_state_words[s->state]);
	if (s->state == SOCKET_LISTENING)
		print(o, " %u %u", s->backlog, s->waiting);
	for (size_t i = 0; i < SOCKET_FLAG_WORDS; i++)
		if (s->flags & socket_flag_words[i].flag)
			print(o, " %s", socket_flag_words[i].word);
}

static void put_option(struct out *o, int fd, const struct socket_option *option)
{
	const struct socket_option_kind *kind = &socket_option_kinds[option->kind];
	const char *blank = "";

	print(o, "socket-option : %d : %s : ", fd, kind->word);
	if (kind->form == OPTION_TEXT)
		put_bytes(o, option->value, option->size);
	for (size_t i = 0; kind->form == OPTION_NUMBERS && i < option->size; i += 4, blank = " ") {
		int32_t number;

		memcpy(&number, option->value + i, sizeof number);
		print(o, "%s%d", blank, number);
	}
	for (size_t i = 0; kind->form == OPTION_LONGS && i < option->size; i += 8, blank = " ") {
		uint64_t number;

		memcpy(&number, option->value + i, sizeof number);
		print(o, "%s%lu", blank, (unsigned long)number);
	}
	print(o, "\n");
}

static void put_stream(struct out *o, const char *keyword, int fd, const uint8_t *bytes,
		       size_t size)
{
	for (size_t i = 0; i < size; i += BYTES_PER_LINE) {
		size_t rest = size - i;

		print(o, "%s : %d : ", keyword, fd);
		put_bytes(o, bytes + i, rest < BYTES_PER_LINE ? rest : BYTES_PER_LINE);
		print(o, "\n");
	}
}

static void put_tcp(struct out *o, int fd, const struct socket_tcp *t)
{
	print(o, "tcp : %d : %u %u : %u : mss %u", fd, t->sent, t->unsent, t->received, t->mss);
	if (t->options & TCP_HAS_SCALES)
		print(o, " scales %u %u", t->send_scale, t->receive_scale);
	if (t->options & TCP_HAS_SACK)
		print(o, " sack");
	if (t->options & TCP_HAS_TIMESTAMPS)
		print(o, " timestamp %u", t->timestamp);
	print(o, " : %u %u %u %u %u : %u %u\n", t->window[0], t->window[1], t->window[2],
	      t->window[3], t->window[4], t->send_buffer, t->receive_buffer);
	put_stream(o, "tcp-data", fd, t->bytes, t->size);
}

static void put_rights(struct out *o, const struct socket_message *m)
{
	const char *blank = " : ";

	for (size_t i = 0; i < m->right_count; i++, blank = " ")
		print(o, "%s%d", blank, m->rights[i]);
	print(o, "\n");
}

/* A piece that descriptors come with is one line, as the next line may be another piece. */
static void put_piece(struct out *o, int fd, const struct socket_message *m)
{
	if (!m->right_count) {
		put_stream(o, "socket-data", fd, m->bytes, m->size);
		return;
	}
	print(o, "socket-data : %d : ", fd);
	put_bytes(o, m->bytes, m->size);
	put_rights(o, m);
}

static void put_message(struct out *o, int fd, const struct socket_message *m)
{
	print(o, "socket-message : %d : %lu", fd, (unsigned long)m->size);
	if (m->size || m->from.size || m->right_count)
		print(o, " : ");
	put_bytes(o, m->bytes, m->size);
	if (m->from.size || m->right_count) {
		print(o, " : ");
		put_address(o, &m->from);
	}
	put_rights(o, m);
}

void put_socket(struct out *o, int fd, const struct socket *s)
{
	print(o, "socket : %d : %s %s", fd, socket_family_word(s->family),
	      socket_type_word(s->type));
	if (s->protocol)
		print(o, " %d", s->protocol);
	print(o, " : ");
	put_state(o, s);
	print(o, " : ");
	put_address(o, &s->local);
	print(o, " : ");
	put_address(o, &s->peer);
	if (s->peer_id)
		print(o, " : socket:[%lu]", (unsigned long)s->peer_id);
	print(o, "\n");
	for (size_t i = 0; i < s->option_count; i++)
		put_option(o, fd, &s->options[i]);
	for (size_t i = 0; i < s->message_count; i++) {
		if (s->type == SOCK_STREAM)
			put_piece(o, fd, &s->messages[i]);
		else
			put_message(o, fd, &s->messages[i]);
	}
	if (s->tcp)
		put_tcp(o, fd, s->tcp);
}
