/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is at the path of an AF_UNIX address now. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "restart/sockets.h"
#include "util/cleanup.h"
#include "util/format.h"

static bool has_path(const struct socket_address *a)
{
	const struct sockaddr_un *un = (const struct sockaddr_un *)a->bytes;

	return a->size > offsetof(struct sockaddr_un, sun_path) && un->sun_family == AF_UNIX &&
	       un->sun_path[0];
}

bool socket_path_is_relative(const struct socket_address *a)
{
	return has_path(a) && ((const struct sockaddr_un *)a->bytes)->sun_path[0] != '/';
}

/*
 * A datagram socket may connect to a socket of any type without the other noticing: to one that
 * nobody has any more it is refused, to one of another type it is the wrong type.
 */
static bool is_live(const char *path)
{
	cleanup_fd int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	cleanup_fd int directory = -1;
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	size_t size = strlen(path);
	char copy[PATH_MAX];

	/* A path that is too long is one from the working directory of then. */
	if (size >= sizeof un.sun_path && size < sizeof copy) {
		memcpy(copy, path, size + 1);
		directory = open(dirname(copy), O_PATH | O_CLOEXEC);
		memcpy(copy, path, size + 1);
		snprintf(un.sun_path, sizeof un.sun_path, "/proc/self/fd/%d/%.80s", directory,
			 basename(copy));
	} else {
		memcpy(un.sun_path, path, size);
	}
	return fd >= 0 && (connect(fd, (struct sockaddr *)&un, sizeof un) == 0 ||
			   errno != ECONNREFUSED);
}

struct socket_path socket_path(const struct restore *r, const struct socket_address *a)
{
	struct socket_path p = { .state = PATH_NONE };
	char whole[PATH_MAX], directory[PATH_MAX];
	struct stat st;

	if (!has_path(a))
		return p;
	snprintf(p.path, sizeof p.path, "%.*s",
		 (int)(a->size - offsetof(struct sockaddr_un, sun_path)),
		 ((const struct sockaddr_un *)a->bytes)->sun_path);
	/* Cut short it would be another file's, which may be a socket where this one is none. */
	if (format(whole, sizeof whole, "%s%s%s",
		   p.path[0] == '/' ? "" : r->process->cwd ? r->process->cwd : ".",
		   p.path[0] == '/' ? "" : "/", p.path) >= sizeof whole) {
		p.state = PATH_UNABLE;
		p.error = ENAMETOOLONG;
		return p;
	}
	snprintf(directory, sizeof directory, "%s", whole);
	if (access(dirname(directory), W_OK | X_OK) < 0) {
		p.state = PATH_UNABLE;
		p.error = errno;
	} else if (lstat(whole, &st) < 0) {
		p.state = PATH_FREE;
	} else if (!S_ISSOCK(st.st_mode)) {
		p.state = PATH_BLOCKED;
	} else {
		p.state = is_live(whole) ? PATH_LIVE : PATH_STALE;
		p.mode = st.st_mode & 07777;
	}
	return p;
}
