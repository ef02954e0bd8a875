/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The descriptors that come with what waits in a socket: `5 7`, behind its bytes. */
#define _GNU_SOURCE
#include <sys/socket.h>

#include "process/socket.h"
#include "process/statelog_parse.h"

static size_t count_words(struct field f)
{
	size_t count = 0;

	for (; f.len; field_next(&f, ' '))
		count++;
	return count;
}

int add_rights(struct parser *s, const struct socket_line *line, const struct socket *socket,
	       struct socket_message *m)
{
	struct field rest = line->rights;
	size_t count = count_words(rest);
	int *rights;

	if (!rest.len)
		return 0;
	/* As the parser stood at that line, for the column of a mistake. */
	s->line.number = line->number;
	s->line.start = line->start;
	if (socket->family != AF_UNIX)
		return field_error(s, rest, "descriptors come through sockets of unix only");
	if (count > SOCKET_RIGHTS_MAX)
		return field_error(s, rest, "no more than %d descriptors come at once",
				   SOCKET_RIGHTS_MAX);
	rights = arena_alloc(&s->p->arena, count * sizeof *rights);
	if (!rights)
		return parser_no_memory(s);
	while (rest.len) {
		struct field word = field_next(&rest, ' ');

		if (field_fd(s, word, &rights[m->right_count]) != 0)
			return -1;
		if (!process_descriptor(s->p, rights[m->right_count]))
			return field_error(s, word, "descriptor %d stands on no line",
					   rights[m->right_count]);
		m->right_count++;
	}
	m->rights = rights;
	return 0;
}
