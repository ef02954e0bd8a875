/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the model knows of a socket besides its descriptor, and the words for it in the text.
 *
 * The socket's own id is the pipe_id of its description (the inode).  Two ends of a connection that
 * are both in the process find each other by peer_id (AF_UNIX) or by their addresses (the internet
 * families).
 */
#ifndef PROCESS_SOCKET_H
#define PROCESS_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/arena.h"

enum socket_state {
	SOCKET_PLAIN,      /* neither of the others; bound when it has a local address */
	SOCKET_LISTENING,
	SOCKET_CONNECTED,
	SOCKET_CLOSED,     /* was connected; the peer is gone */
};

/* Besides the state. */
enum socket_flags {
	SOCKET_SHUT_READ = 1 << 0,       /* by shutdown() */
	SOCKET_SHUT_WRITE = 1 << 1,
	SOCKET_PEER_DONE = 1 << 2,       /* TCP: the peer has ended its side in good order */
	SOCKET_LOST_DATA = 1 << 3,       /* bytes were on their way that nobody could read */
	SOCKET_LOST_RIGHTS = 1 << 4,     /* descriptors were on their way */
	SOCKET_HAS_SENT = 1 << 5,        /* if it was not yet accepted, what it sent is lost */
};

/* As the kernel has it, family included; size 0: none. */
enum { SOCKET_ADDRESS_SIZE = 128 };

struct socket_address {
	size_t size;
	uint8_t bytes[SOCKET_ADDRESS_SIZE] __attribute__((aligned(8)));
};

/*
 * What waits to be read: a datagram, or a piece of a stream.  A piece that descriptors come with
 * (SCM_RIGHTS) is one by itself: they come with its first byte, and a read ends behind its last.
 * What has no descriptor in the process has one in the model, struct descriptor's in_flight.
 */
struct socket_message {
	size_t size;
	const uint8_t *bytes;
	struct socket_address from;
	size_t right_count;
	const int *rights;  /* the descriptors, by number */
};

enum { SOCKET_RIGHTS_MAX = 253 };  /* SCM_MAX_FD (include/net/scm.h) */

enum { SOCKET_OPTION_SIZE = 16 };

struct socket_option {
	size_t kind;  /* index into socket_option_kinds */
	uint8_t size;
	uint8_t value[SOCKET_OPTION_SIZE] __attribute__((aligned(8)));
};

/*
 * What another process must know to carry on a TCP connection, where somebody with CAP_NET_ADMIN
 * has asked for it (ckpt --tcp-established).  What waits to be read is in the messages, as of any
 * stream.
 */
struct socket_tcp {
	uint32_t sent;          /* sequence number behind all that the program has written */
	uint32_t received;      /* behind all that has come, read or not */
	uint32_t unsent;        /* so many of `bytes', the last ones, were never sent */
	size_t size;            /* what the peer has not confirmed, and what is unsent */
	const uint8_t *bytes;
	uint16_t mss;
	uint8_t options;        /* enum tcp_option_flags */
	uint8_t send_scale, receive_scale;
	uint32_t timestamp;     /* the clock of this connection, as TCP_TIMESTAMP has it */
	uint32_t window[5];     /* in the order of struct tcp_repair_window */
	uint32_t send_buffer, receive_buffer;  /* SO_SNDBUF and SO_RCVBUF, whoever has set them */
};

enum tcp_option_flags {         /* that the two agreed upon */
	TCP_HAS_TIMESTAMPS = 1 << 0,
	TCP_HAS_SACK = 1 << 1,
	TCP_HAS_SCALES = 1 << 2,
};

struct socket {
	int family, type, protocol;
	enum socket_state state;
	uint32_t flags;     /* enum socket_flags */
	uint32_t backlog;   /* SOCKET_LISTENING */
	uint32_t waiting;   /* the same: connections that nobody has accepted yet */
	struct socket_address local, peer;
	uint64_t peer_id;   /* AF_UNIX, SOCKET_CONNECTED: the peer's id, or 0 */
	size_t option_count, option_capacity;
	struct socket_option *options;    /* those that are not as in a new socket */
	size_t message_count, message_capacity;
	struct socket_message *messages;  /* the first to be read comes first */
	struct socket_tcp *tcp;           /* or NULL: it cannot be carried on */
	int line;           /* of the text it stands on; 0 when none */
};

/* ---- Options --------------------------------------------------------------------------------- */

enum socket_option_form {
	OPTION_NUMBERS,  /* 32-bit integers: one, or two in SO_LINGER */
	OPTION_LONGS,    /* 64-bit integers: one, or two in a struct timeval */
	OPTION_TEXT,     /* a name */
};

enum socket_option_when {
	OPTION_EARLY,    /* before bind and connect, which it may change */
	OPTION_LATE,     /* when all is in place: it would change how the rest is restored */
};

struct socket_option_kind {
	const char *word;
	int level, name;
	uint8_t size;    /* the largest */
	enum socket_option_form form;
	enum socket_option_when when;
};

extern const struct socket_option_kind socket_option_kinds[];
extern const size_t socket_option_kind_count;

/* The option of S with this level and name, or NULL. */
const struct socket_option *socket_option(const struct socket *s, int level, int name);

/* An option whose value is one integer; FALLBACK where S has none. */
int socket_option_number(const struct socket *s, int level, int name, int fallback);

/* ---- Words ----------------------------------------------------------------------------------- */

/* The word for a number, or NULL; the number for a word, or -1. */
const char *socket_family_word(int family);
int socket_family_find(const char *word);
const char *socket_type_word(int type);
int socket_type_find(const char *word);

extern const char *const socket_state_words[SOCKET_CLOSED + 1];

struct socket_flag_word {
	uint32_t flag;
	const char *word;
};

enum { SOCKET_FLAG_WORDS = 6 };
extern const struct socket_flag_word socket_flag_words[SOCKET_FLAG_WORDS];

#endif
