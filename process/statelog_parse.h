/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The parser of the state text.  statelog_parse.c cuts lines into fields and reads numbers and
 * names from fields, with messages that name file, line and column; statelog_files.c,
 * statelog_memory.c, statelog_threads.c and statelog_signals.c know the lines of their subject;
 * statelog.c has the table of keywords and drives it all.  Only statelog*.c include this.
 */
#ifndef PROCESS_STATELOG_PARSE_H
#define PROCESS_STATELOG_PARSE_H

#include "process/socket.h"
#include "process/statelog.h"

/* A part of the text: not ended by a NUL, without blanks around it. */
struct field {
	const char *text;
	size_t len;
};

enum { KEYWORDS = 128 };  /* room for those of the table in statelog.c */

enum { FIELDS = 8 };  /* more than any line may have */

struct line {
	int number;
	const char *start;
	size_t count;  /* of fields; those beyond FIELDS are counted and not kept */
	struct field fields[FIELDS];
};

/* A place in the text, for what can be judged only when all of the text is known. */
struct place {
	int line, column;
};

/* What is kept until all lines are read; each array grows in the arena of the model. */
struct dup {
	struct place at;
	int fd, target;
	size_t description;
};

struct parser;

/* What a line says of a descriptor, whose own line may come later. */
struct addition {
	struct place at;
	int fd;
	/* Adds it to the description D of the descriptor. */
	int (*add)(struct parser *s, const struct addition *a, struct description *d);
	const void *what;
};

enum socket_line_kind {
	SOCKET_LINE,
	SOCKET_OPTION_LINE,
	SOCKET_DATA_LINE,
	SOCKET_MESSAGE_LINE,
	TCP_LINE,
	TCP_DATA_LINE,
};

struct socket_line {
	struct place at;
	enum socket_line_kind kind;
	int fd;
	struct socket *socket;
	struct socket_tcp *tcp;
	struct socket_option option;
	const uint8_t *bytes;
	size_t size;
	struct field from;   /* an address: its family is not known before all lines are */
	struct field rights; /* the descriptors that come with it */
	size_t message;      /* SOCKET_DATA_LINE: index of the message that it is a part of */
	int number;          /* the line it stands on, and its start */
	const char *start;
};

struct thread_line {
	struct place at;
	pid_t tid;
	size_t thread;  /* index into p->threads */
};

struct altstack_line {
	struct place at;
	pid_t tid;
	struct altstack altstack;
};

/* A piece of a file without a name, whose own line may come later. */
struct contents_line {
	struct place at;
	struct file_id id;
	struct extent extent;
};

/* The file of a mapping, whose own line may come later. */
struct mapping_view {
	struct place at;
	addr_t start, end;
	struct file_id id;
};

struct timer_line {
	struct place at;
	struct posix_timer timer;
};

/* An attribute of one thread. */
struct attribute_line {
	struct place at;
	pid_t tid;
	int which;  /* enum attribute, or one of three more in statelog_attributes.c */
	int64_t value;
	struct scheduling scheduling;
	const uint64_t *cpus;
	size_t cpu_words;
};

struct pending {
	struct contents_line *contents;
	size_t contents_count, contents_capacity;
	struct mapping_view *views;
	size_t view_count, view_capacity;
	struct dup *dups;
	size_t dup_count, dup_capacity;
	struct addition *additions;
	size_t addition_count, addition_capacity;
	struct socket_line *sockets;
	size_t socket_count, socket_capacity;
	struct thread_line *threads;
	size_t thread_count, thread_capacity;
	size_t sorted_threads;  /* of threads, once they are sorted by id */
	struct altstack_line *altstacks;
	size_t altstack_count, altstack_capacity;
	struct timer_line *timers;
	size_t timer_count, timer_capacity;
	struct attribute_line *attributes;
	size_t attribute_count, attribute_capacity;
};

struct parser {
	struct process *p;
	addr_t page_size, address_limit;
	const char *name;  /* of the text, for messages */
	statelog_warning *warn;
	void *context;
	struct error *err;
	struct line line;
	bool seen[KEYWORDS];  /* those that may stand only once, by their place in the table */
	uint64_t signals_seen;  /* bit N-1 for signal N */
	struct pending pending;
};

/* Cuts the LEN bytes at TEXT, one line without its end, into s->line; a comment alone counts 0. */
void line_split(struct parser *s, const char *text, size_t len);

/* Fail with `NAME:LINE:COLUMN: ` and the message: at a field of this line, or at a place. */
int field_error(struct parser *s, struct field f, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int place_error(struct parser *s, struct place at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
struct place field_place(const struct parser *s, struct field f);

/* F for a message: cut when it is long, without characters that could upset a terminal. */
struct quoted {
	char text[64];
};
struct quoted field_quote(struct field f);

bool field_is(struct field f, const char *word);

/* Takes the first word, up to a blank or the character STOP, from the front of F. */
struct field field_next(struct field *f, char stop);

/* F as a string in BUF; false when it does not fit. */
bool field_copy(struct field f, char *buf, size_t size);

/*
 * Read F, which is WHAT for messages, as a number of at most MAX.  number_decimal() takes 12 and
 * 0xc, number_hex() c and 0xc, number_octal() 14.
 */
int number_decimal(struct parser *s, struct field f, const char *what, uint64_t max, uint64_t *n);
int number_hex(struct parser *s, struct field f, const char *what, uint64_t max, uint64_t *n);
int number_octal(struct parser *s, struct field f, const char *what, uint64_t max, uint64_t *n);

/* `A-B` in hexadecimal with A <= B <= MAX. */
int number_range(struct parser *s, struct field f, const char *what, uint64_t max,
		 uint64_t *start, uint64_t *end);

/* `SECONDS.NANOSECONDS`: with nine decimals at most, or none; never negative. */
int field_time(struct parser *s, struct field f, const char *what, struct timespec *t);

/* A name that must not be empty, its escapes resolved, as a string in the arena of the model. */
int field_name(struct parser *s, struct field f, const char *what, const char **name);

/* Bytes, which may be zero, their escapes resolved, in the arena of the model. */
int field_bytes(struct parser *s, struct field f, const char *what, const uint8_t **bytes,
		size_t *size);

/* ---- The lines by subject -------------------------------------------------------------------- */

/*
 * take_*() read s->line, whose number of fields was checked.  finish_*() judge what needs all
 * lines, and put the model in order.
 */
int take_descriptor(struct parser *s);
int take_no_descriptors(struct parser *s);
int finish_files(struct parser *s);

/* The descriptor that F names. */
int field_fd(struct parser *s, struct field f, int *fd);

/*
 * For a line of which field 1 is a descriptor: ADD is called with a copy of the SIZE bytes at WHAT
 * when the descriptor's description is known, in the order of the lines.
 */
int add_later(struct parser *s, int (*add)(struct parser *s, const struct addition *a,
					   struct description *d), const void *what, size_t size);

int take_pipe(struct parser *s);
int take_pipe_data(struct parser *s);
int take_pipe_packet(struct parser *s);

int take_epoll_watch(struct parser *s);
int take_inotify_watch(struct parser *s);
int finish_watches(struct parser *s);  /* behind finish_files() */

int take_lock(struct parser *s);
int take_owner(struct parser *s);

int take_stamp(struct parser *s);
int take_nameless(struct parser *s);
int take_contents(struct parser *s);
int finish_nameless(struct parser *s);

int take_signalfd(struct parser *s);
int take_timerfd(struct parser *s);
int take_pidfd(struct parser *s);
int take_tty(struct parser *s);

int take_socket(struct parser *s);
int take_socket_option(struct parser *s);
int take_socket_data(struct parser *s);
int take_socket_message(struct parser *s);
int take_tcp(struct parser *s);
int take_tcp_data(struct parser *s);
int finish_sockets(struct parser *s);  /* behind finish_files() */

/* Adds the line being read, of the descriptor in its second field; NULL when that is none. */
struct socket_line *parser_socket_line(struct parser *s, enum socket_line_kind kind);
/* The socket that LINE speaks of; NULL, with the error, when there is none. */
struct socket *parser_socket(struct parser *s, const struct socket_line *line);

/* statelog_rights.c: adds to M the descriptors that LINE names, if any; they must be there. */
int add_rights(struct parser *s, const struct socket_line *line, const struct socket *socket,
	       struct socket_message *m);

/* statelog_tcp.c: the steps of finish_sockets() for its lines. */
int add_tcp(struct parser *s, struct socket_line *line);
int measure_tcp_data(struct parser *s, struct socket_line *line);
int add_tcp_data(struct parser *s, struct socket_line *line);
int check_tcp(struct parser *s, struct socket_line *line);

/* An address of FAMILY; `-` is none.  A is zero before. */
int take_socket_address(struct parser *s, struct field f, int family, struct socket_address *a);

int take_thread(struct parser *s);
int take_sigaltstack(struct parser *s);
int finish_threads(struct parser *s);

int take_map(struct parser *s);
int take_brk(struct parser *s);
int take_mm(struct parser *s);
int finish_memory(struct parser *s);

int take_memory(struct parser *s);
int take_guard(struct parser *s);
int finish_traits(struct parser *s);

/* `MAJOR:MINOR:INODE`: statelog_contents.c. */
int field_id(struct parser *s, struct field f, struct file_id *id);

int take_view(struct parser *s);
int take_segment(struct parser *s);
int finish_views(struct parser *s);

int take_sigaction(struct parser *s);

int take_itimer(struct parser *s);
int take_timer(struct parser *s);
int take_timers(struct parser *s);
int take_clocks(struct parser *s);
int take_pending(struct parser *s);
int finish_timers(struct parser *s);

/* Lines whose word is an attribute's: `WORD : VALUE [: THREAD]`. */
bool statelog_is_attribute(const char *word, size_t len);
int take_attribute(struct parser *s);
/* `SCHED_FIFO 10`, `SCHED_DEADLINE RUNTIME DEADLINE PERIOD`; `reset-on-fork` may be behind. */
int take_scheduling(struct parser *s, struct field f, struct scheduling *sched);
/* `all`, `0-3,8` */
int take_cpu_list(struct parser *s, struct field f, struct attributes *a);
int take_credentials(struct parser *s);
int take_capabilities(struct parser *s);
int finish_attributes(struct parser *s);

/* ---- Shared by several subjects -------------------------------------------------------------- */

int field_tid(struct parser *s, struct field f, pid_t *tid);
int field_signal(struct parser *s, struct field f, int *signo);

/*
 * After finish_threads(): the thread, which gets a
 * place when no line has named it; NULL: no memory.
 */
struct thread *parser_thread(struct parser *s, struct place at, pid_t tid);

/* For every failed allocation. */
int parser_no_memory(struct parser *s);

#endif
