/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Descriptors on their way in AF_UNIX sockets: see procfs_sockets.h. */
#define _GNU_SOURCE
#include <linux/kcmp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "process/procfs_private.h"
#include "process/procfs_sockets.h"

enum { NEW_SCM_PIDFD = 4 };  /* SCM_PIDFD (include/linux/socket.h) */

void socket_let_rights_go(struct socket_message *m)
{
	for (size_t i = 0; i < m->right_count; i++)
		close(m->rights[i]);
	m->right_count = 0;
}

/* What the kernel makes because of SO_PASSPIDFD is of no use to us. */
static void close_pidfd(const struct cmsghdr *header)
{
	int fd;

	memcpy(&fd, CMSG_DATA(header), sizeof fd);
	if (fd >= 0)
		close(fd);
}

int socket_take_rights(struct socket_reader *r, struct msghdr *header, struct socket_message *m)
{
	for (struct cmsghdr *h = CMSG_FIRSTHDR(header); h; h = CMSG_NXTHDR(header, h)) {
		size_t count = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		int *rights;

		if (h->cmsg_level == SOL_SOCKET && h->cmsg_type == NEW_SCM_PIDFD && count == 1)
			close_pidfd(h);
		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS || !count)
			continue;
		rights = arena_alloc(&r->p->arena, count * sizeof *rights);
		if (!rights)
			return no_memory(r->err);
		memcpy(rights, CMSG_DATA(h), count * sizeof *rights);
		m->rights = rights;
		m->right_count = count;
	}
	/* We may have no room for so many descriptors. */
	if (header->msg_flags & MSG_CTRUNC) {
		socket_let_rights_go(m);
		r->socket->flags |= SOCKET_LOST_RIGHTS;
	}
	return 0;
}

/* Which description a descriptor has that is not the process's, kcmp() alone can tell. */
static bool can_compare(const struct entries *entries, int fd)
{
	pid_t own = getpid();

	return entries->count &&
	       syscall(SYS_kcmp, entries->pid ? entries->pid : own, own, KCMP_FILE,
		       entries->all[0].at, fd) >= 0;
}

int procfs_add_rights(struct process *p, struct entries *entries, struct socket *s,
		      struct error *err)
{
	for (size_t i = 0; i < s->message_count; i++) {
		struct socket_message *m = &s->messages[i];
		int *places = (int *)m->rights;

		if (m->right_count && !can_compare(entries, m->rights[0])) {
			socket_let_rights_go(m);
			s->flags |= SOCKET_LOST_RIGHTS;
		}
		for (size_t k = 0; k < m->right_count; k++) {
			size_t place;

			if (procfs_add_in_flight(p, entries, places[k], &place, err) < 0)
				return -1;
			places[k] = (int)place;
		}
	}
	return 0;
}

void procfs_name_rights(struct process *p, const struct entries *entries)
{
	for (size_t i = 0; i < p->description_count; i++) {
		struct socket *s = p->descriptions[i].socket;

		for (size_t k = 0; s && k < s->message_count; k++) {
			int *rights = (int *)s->messages[k].rights;

			for (size_t n = 0; n < s->messages[k].right_count; n++)
				rights[n] = p->descriptors[entries->all[rights[n]].index].fd;
		}
	}
}
