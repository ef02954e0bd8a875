/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sockets of the process by what they are known by: inode, name, the two ends. */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "restart/sockets.h"

/* ---- Addresses ------------------------------------------------------------------------------- */

/* An address as it is compared: an IPv4 address in IPv6's clothes is the IPv4 address. */
struct address_key {
	size_t size;
	uint8_t bytes[SOCKET_ADDRESS_SIZE];
};

static struct address_key key_of(const struct socket_address *a)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)a->bytes;
	const struct sockaddr_in *in = (const struct sockaddr_in *)a->bytes;
	struct address_key key = { .size = a->size };
	struct sockaddr_in plain = { .sin_family = AF_INET };

	memcpy(key.bytes, a->bytes, a->size);
	if (!a->size)
		return key;
	if (in->sin_family == AF_INET) {
		plain.sin_port = in->sin_port;
		plain.sin_addr = in->sin_addr;
	} else if (in->sin_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
		plain.sin_port = in6->sin6_port;
		memcpy(&plain.sin_addr, in6->sin6_addr.s6_addr + 12, 4);
	} else {
		return key;
	}
	key.size = sizeof plain;
	memcpy(key.bytes, &plain, sizeof plain);
	return key;
}

static int compare_addresses(const struct socket_address *a, const struct socket_address *b)
{
	struct address_key x = key_of(a), y = key_of(b);

	if (x.size != y.size)
		return x.size < y.size ? -1 : 1;
	return memcmp(x.bytes, y.bytes, x.size);
}

/* ---- Looking them up ------------------------------------------------------------------------- */

const struct socket *socket_of(const struct restore *r, size_t description)
{
	return r->process->descriptions[description].socket;
}

static int by_id(const void *a, const void *b, void *context)
{
	const struct description *files = context;
	uint64_t x = files[*(const size_t *)a].pipe_id, y = files[*(const size_t *)b].pipe_id;

	return (x > y) - (x < y);
}

/* Of the connected ones, by their two addresses. */
static int by_ends(const void *a, const void *b, void *context)
{
	const struct description *files = context;
	const struct socket *x = files[*(const size_t *)a].socket,
			    *y = files[*(const size_t *)b].socket;
	int order = compare_addresses(&x->local, &y->local);

	return order ? order : compare_addresses(&x->peer, &y->peer);
}

/* Of those that own their address, by it. */
static int by_name(const void *a, const void *b, void *context)
{
	const struct description *files = context;
	const struct socket *x = files[*(const size_t *)a].socket,
			    *y = files[*(const size_t *)b].socket;
	int order = compare_addresses(&x->local, &y->local);

	return order ? order : (x->type > y->type) - (x->type < y->type);
}

static void index_add(struct socket_index *index, size_t description)
{
	index->descriptions[index->count++] = description;
}

/* The socket in INDEX, which is sorted by COMPARE, that is as WANTED. */
static size_t find(const struct restore *r, const struct socket_index *index,
		   int (*compare)(const void *, const void *, void *), struct description *wanted)
{
	size_t low = 0, high = index->count, key = 0;

	while (low < high) {
		size_t middle = (low + high) / 2, found = index->descriptions[middle];
		/* The first of two descriptions, of which 1 is the one in the index. */
		struct description both[2] = { *wanted, r->process->descriptions[found] };
		size_t other = 1;
		int order = compare(&other, &key, both);

		if (order == 0)
			return found;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NO_DESCRIPTION;
}

size_t socket_of_id(const struct restore *r, uint64_t id)
{
	struct description wanted = { .pipe_id = id };

	return find(r, &r->sockets_by_id, by_id, &wanted);
}

size_t socket_bound_to(const struct restore *r, const struct socket_address *a, int type)
{
	struct socket named = { .type = type, .local = *a };
	struct description wanted = { .socket = &named };

	return a->size ? find(r, &r->sockets_by_name, by_name, &wanted) : NO_DESCRIPTION;
}

size_t socket_other_end(const struct restore *r, const struct socket *s)
{
	struct socket reversed = { .local = s->peer, .peer = s->local };
	struct description wanted = { .socket = &reversed };

	return s->local.size && s->peer.size ? find(r, &r->sockets_by_ends, by_ends, &wanted)
					     : NO_DESCRIPTION;
}

size_t socket_listener(const struct restore *r, const struct socket_address *a, int type)
{
	struct socket_address any[2] = { { .size = sizeof(struct sockaddr_in) },
					 { .size = sizeof(struct sockaddr_in6) } };
	struct address_key key = key_of(a);
	const struct sockaddr_in *in = (const struct sockaddr_in *)key.bytes;
	size_t found = socket_bound_to(r, a, type);

	if (found == NO_DESCRIPTION && key.size && in->sin_family == AF_INET) {
		struct sockaddr_in *all = (struct sockaddr_in *)any[0].bytes;

		all->sin_family = AF_INET;
		all->sin_port = in->sin_port;
		found = socket_bound_to(r, &any[0], type);
	}
	if (found == NO_DESCRIPTION && key.size &&
	    (in->sin_family == AF_INET || in->sin_family == AF_INET6)) {
		struct sockaddr_in6 *all = (struct sockaddr_in6 *)any[1].bytes;

		all->sin6_family = AF_INET6;
		all->sin6_port = in->sin_port;
		found = socket_bound_to(r, &any[1], type);
	}
	return found != NO_DESCRIPTION && socket_of(r, found)->state == SOCKET_LISTENING
		? found : NO_DESCRIPTION;
}

/* ---- The indexes ----------------------------------------------------------------------------- */

static bool owns_address(const struct socket *s)
{
	return s->local.size &&
	       (s->type == SOCK_DGRAM || s->state == SOCKET_PLAIN || s->state == SOCKET_LISTENING);
}

static int make_index(struct socket_index *index, size_t size)
{
	index->descriptions = calloc(size + 1, sizeof *index->descriptions);
	return index->descriptions ? 0 : -1;
}

static void sort(struct restore *r, struct socket_index *index,
		 int (*compare)(const void *, const void *, void *))
{
	qsort_r(index->descriptions, index->count, sizeof *index->descriptions, compare,
		r->process->descriptions);
}

int socket_index_make(struct restore *r, struct error *err)
{
	const struct process *p = r->process;
	size_t count = p->description_count;

	if (make_index(&r->sockets_by_id, count) < 0 ||
	    make_index(&r->sockets_by_ends, count) < 0 ||
	    make_index(&r->sockets_by_name, count) < 0)
		return error_set(err, ENOMEM, "not enough memory");
	for (size_t i = 0; i < count; i++) {
		const struct socket *s = socket_of(r, i);

		if (p->descriptions[i].kind != FILE_SOCKET || !s)
			continue;
		index_add(&r->sockets_by_id, i);
		if (s->state == SOCKET_CONNECTED && s->family != AF_UNIX && s->type == SOCK_STREAM)
			index_add(&r->sockets_by_ends, i);
		if (owns_address(s))
			index_add(&r->sockets_by_name, i);
	}
	sort(r, &r->sockets_by_id, by_id);
	sort(r, &r->sockets_by_ends, by_ends);
	sort(r, &r->sockets_by_name, by_name);
	return 0;
}

void socket_index_free(struct restore *r)
{
	free(r->sockets_by_id.descriptions);
	free(r->sockets_by_ends.descriptions);
	free(r->sockets_by_name.descriptions);
}
