/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sockets: how each of them comes back.  sockets.c decides it, before anything else looks at the
 * open files; socket_index.c finds which belong together; check_sockets.c says what will be lost;
 * plan_sockets.c makes them, all at once, before the other files, as one connection may need
 * another socket to be there; and goes on with them when all files are there, as descriptors may
 * come with what waits in a socket:
 *
 *	1	what stands for itself is made, bound, and listens
 *	2	connections whose two ends are in the process
 *
 *	3	what waited in them is sent again
 *	4	datagram sockets are connected, ends are shut
 *	5	options that would have been in the way of all this
 */
#ifndef RESTART_SOCKETS_H
#define RESTART_SOCKETS_H

#include "process/socket.h"
#include "restart/plan_files.h"

enum socket_way {
	WAY_NONE,      /* something else stands in for it: plan_files.c knows */
	WAY_ALONE,     /* by itself, perhaps bound, listening or connected to an address */
	WAY_PAIR,      /* with its peer, by socketpair() */
	WAY_ACCEPTED,  /* AF_UNIX: connects to a listener of the process, which accepts its peer */
	WAY_TCP_PAIR,  /* over the loopback, by a listening socket made for that */
	WAY_TCP_LIVE,  /* --tcp-established: a connection to another process, as it was */
	WAY_CLOSED,    /* as one whose peer is gone, with what is left to read */
};

static const size_t NO_DESCRIPTION = SIZE_MAX;

struct socket_case {
	enum socket_way way;
	bool leads;       /* of two, the one for which both are made */
	bool lost;        /* WAY_CLOSED: the peer is alive elsewhere */
	bool refused;     /* the same, and the program need not expect it: a loss to be accepted */
	bool new_server;  /* WAY_TCP_PAIR, the leader: the address connected to is not to be had */
	bool new_client;  /* the same: the port that it connects from */
	bool by_range;    /* the same: it is had by IP_LOCAL_PORT_RANGE and not by bind() */
	size_t peer;      /* of two, the other's description */
	size_t listener;  /* WAY_ACCEPTED: the description that accepts */
	int held_peer;    /* WAY_CLOSED, with descriptors on their way: the end to send them by */
};

/* sockets.c: fills R->sockets, by description. */
MUST_CHECK int index_sockets(struct restore *r, struct error *err);
void free_sockets(struct restore *r);

/* Whether the description comes back as a socket of its own (and not as a stand-in). */
bool is_restored_socket(const struct restore *r, size_t description);

/* socket_index.c; each finds a description, or NO_DESCRIPTION. */
MUST_CHECK int socket_index_make(struct restore *r, struct error *err);
void socket_index_free(struct restore *r);
const struct socket *socket_of(const struct restore *r, size_t description);
size_t socket_of_id(const struct restore *r, uint64_t id);
/* The other end of the TCP connection of S. */
size_t socket_other_end(const struct restore *r, const struct socket *s);
/* The socket of the process that is bound to the address A. */
size_t socket_bound_to(const struct restore *r, const struct socket_address *a, int type);
/* The one that accepts connections to the address A, which may be bound to all addresses. */
size_t socket_listener(const struct restore *r, const struct socket_address *a, int type);

/* tcp_pairs.c: finds out whether the old addresses can be had.  May wait for a second. */
void probe_tcp_pairs(struct restore *r);
void plan_tcp_pair(const struct restore *r, struct plan *plan, size_t leader);
/* A TCP socket whose peer is gone. */
void plan_tcp_closed(const struct restore *r, struct plan *plan, size_t description);

/*
 * tcp_live.c: why the connection of S cannot be carried on here (TCP_UNABLE: errno), and how it
 * is made, in repair mode (TCP_REPAIR), which it leaves at the end of the plan: a restart that
 * fails before leaves the peer as it is.
 */
enum tcp_obstacle { TCP_NO_OBSTACLE, TCP_NO_PRIVILEGE, TCP_NO_ADDRESS, TCP_TAKEN, TCP_UNABLE };
enum tcp_obstacle tcp_live_obstacle(const struct socket *s);
void plan_tcp_live(const struct restore *r, struct plan *plan, size_t description);

/*
 * tcp_fin.c: the end of the peer's side, for S, which is in place and has descriptor FD.  Not
 * possible: errno; it takes CAP_NET_RAW.
 */
bool tcp_fin_possible(const struct socket *s);
void plan_tcp_fin(struct plan *plan, int fd, const struct socket *s);

/* socket_paths.c: what is at the path of an AF_UNIX address now. */
enum path_state {
	PATH_NONE,     /* the address is none of a path */
	PATH_FREE,
	PATH_STALE,    /* a socket that nobody has */
	PATH_LIVE,     /* a socket of a process */
	PATH_BLOCKED,  /* a file of another kind */
	PATH_UNABLE,   /* the directory is missing, or not ours to write to: errno */
};

struct socket_path {
	enum path_state state;
	int error;        /* PATH_UNABLE */
	unsigned mode;    /* PATH_STALE: its permissions */
	char path[128];   /* as the socket had it */
};

struct socket_path socket_path(const struct restore *r, const struct socket_address *a);
bool socket_path_is_relative(const struct socket_address *a);

/* check_sockets.c: an address for people. */
struct socket_address_text {
	char text[160];
};
struct socket_address_text socket_address_text(const struct socket_address *a);

/* socket_twins.c: two sockets that cannot both be. */
void check_socket_twins(const struct restore *r, struct findings *f);

/* check_sockets.c: what stands in the way of the socket with this lowest descriptor, or is lost. */
void check_socket(const struct restore *r, struct findings *f, const struct descriptor *d);

/* plan_sockets.c: makes them all; and what takes all files to be there. */
void plan_sockets(const struct restore *r, struct plan *plan);
void plan_sockets_rest(const struct restore *r, struct plan *plan);

/* plan_socket_data.c */
void plan_socket_options(struct plan *plan, int fd, const struct socket *s,
			 enum socket_option_when when);
void plan_socket_number(struct plan *plan, int fd, int level, int name, int value);
addr_t plan_socket_address(struct plan *plan, const struct socket_address *a);
uint64_t socket_address_length(const struct socket_address *a);

/* Whether descriptors come with what waits in S. */
bool socket_has_rights(const struct socket *s);

/*
 * socket_room.c: larger buffers, for as long as it takes to send again what waits in S, and the old
 * ones.  S is RECEIVER's, and SENDS is SENDER's, or NULL where that one is closed then.
 */
bool socket_needs_room(const struct socket *s);
void plan_room(struct plan *plan, int sender, int receiver, const struct socket *s);
void plan_room_back(struct plan *plan, int sender, const struct socket *sends, int receiver,
		    const struct socket *s);
void check_room(const struct restore *r, struct findings *f, const struct descriptor *d);

/* Sends what waits in S again: from FD, which is connected to it. */
void plan_socket_messages(struct plan *plan, int fd, const struct socket *s);
/* The same where S is not connected: from whatever has the address that each came from. */
void plan_socket_datagrams(const struct restore *r, struct plan *plan, const struct socket *s);

#endif
