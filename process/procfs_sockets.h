/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Looking into the sockets of a live process, through a duplicate of its descriptor that changes
 * nothing (or, in the process itself, the descriptor).  Private to procfs*.c; async-signal-safe.
 */
#ifndef PROCESS_PROCFS_SOCKETS_H
#define PROCESS_PROCFS_SOCKETS_H

#include <sys/socket.h>

#include "process/process.h"
#include "process/procfs_files.h"
#include "process/socket.h"

/* A socket that is being read. */
struct socket_reader {
	struct process *p;
	pid_t pid;              /* 0: the caller */
	int fd;                 /* ours, or the process's own when pid is 0 */
	struct socket *socket;
	struct error *err;
};

/*
 * procfs_sockets.c: fills in the sockets among ENTRIES, of which FIRST[i] is the first one with the
 * same description.  Adds the descriptors that are on their way in them, and in those in turn.
 */
MUST_CHECK int procfs_read_sockets(struct process *p, struct entries *entries, const size_t *first,
				   struct error *err);

/*
 * procfs_rights.c: descriptors on their way (SCM_RIGHTS).  A message names them in three ways, one
 * after the other: by our numbers, as they come out of the peek; by their places in ENTRIES; and,
 * once all are in the model, by the numbers they have there.
 */
enum { RIGHTS_ROOM = 2048 };  /* for all that may come with a message */

/* Takes the descriptors out of the message HEADER, which we have received, into M. */
MUST_CHECK int socket_take_rights(struct socket_reader *r, struct msghdr *header,
				  struct socket_message *m);
void socket_let_rights_go(struct socket_message *m);
MUST_CHECK int procfs_add_rights(struct process *p, struct entries *entries, struct socket *s,
				 struct error *err);
void procfs_name_rights(struct process *p, const struct entries *entries);

/*
 * The options of new sockets: of a family, type and protocol each, as far as they were asked for.
 */
struct kind_defaults {
	int family, type, protocol;
	struct { int size; uint8_t value[SOCKET_OPTION_SIZE]; } *options;  /* by kind; -1: none */
};

enum { SOCKET_DEFAULTS = 8 };

struct socket_defaults {
	struct kind_defaults kinds[SOCKET_DEFAULTS];
	size_t count;
};

/* procfs_socket_options.c; and an option whose value is one integer. */
MUST_CHECK int socket_read_options(struct socket_reader *r, struct socket_defaults *all);
int socket_number(int fd, int level, int name, int fallback);

/* procfs_socket_data.c: what waits in the socket to be read.  It stays there. */
MUST_CHECK int socket_read_messages(struct socket_reader *r);

/* One look at what waits: the first bytes of it. */
struct look {
	ssize_t size;      /* of the message, or -1 with errno */
	bool rights;       /* descriptors come with it */
	struct socket_address from;
};

/*
 * procfs_socket_data.c, too: looks from SO_PEEK_OFF on, into BYTES.  With TAKE the descriptors that
 * come with it are taken into it, which must be let go; -1 with ENOMEM.
 */
struct look socket_look(struct socket_reader *r, const struct iovec *iov, size_t count, int flags,
			struct socket_message *take);
MUST_CHECK int socket_add_message(struct socket_reader *r, const struct socket_message *m);

/*
 * procfs_socket_streams.c: the pieces of a stream of SIZE bytes, with some of which descriptors
 * come.  SO_PEEK_OFF is set, and changes.
 */
MUST_CHECK int socket_read_pieces(struct socket_reader *r, size_t size);

/* procfs_tcp.c */
void socket_read_tcp_state(struct socket_reader *r);

/* socket_diag.c: what sock_diag(7) tells of an AF_UNIX socket. */
struct unix_diag_answer {
	uint64_t inode;
	bool connected;
	uint64_t peer;                /* inode; 0: it is closed, or belongs to no descriptor */
	uint32_t shutdown;            /* 1: reading, 2: writing */
	uint32_t backlog, waiting;    /* when listening */
};

struct socket_diag {
	int fd;                       /* or -1 */
	struct arena *arena;
	struct unix_diag_answer *table;  /* by inode, of 1 << bits; NULL: each is asked for alone */
	unsigned bits;
	size_t count;
};

/* For a process that has so many sockets, of whatever kind. */
void socket_diag_open(struct socket_diag *diag, struct arena *arena, size_t sockets);
void socket_diag_close(struct socket_diag *diag);

/* False when it is not to be had. */
bool socket_diag_unix(struct socket_diag *diag, uint64_t inode, struct unix_diag_answer *answer);

#endif
