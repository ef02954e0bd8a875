/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "restart/relocate.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "process/socket.h"
#include "util/format.h"

/* OLD fits whole components of a path: /home fits /home/a, not /homely. */
static bool fits(const struct path_map *map, const char *path)
{
	if (strncmp(path, map->old, map->old_len) != 0)
		return false;
	char next = path[map->old_len];
	return next == '\0' || next == '/' || map->old[map->old_len - 1] == '/';
}

/* Returns PATH as it is, or its replacement in the arena; NULL when there is no memory. */
static const char *relocated(struct arena *a, const struct options *o, const char *path)
{
	for (size_t i = 0; i < o->map_count; i++) {
		const struct path_map *map = &o->maps[i];

		if (!fits(map, path))
			continue;
		const char *rest = path + map->old_len;
		size_t size = strlen(map->new) + strlen(rest) + 1;
		char *copy = arena_alloc(a, size);

		if (copy)
			format(copy, size, "%s%s", map->new, rest);
		return copy;
	}
	return path;
}

static int relocate(struct process *p, const struct options *o, const char **path,
		    struct error *err)
{
	if (!*path)
		return 0;
	*path = relocated(&p->arena, o, *path);
	return *path ? 0 : error_set(err, ENOMEM, "not enough memory");
}

/* A path from the working directory of then moves with that one. */
static int relocate_address(const struct options *o, struct socket_address *a, struct error *err)
{
	struct sockaddr_un *un = (struct sockaddr_un *)a->bytes;
	const size_t before = offsetof(struct sockaddr_un, sun_path);
	char old[SOCKET_ADDRESS_SIZE] = "", new[PATH_MAX];

	if (a->size <= before || un->sun_family != AF_UNIX || un->sun_path[0] != '/')
		return 0;
	memcpy(old, un->sun_path, a->size - before);
	for (size_t i = 0; i < o->map_count; i++) {
		if (!fits(&o->maps[i], old))
			continue;
		if (format(new, sizeof new, "%s%s", o->maps[i].new, old + o->maps[i].old_len) >
		    sizeof un->sun_path)
			return error_set(err, ENAMETOOLONG, "--map: %.*s in place of %s is too "
					 "long for the name of a socket (use a shorter NEW)", 200,
					 new, old);
		memset(a->bytes + before, 0, sizeof a->bytes - before);
		memcpy(un->sun_path, new, strlen(new));
		a->size = before + strlen(new) + 1;
		break;
	}
	return 0;
}

static int relocate_socket(const struct options *o, struct socket *s, struct error *err)
{
	if (relocate_address(o, &s->local, err) < 0 || relocate_address(o, &s->peer, err) < 0)
		return -1;
	for (size_t i = 0; i < s->message_count; i++)
		if (relocate_address(o, &s->messages[i].from, err) < 0)
			return -1;
	return 0;
}

int relocate_paths(struct process *p, const struct options *o, struct error *err)
{
	if (!o->map_count)
		return 0;
	for (size_t i = 0; i < p->mapping_count; i++)
		if (relocate(p, o, &p->mappings[i].path, err) < 0)
			return -1;
	for (size_t i = 0; i < p->description_count; i++)
		if (p->descriptions[i].kind == FILE_PATH &&
		    relocate(p, o, &p->descriptions[i].name, err) < 0)
			return -1;
	for (size_t i = 0; i < p->description_count; i++)
		for (size_t k = 0; k < p->descriptions[i].notice_count; k++)
			if (relocate(p, o, &p->descriptions[i].notices[k].path, err) < 0)
				return -1;
	for (size_t i = 0; i < p->description_count; i++)
		if (p->descriptions[i].socket &&
		    relocate_socket(o, p->descriptions[i].socket, err) < 0)
			return -1;
	for (size_t i = 0; i < p->nameless_count; i++)
		if (!p->nameless[i].memfd && relocate(p, o, &p->nameless[i].name, err) < 0)
			return -1;
	if (relocate(p, o, &p->exe, err) < 0 || relocate(p, o, &p->cwd, err) < 0)
		return -1;
	return 0;
}
