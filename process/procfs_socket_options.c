/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The options of a socket that are not as in a new one of its kind. */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>

#include "process/procfs_private.h"
#include "process/procfs_sockets.h"
#include "util/cleanup.h"

/* Newer than the headers of some C libraries (include/uapi/asm-generic/socket.h). */
enum { NEW_SO_BUF_LOCK = 72, SNDBUF_LOCKED = 1, RCVBUF_LOCKED = 2 };

int socket_number(int fd, int level, int name, int fallback)
{
	int value = fallback;
	socklen_t size = sizeof value;

	return getsockopt(fd, level, name, &value, &size) < 0 ? fallback : value;
}

static bool belongs(const struct socket *s, const struct socket_option_kind *k)
{
	bool internet = s->family == AF_INET || s->family == AF_INET6;

	switch (k->level) {
	case SOL_SOCKET: return true;
	case SOL_IP:
		/* Of no meaning for a stream, which inherits odd values. */
		if (s->type == SOCK_STREAM &&
		    (k->name == IP_MULTICAST_TTL || k->name == IP_MULTICAST_LOOP ||
		     k->name == IP_MULTICAST_IF))
			return false;
		return internet;
	case SOL_IPV6:
		if (s->type == SOCK_STREAM && (k->name == IPV6_MULTICAST_HOPS ||
					       k->name == IPV6_MULTICAST_LOOP ||
					       k->name == IPV6_MULTICAST_IF))
			return false;
		return s->family == AF_INET6;
	case SOL_TCP: return internet && s->type == SOCK_STREAM && s->protocol == IPPROTO_TCP;
	case SOL_UDP: return internet && s->type == SOCK_DGRAM && s->protocol == IPPROTO_UDP;
	default: return s->family == AF_NETLINK;
	}
}

/* The size of the value of option KIND, or -1.  What follows the value is zero. */
static int get(int fd, const struct socket *s, const struct socket_option_kind *k,
	       uint8_t value[SOCKET_OPTION_SIZE])
{
	socklen_t size = k->size;

	memset(value, 0, SOCKET_OPTION_SIZE);
	if (!belongs(s, k) || getsockopt(fd, k->level, k->name, value, &size) < 0)
		return -1;
	/* A name ends in a NUL or not, as each option has it. */
	if (k->form == OPTION_TEXT)
		size = (socklen_t)strnlen((const char *)value, k->size - 1);
	return size <= k->size ? (int)size : -1;
}

static int fill_defaults(struct socket_reader *r, struct kind_defaults *d)
{
	const struct socket *s = r->socket;
	cleanup_fd int fd = socket(s->family, s->type | SOCK_CLOEXEC, s->protocol);

	*d = (struct kind_defaults){ .family = s->family,
				     .type = s->type,
				     .protocol = s->protocol };
	d->options = arena_alloc(&r->p->arena, socket_option_kind_count * sizeof *d->options);
	if (!d->options)
		return no_memory(r->err);
	for (size_t i = 0; i < socket_option_kind_count; i++)
		d->options[i].size = fd < 0 ? -1 : get(fd, s, &socket_option_kinds[i],
						       d->options[i].value);
	return 0;
}

/* Kinds beyond the first few share the last place. */
static const struct kind_defaults *find_defaults(struct socket_reader *r,
						 struct socket_defaults *all)
{
	const struct socket *s = r->socket;
	size_t i = 0;

	while (i < all->count &&
	       (all->kinds[i].family != s->family || all->kinds[i].type != s->type ||
		all->kinds[i].protocol != s->protocol))
		i++;
	if (i == all->count) {
		if (i == SOCKET_DEFAULTS)
			i--;
		else
			all->count++;
		if (fill_defaults(r, &all->kinds[i]) < 0)
			return NULL;
	}
	return &all->kinds[i];
}

/* The kernel sizes these buffers by itself until the program does. */
static bool is_adapted(int fd, const struct socket *s, const struct socket_option_kind *k)
{
	int lock;

	if (k->level != SOL_SOCKET || (k->name != SO_SNDBUF && k->name != SO_RCVBUF) ||
	    s->type != SOCK_STREAM || s->family == AF_UNIX)
		return false;
	lock = socket_number(fd, SOL_SOCKET, NEW_SO_BUF_LOCK, SNDBUF_LOCKED | RCVBUF_LOCKED);
	return !(lock & (k->name == SO_SNDBUF ? SNDBUF_LOCKED : RCVBUF_LOCKED));
}

int socket_read_options(struct socket_reader *r, struct socket_defaults *all)
{
	struct socket *s = r->socket;
	const struct kind_defaults *d = find_defaults(r, all);

	if (!d)
		return -1;
	for (size_t i = 0; i < socket_option_kind_count; i++) {
		uint8_t value[SOCKET_OPTION_SIZE];
		int size = get(r->fd, s, &socket_option_kinds[i], value);
		struct socket_option *o;

		if (size < 0 || (size == d->options[i].size &&
				 memcmp(value, d->options[i].value, sizeof value) == 0) ||
		    is_adapted(r->fd, s, &socket_option_kinds[i]))
			continue;
		o = arena_grow(&r->p->arena, s->options, s->option_count, &s->option_capacity,
			       sizeof *o);
		if (!o)
			return no_memory(r->err);
		s->options = o;
		o += s->option_count++;
		*o = (struct socket_option){ .kind = i, .size = (uint8_t)size };
		memcpy(o->value, value, sizeof value);
	}
	return 0;
}
