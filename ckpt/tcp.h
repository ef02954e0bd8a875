/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * TCP connections to other processes that are to live on (--tcp-established): while the process
 * stands still they are put into repair mode (TCP_REPAIR) for a moment, in which the kernel tells
 * all about them.  What arrives from then on is dropped by a socket filter, and the peer sends it
 * again; it would be acknowledged otherwise and yet not be in the checkpoint.
 *
 * Both belong to the connection and not to our descriptor of it, so all must be put right whatever
 * becomes of us: a process that stands by does it when we are gone.  But in repair mode the
 * program's own calls fail, and it goes on the moment we are gone: until that mode is left guard.h
 * keeps us alive.
 *
 *	tcp_hold	reads the connections and has nothing arrive
 *	tcp_release	puts all right again; the process may go on
 *	tcp_kill	the process is about to be killed: repair mode again, in which a socket is
 *			closed without a word to the peer
 *	tcp_forget	it has ended: our descriptors, the last, are closed
 */
#ifndef CKPT_TCP_H
#define CKPT_TCP_H

#include <linux/filter.h>

#include "process/process.h"
#include "process/socket.h"

struct held_tcp {
	int fd, number;            /* ours, and the process's */
	uint64_t id;               /* inode */
	struct socket *socket;
	int reuse;                 /* SO_REUSEADDR, which repair mode changes */
	struct sock_filter *filter;  /* the program's own, of so many instructions */
	unsigned short filter_count;
};

struct tcp_hold {
	struct held_tcp *list;
	size_t count;
	pid_t helper;              /* it stands by; 0: nobody does */
	int end;                   /* of the pipe to it */
	bool killing;
};

/*
 * Holds the connections of process PID, which stands still, and completes its sockets in P.  Those
 * of which both sides have ended are left alone.  On failure nothing is held.
 */
MUST_CHECK int tcp_hold(struct tcp_hold *h, struct process *p, pid_t pid, struct error *err);
void tcp_release(struct tcp_hold *h);
MUST_CHECK int tcp_kill(struct tcp_hold *h, struct error *err);  /* on failure all is put right */
void tcp_forget(struct tcp_hold *h);

/* tcp_read.c: reads a held connection. */
MUST_CHECK int tcp_read(const struct held_tcp *held, struct process *p, struct error *err);

/* tcp_shared.c: whether any other process has one of them: an error. */
MUST_CHECK int tcp_check_shared(const struct tcp_hold *h, pid_t pid, struct error *err);

#endif
