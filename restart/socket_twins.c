/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Two sockets that cannot both be: one line in the text would have to be another.  A process may
 * have had two of one path, where the first one's file was removed before the second was bound;
 * which of them others reach by it nobody knows any more.
 */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "restart/sockets.h"

static bool has(const struct socket *s, int name)
{
	return socket_option_number(s, SOL_SOCKET, name, 0);
}

/* Whether the kernel would refuse the second of two sockets with one address. */
static bool excludes(const struct socket *a, const struct socket *b)
{
	const struct sockaddr_un *un = (const struct sockaddr_un *)a->local.bytes;

	if (a->family == AF_UNIX)  /* unix_bind_bsd(), unix_bind_abstract() */
		return un->sun_path[0] || a->type == b->type;
	if ((a->family != AF_INET && a->family != AF_INET6) || a->type != b->type ||
	    socket_option(a, SOL_SOCKET, SO_BINDTODEVICE) ||
	    socket_option(b, SOL_SOCKET, SO_BINDTODEVICE) ||
	    (has(a, SO_REUSEPORT) && has(b, SO_REUSEPORT)))
		return false;
	if (a->type == SOCK_STREAM)  /* inet_csk_bind_conflict() */
		return a->state == SOCKET_LISTENING && b->state == SOCKET_LISTENING;
	return a->type == SOCK_DGRAM && a->protocol == b->protocol &&
	       !(has(a, SO_REUSEADDR) && has(b, SO_REUSEADDR));
}

static void check_two_names(const struct restore *r, struct findings *f, size_t i, size_t j)
{
	const struct socket *a = socket_of(r, i), *b = socket_of(r, j);
	struct text_place at = place_of(r, first_descriptor(r, j));

	if (r->sockets[i].way != WAY_ALONE || r->sockets[j].way != WAY_ALONE ||
	    a->family != b->family || a->local.size != b->local.size ||
	    memcmp(a->local.bytes, b->local.bytes, a->local.size) != 0 || !excludes(a, b))
		return;
	findings_add(f, OBSTACLE, "%sdescriptors %d and %d were both bound to %s, which only one "
		     "socket can be (edit the address of one of them)", at.text,
		     first_descriptor(r, i)->fd, first_descriptor(r, j)->fd,
		     socket_address_text(&a->local).text);
}

static void check_two_ids(const struct restore *r, struct findings *f, size_t i, size_t j)
{
	const struct description *files = r->process->descriptions;
	struct text_place at = place_of(r, first_descriptor(r, j));

	if (files[i].pipe_id == files[j].pipe_id)
		findings_add(f, OBSTACLE, "%sdescriptors %d and %d are both %s (make one a dup of "
			     "the other, or give it another number)", at.text,
			     first_descriptor(r, i)->fd, first_descriptor(r, j)->fd,
			     files[j].name);
}

typedef void check_pair(const struct restore *r, struct findings *f, size_t i, size_t j);

static void check_neighbours(const struct restore *r, struct findings *f,
			     const struct socket_index *index, check_pair *check)
{
	for (size_t k = 1; k < index->count; k++)
		check(r, f, index->descriptions[k - 1], index->descriptions[k]);
}

void check_socket_twins(const struct restore *r, struct findings *f)
{
	check_neighbours(r, f, &r->sockets_by_id, check_two_ids);
	check_neighbours(r, f, &r->sockets_by_name, check_two_names);
}
