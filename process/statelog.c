/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading the state text: the table of its lines, and the lines of no larger subject. */
#include "process/statelog.h"

#include <errno.h>
#include <string.h>

#include "process/arch.h"
#include "process/names.h"
#include "process/statelog_parse.h"
#include "util/format.h"
#include "util/io.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* Thousands of times what a process needs; it bounds what a hostile file makes us allocate. */
enum { TEXT_MAX = 1 << 30 };

enum { PID_MAX = 4 * 1024 * 1024 };  /* the kernel's PID_MAX_LIMIT */

static int take_name(struct parser *s, const char **name, unsigned have)
{
	if (field_name(s, s->line.fields[1], "name", name) != 0)
		return -1;
	s->p->have |= have;
	return 0;
}

static int take_cwd(struct parser *s)
{
	return take_name(s, &s->p->cwd, HAVE_CWD);
}

static int take_root(struct parser *s)
{
	return take_name(s, &s->p->root, HAVE_ROOT);
}

static int take_exe(struct parser *s)
{
	return take_name(s, &s->p->exe, 0);
}

static int take_comm(struct parser *s)
{
	const char *name;

	if (take_name(s, &name, 0) != 0)
		return -1;
	if (strlen(name) >= sizeof s->p->comm)
		return field_error(s, s->line.fields[1], "name: '%s' is longer than %d characters",
				   field_quote(s->line.fields[1]).text, THREAD_NAME_SIZE - 1);
	strcpy(s->p->comm, name);
	return 0;
}

static int take_umask(struct parser *s)
{
	uint64_t n;

	if (number_octal(s, s->line.fields[1], "umask", 0777, &n) != 0)
		return -1;
	s->p->umask = (uint32_t)n;
	s->p->have |= HAVE_UMASK;
	return 0;
}

static int take_children(struct parser *s)
{
	uint64_t n;

	if (number_decimal(s, s->line.fields[1], "children", UINT32_MAX, &n) != 0)
		return -1;
	s->p->children = (uint32_t)n;
	return 0;
}

static int take_pid(struct parser *s)
{
	static const char *const what[] = { "pid", "parent", "process group", "session" };
	pid_t *const ids[] = { &s->p->pid, &s->p->ppid, &s->p->pgrp, &s->p->sid };
	uint64_t n;

	for (size_t i = 0; i < COUNT(ids); i++) {
		if (number_decimal(s, s->line.fields[i + 1], what[i], PID_MAX, &n) != 0)
			return -1;
		*ids[i] = (pid_t)n;
	}
	if (!s->p->pid)
		return field_error(s, s->line.fields[1], "pid: no process has 0");
	return 0;
}

static int take_limit_value(struct parser *s, struct field f, uint64_t *value)
{
	*value = UINT64_MAX;
	return field_is(f, "unlimited") ? 0 : number_decimal(s, f, "limit", UINT64_MAX, value);
}

static int take_rlimit(struct parser *s)
{
	const struct field *f = s->line.fields;
	struct limit *limit;
	char name[16];
	int resource = field_copy(f[1], name, sizeof name) ? limit_find(name) : -1;

	if (resource < 0)
		return field_error(s, f[1], "'%s' is no limit (nofile, stack, ...)",
				   field_quote(f[1]).text);
	limit = &s->p->limits[resource];
	if (limit->known)
		return field_error(s, f[1], "limit %s has a line already", name);
	if (take_limit_value(s, f[2], &limit->soft) != 0 ||
	    take_limit_value(s, f[3], &limit->hard) != 0)
		return -1;
	if (limit->soft > limit->hard)
		return field_error(s, f[2], "limit: %s is more than the hard limit",
				   field_quote(f[2]).text);
	limit->known = true;
	s->p->have |= HAVE_LIMITS;
	return 0;
}

/* ---- The table of lines ---------------------------------------------------------------------- */

struct keyword {
	const char *name;
	size_t min, max;    /* fields, the keyword included */
	bool once;
	int (*take)(struct parser *s);
	const char *usage;  /* for the message when the number of fields is wrong */
};

static const struct keyword descriptor_line = {
	"", 3, 5, false, take_descriptor, "DESCRIPTOR : FILE : OFFSET [: FLAGS [: dup DESCRIPTOR]]",
};

static const struct keyword attribute_line = {
	"", 2, 3, false, take_attribute, "ATTRIBUTE : VALUE [: THREAD]",
};

static const struct keyword keywords[] = {
	{ "brk", 3, 3, true, take_brk, "brk : START : CURRENT" },
	{ "capabilities", 6, 6, true, take_capabilities,
	  "capabilities : inheritable SET : permitted SET : effective SET : bounding SET : "
	  "ambient SET" },
	{ "clocks", 4, 4, true, take_clocks, "clocks : REALTIME : MONOTONIC : BOOTTIME" },
	{ "comm", 2, 2, true, take_comm, "comm : NAME" },
	{ "contents", 4, 4, false, take_contents, "contents : FILE-ID : OFFSET : BASE64" },
	{ "credentials", 4, 4, true, take_credentials,
	  "credentials : uid R E S F : gid R E S F : groups GROUP..." },
	{ "cwd", 2, 2, true, take_cwd, "cwd : PATH" },
	{ "descriptors", 2, 2, true, take_no_descriptors, "descriptors : none" },
	{ "epoll-watch", 5, 6, false, take_epoll_watch,
	  "epoll-watch : EPOLL-DESCRIPTOR : WATCHED-DESCRIPTOR : EVENTS : DATA [: WORDS]" },
	{ "exe", 2, 2, true, take_exe, "exe : PATH" },
	{ "guard", 2, 2, false, take_guard, "guard : START-END" },
	{ "inotify-watch", 4, 5, false, take_inotify_watch,
	  "inotify-watch : DESCRIPTOR : WATCH : MASK [: PATH]" },
	{ "lock", 6, 6, false, take_lock,
	  "lock : DESCRIPTOR : flock|posix|ofd|lease : read|write : START : END" },
	{ "itimer", 4, 4, false, take_itimer, "itimer : NAME : REMAINING : INTERVAL" },
	{ "map", 4, 6, false, take_map,
	  "map : START-END : PROTECTION : OFFSET [: FILE [: deleted]]" },
	{ "memory", 2, 4, false, take_memory, "memory : START-END : WORDS [: NAME]" },
	{ "mm", 2, 6, true, take_mm, "mm : code A-B : data A-B : stack A : arg A-B : env A-B" },
	{ "nameless", 7, 8, false, take_nameless,
	  "nameless : FILE-ID : memfd|file : NAME : SIZE : MODE : SEALS [: not-saved]" },
	{ "owner", 5, 5, false, take_owner,
	  "owner : DESCRIPTOR : process|thread|group : ID : SIGNAL" },
	{ "pending", 2, 8, false, take_pending,
	  "pending : process or THREAD : SIGNAL [: CODE : PID : UID : VALUE [: MORE]]" },
	{ "pid", 5, 5, true, take_pid, "pid : PID : PARENT : PROCESS-GROUP : SESSION" },
	{ "pidfd", 3, 3, false, take_pidfd, "pidfd : DESCRIPTOR : PID" },
	{ "pipe", 3, 3, false, take_pipe, "pipe : DESCRIPTOR : SIZE" },
	{ "pipe-data", 3, 3, false, take_pipe_data, "pipe-data : DESCRIPTOR : BYTES" },
	{ "pipe-packet", 3, 3, false, take_pipe_packet, "pipe-packet : DESCRIPTOR : BYTES" },
	{ "rlimit", 4, 4, false, take_rlimit, "rlimit : NAME : SOFT : HARD" },
	{ "root", 2, 2, true, take_root, "root : PATH" },
	{ "segment", 5, 6, false, take_segment, "segment : ID : KEY : SIZE : MODE [: removed]" },
	{ "sigaction", 3, 6, false, take_sigaction,
	  "sigaction : SIGNAL : ACTION [: FLAGS : MASK : RESTORER]" },
	{ "sigaltstack", 5, 5, false, take_sigaltstack,
	  "sigaltstack : THREAD : ADDRESS : SIZE : FLAGS" },
	{ "signalfd", 3, 3, false, take_signalfd, "signalfd : DESCRIPTOR : MASK" },
	{ "stat", 5, 5, false, take_stamp, "stat : DESCRIPTOR : FILE-ID : SIZE : MODIFIED" },
	{ "socket", 4, 7, false, take_socket,
	  "socket : DESCRIPTOR : FAMILY TYPE [PROTOCOL] : STATE [: ADDRESS [: PEER [: "
	  "socket:[ID]]]]" },
	{ "socket-data", 3, 4, false, take_socket_data,
	  "socket-data : DESCRIPTOR : BYTES [: SENT-DESCRIPTORS]" },
	{ "socket-message", 3, 6, false, take_socket_message,
	  "socket-message : DESCRIPTOR : SIZE [: BYTES [: FROM [: SENT-DESCRIPTORS]]]" },
	{ "socket-option", 4, 4, false, take_socket_option,
	  "socket-option : DESCRIPTOR : OPTION : VALUE" },
	{ "tcp", 7, 7, false, take_tcp,
	  "tcp : DESCRIPTOR : SENT UNSENT : RECEIVED : OPTIONS : WINDOW : BUFFERS" },
	{ "tcp-data", 3, 3, false, take_tcp_data, "tcp-data : DESCRIPTOR : BYTES" },
	{ "thread", 2, 3, false, take_thread, "thread : THREAD [: NAME]" },
	{ "timerfd", 7, 7, false, take_timerfd,
	  "timerfd : DESCRIPTOR : CLOCK : TICKS : VALUE : INTERVAL : FLAGS" },
	{ "timer", 4, 6, false, take_timer,
	  "timer : ID : CLOCK : NOTIFICATION [: REMAINING : INTERVAL]" },
	{ "timers", 2, 2, true, take_timers, "timers : none" },
	{ "tty", 8, 8, false, take_tty,
	  "tty : DESCRIPTOR : NUMBER FLAGS : SIZE : WAITING : MODES : SPEEDS : CHARACTERS" },
	{ "umask", 2, 2, true, take_umask, "umask : OCTAL" },
	{ "children", 2, 2, true, take_children, "children : NUMBER" },
	{ "view", 3, 3, false, take_view, "view : START-END : MAJOR:MINOR:INODE" },
};

_Static_assert(COUNT(keywords) <= KEYWORDS, "struct parser must have room for all keywords");

static const struct keyword *find_keyword(struct field f)
{
	/* A minus is none of a word: a negative descriptor is a wrong number and no new keyword. */
	if (f.len && (*f.text == '-' || (*f.text >= '0' && *f.text <= '9')))
		return &descriptor_line;
	for (size_t i = 0; i < COUNT(keywords); i++)
		if (field_is(f, keywords[i].name))
			return &keywords[i];
	return statelog_is_attribute(f.text, f.len) ? &attribute_line : NULL;
}

static int warn_unknown(struct parser *s, struct field f)
{
	char message[ERROR_MESSAGE_SIZE];
	struct place at = field_place(s, f);

	if (!f.len)
		return field_error(s, f, "the line starts with a separator");
	if (!s->warn)
		return 0;
	format(message, sizeof message, "%s:%d:%d: unknown keyword '%s': the line is ignored",
	       s->name, at.line, at.column, field_quote(f).text);
	s->warn(s->context, message);
	return 0;
}

static int take_line(struct parser *s)
{
	struct field first = s->line.fields[0];
	const struct keyword *k = find_keyword(first);

	if (!k)
		return warn_unknown(s, first);
	if (s->line.count < k->min)
		return field_error(s, first, "too few fields; the line is '%s', with a blank on "
				   "both sides of every colon", k->usage);
	if (s->line.count > k->max)
		return field_error(s, first, "too many fields; the line is '%s'", k->usage);
	if (k->once) {
		bool *seen = &s->seen[k - keywords];

		if (*seen)
			return field_error(s, first, "%s has a line already", k->name);
		*seen = true;
	}
	return k->take(s);
}

static int take_lines(struct parser *s, const char *text, size_t len)
{
	const char *end = text + len;

	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t length = (size_t)((newline ? newline : end) - text);
		const char *nul = memchr(text, '\0', length);

		s->line.number++;
		s->line.start = text;
		if (nul)
			return field_error(s, (struct field){ nul, 1 }, "a NUL byte: this is no "
					   "text");
		line_split(s, text, length);
		if (s->line.count && take_line(s) != 0)
			return -1;
		text += length + (newline != NULL);
	}
	return 0;
}

int statelog_parse(struct process *p, const char *name, const char *text, size_t len,
		   statelog_warning *warn, void *context, struct error *err)
{
	const struct arch *arch = p->arch ? p->arch : arch_host();
	struct parser s = {
		.p = p, .page_size = arch->page_size, .address_limit = arch->address_limit,
		.name = name, .warn = warn, .context = context, .err = err,
	};

	p->origin = ORIGIN_TEXT;
	p->source = arena_strdup(&p->arena, name);
	if (!p->source)
		return parser_no_memory(&s);
	if (len > TEXT_MAX)
		return error_set(err, EFBIG, "%s: larger than %d bytes", name, TEXT_MAX);
	if (take_lines(&s, text, len) != 0 || finish_files(&s) != 0 || finish_watches(&s) != 0 ||
	    finish_nameless(&s) != 0 || finish_sockets(&s) != 0 || finish_threads(&s) != 0 ||
	    finish_attributes(&s) != 0 || finish_timers(&s) != 0 || finish_memory(&s) != 0 ||
	    finish_traits(&s) != 0 || finish_views(&s) != 0)
		return -1;
	return 0;
}

int statelog_read(struct process *p, const char *path, statelog_warning *warn, void *context,
		  struct error *err)
{
	size_t len;
	char *text = read_file(&p->arena, path, TEXT_MAX, &len, err);

	return text ? statelog_parse(p, path, text, len, warn, context, err) : -1;
}
