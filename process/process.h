/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The model: one stopped process at one instant, as plain data.
 *
 * A reader (elf/core_read, process/procfs, process/statelog) fills it; a writer or the planner
 * consumes it.  All that it points to lives in its arena, so the same code serves a command and a
 * signal handler, and process_free() is one call.  The only thing behind a function pointer is
 * "read N bytes of memory at address A".
 *
 * Words: a *mapping* is a part of an address space, a *descriptor* is a number in the process, an
 * *open file description* is what one or several descriptors refer to, a *disposition* is what a
 * signal does.
 */
#ifndef PROCESS_PROCESS_H
#define PROCESS_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "process/attributes.h"
#include "process/files.h"
#include "process/segments.h"
#include "process/traits.h"
#include "process/timers.h"
#include "util/arena.h"
#include "util/error.h"

/* An address in the process that the model describes: never a pointer of ours. */
typedef uint64_t addr_t;

struct arch;

/* Where the model came from. */
enum origin {
	ORIGIN_UNKNOWN,
	ORIGIN_KERNEL,  /* a core that the kernel dumped */
	ORIGIN_GDB,     /* a core that gdb's gcore wrote */
	ORIGIN_OURS,    /* a core of our own, with the state note */
	ORIGIN_LIVE,    /* a process that is alive */
	ORIGIN_TEXT,    /* a filedescriptors file alone */
};

/*
 * The kinds of state that the source really held.  Where a bit is missing the restored process gets
 * what a new process has, and restart says what was lost.
 */
enum have {
	HAVE_DESCRIPTORS = 1 << 0,
	HAVE_DISPOSITIONS = 1 << 1,
	HAVE_CWD = 1 << 2,
	HAVE_UMASK = 1 << 3,
	HAVE_MAPPING_FLAGS = 1 << 4,  /* shared or private, true protections */
	HAVE_BRK = 1 << 5,
	HAVE_MM = 1 << 6,             /* the fields of struct mm_fields */
	HAVE_LIMITS = 1 << 7,
	HAVE_ROOT = 1 << 8,
	HAVE_TRAITS = 1 << 12,        /* the list of traits: where none is, there is none */
	HAVE_TIMERS = 1 << 9,         /* the list of POSIX timers */
	HAVE_PENDING = 1 << 10,       /* which signals wait */
};

/* ---- Threads -------------------------------------------------------------------------------- */

/* The bytes that PTRACE_GETREGSET and a core note share, keyed by the note type. */
struct regset {
	uint32_t type;  /* NT_PRSTATUS (the general registers alone), NT_FPREGSET, ... */
	uint32_t size;
	const void *data;
};

enum { THREAD_REGSETS = 8, THREAD_NAME_SIZE = 16 };

struct altstack {
	bool known;
	addr_t sp;
	uint64_t size;
	uint32_t flags;  /* SS_DISABLE, SS_AUTODISARM */
};

struct thread {
	pid_t tid;
	char name[THREAD_NAME_SIZE];  /* empty when not known */
	size_t regset_count;
	struct regset regsets[THREAD_REGSETS];
	uint64_t blocked;             /* signal mask, bit N-1 for signal N */
	bool blocked_known;           /* in a text; cores have it, but for gdb's */
	int signal;                   /* the one it was dumped at, or 0 */
	const void *siginfo;          /* 128 bytes (NT_SIGINFO), or NULL */
	struct altstack altstack;
	struct attributes attributes; /* its own; the rest is struct process's */
};

/* ---- Memory --------------------------------------------------------------------------------- */

/* Where the bytes of a mapping are. */
enum bytes {
	BYTES_SAVED,    /* in the core, from core_offset on */
	BYTES_FILE,     /* in the mapped file: path, from file_offset on */
	BYTES_ZERO,     /* zeros: never touched, or PROT_NONE */
	BYTES_MISSING,  /* nowhere: not dumped, and no file can give them back */
};

enum label { LABEL_NONE, LABEL_HEAP, LABEL_STACK, LABEL_VDSO, LABEL_VVAR, LABEL_VSYSCALL };

/*
 * A kernel mapping whose bytes are in several places is several of these, one for each place.
 * The array in struct process is sorted by start and disjoint.
 */
struct mapping {
	addr_t start, end;     /* page aligned */
	uint32_t prot;         /* PROT_READ | PROT_WRITE | PROT_EXEC */
	bool prot_known;       /* false: a range of a gdb core, whose protection was lost */
	bool shared;           /* MAP_SHARED */
	bool grows_down;
	enum label label;
	enum bytes bytes;
	uint64_t core_offset;  /* BYTES_SAVED; any alignment */
	const char *path;      /* the mapped file, without " (deleted)"; NULL when anonymous */
	uint64_t file_offset;  /* in bytes */
	bool deleted;          /* the file had no name any more */
	struct file_id file;   /* mappings of one file have the same; inode 0: not known */
	int line;              /* of the text it stands on, for messages; 0 when none */
};

/* The fields of PR_SET_MM_MAP that are not brk and auxv; 0 when not known. */
struct mm_fields {
	addr_t start_code, end_code, start_data, end_data, start_stack;
	addr_t arg_start, arg_end, env_start, env_end;
};

/*
 * Reading the memory.  read() fills BUF with the LEN bytes at ADDR, wherever they are (in the core,
 * in a mapped file, zeros), and returns 0; or -1 with the error when a byte is not to be had.
 */
struct memory {
	int (*read)(void *context, addr_t addr, void *buf, size_t len, struct error *err);
	void *context;
};

/* ---- Open files ------------------------------------------------------------------------------ */

enum file_kind {
	FILE_PATH,      /* a regular file, directory, device or fifo: opened by its path */
	FILE_TERMINAL,  /* a terminal: the one that restart runs on */
	FILE_PIPE,      /* an end of a pipe; pipe_id pairs the two ends */
	FILE_EVENTFD,
	FILE_EPOLL,
	FILE_SIGNALFD,
	FILE_TIMERFD,
	FILE_PIDFD,
	FILE_INOTIFY,   /* the offset is how many bytes of events wait to be read */
	FILE_MEMFD,     /* the contents are in the list of files without a name */
	FILE_SOCKET,
	FILE_OTHER,     /* what no path opens again; the name says which: "io_uring", ... */
};

/* An open file description. */
struct description {
	enum file_kind kind;
	const char *name;      /* FILE_PATH: the path; otherwise the word the text uses */
	uint64_t offset;       /* in bytes */
	uint32_t flags;        /* O_*, without O_CLOEXEC */
	bool flags_known;      /* false: open for what the file allows */
	bool deleted;          /* the file has no name any more */
	uint64_t pipe_id;      /* FILE_PIPE and FILE_SOCKET: the inode */
	uint64_t count;        /* FILE_EVENTFD */
	bool semaphore;        /* FILE_EVENTFD: EFD_SEMAPHORE */
	size_t watch_count, watch_capacity;
	struct epoll_watch *watches;  /* FILE_EPOLL */
	size_t notice_count, notice_capacity;
	struct inotify_watch *notices;  /* FILE_INOTIFY, sorted by wd */
	size_t queued_size, queued_capacity;
	uint8_t *queued;       /* FILE_PIPE, the reading end: the bytes that wait in the pipe */
	size_t packet_count, packet_capacity;
	uint32_t *packets;     /* the sizes of the packets that they are; none: a stream of bytes */
	uint32_t pipe_size;    /* FILE_PIPE and fifos: how much it can hold; 0: not known */
	bool hung_up;          /* FILE_SOCKET: its peer is closed and nothing is left to read;
				* FILE_PIPE: nobody has the other end */
	size_t lock_count, lock_capacity;
	struct file_lock *locks;  /* that were taken through this description */
	struct file_owner owner;
	struct file_stamp stamp; /* FILE_PATH, FILE_MEMFD: of a regular file */
	bool mask_known;
	uint64_t mask;         /* FILE_SIGNALFD: bit N-1 for signal N */
	struct timerfd *timer; /* FILE_TIMERFD; NULL: not known */
	struct terminal *terminal;  /* terminals and their masters; NULL: not known (terminal.h) */
	struct socket *socket; /* FILE_SOCKET: what more is known of it, or NULL (socket.h) */
	pid_t pid;             /* FILE_PIDFD: the process; 0: not known, or there is none now */
};

struct descriptor {
	int fd;
	bool close_on_exec;
	bool in_flight;      /* not the process's: only sent to it (struct socket_message) */
	size_t description;  /* index into descriptions */
	int line;            /* of the text it stands on; 0 when none */
};

/* ---- Signals, limits ------------------------------------------------------------------------- */

enum { SIGNALS = 65 };  /* dispositions are indexed by signal number; 0 is not used */

enum disposition_kind {
	DISPOSITION_DEFAULT,
	DISPOSITION_IGNORE,
	DISPOSITION_HANDLER,
	DISPOSITION_CAUGHT,  /* by a handler whose address the source could not see */
};

struct disposition {
	enum disposition_kind kind;
	addr_t handler;
	uint64_t flags;  /* SA_*, as the kernel has them */
	uint64_t mask;   /* bit N-1 for signal N */
	addr_t restorer;
};

enum { LIMITS = 16 };  /* RLIMIT_*; limits are indexed by resource */

struct limit {
	bool known;
	uint64_t soft, hard;  /* UINT64_MAX: unlimited */
};

/* ---- The process ----------------------------------------------------------------------------- */

struct process {
	struct arena arena;
	const struct arch *arch;
	enum origin origin;
	unsigned have;           /* enum have */
	const char *source;      /* the file it was read from, for messages */
	struct timespec when;    /* of the dump; zero when not known */

	/* Identity. */
	pid_t pid, ppid, pgrp, sid;
	uid_t uid;
	gid_t gid;
	char comm[THREAD_NAME_SIZE];
	const char *command_line;  /* as ps shows it (80 characters in a core), or NULL */
	const char *exe;           /* path of the program, or NULL */

	/* Threads: the leader, whose tid is pid, comes first. */
	struct thread *threads;
	size_t thread_count, thread_capacity;

	/* Memory. */
	struct mapping *mappings;
	size_t mapping_count, mapping_capacity;
	struct trait *traits;      /* HAVE_TRAITS; sorted by start, disjoint */
	size_t trait_count, trait_capacity;
	struct guard *guards;      /* sorted by start, disjoint */
	size_t guard_count, guard_capacity;
	struct segment *segments;
	size_t segment_count, segment_capacity;
	addr_t start_brk, brk;     /* HAVE_BRK */
	struct mm_fields mm;       /* HAVE_MM */
	const void *auxv;          /* AT_* pairs as the process has them, or NULL */
	size_t auxv_size;          /* in bytes */
	const void *xsave_layout;  /* note 0x205 (XSAVE component offsets), or NULL */
	size_t xsave_layout_size;
	struct memory memory;

	/* Files. */
	struct description *descriptions;
	size_t description_count, description_capacity;
	struct descriptor *descriptors;  /* sorted by fd */
	size_t descriptor_count, descriptor_capacity;
	struct nameless *nameless; /* sorted by id */
	size_t nameless_count, nameless_capacity;
	uint64_t contents_max;     /* how many bytes of them a reader keeps in all */
	const char *cwd;           /* HAVE_CWD */
	const char *root;          /* HAVE_ROOT; "/" as a rule */
	uint32_t umask;            /* HAVE_UMASK */
	uint32_t children;         /* how many it had, of which none comes back */

	/* Signals and limits. */
	struct disposition dispositions[SIGNALS];  /* HAVE_DISPOSITIONS */
	struct limit limits[LIMITS];               /* HAVE_LIMITS */
	size_t pending_signal_count, pending_signal_capacity;
	struct pending_signal *pending_signals;    /* HAVE_PENDING; in the order of the queues */

	/* Timers. */
	struct interval_timer interval_timers[INTERVAL_TIMERS];
	size_t posix_timer_count, posix_timer_capacity;
	struct posix_timer *posix_timers;          /* HAVE_TIMERS; sorted by id */
	struct clocks clocks;

	/* The rest. */
	struct attributes attributes;
	struct credentials credentials;
};

enum { CONTENTS_MAX = 64 << 20 };  /* contents_max, where the reader is told nothing else */

/* Prepares an empty model.  The struct itself is the caller's; it is about 5 KiB. */
void process_init(struct process *p);

/* Frees all that the model points to. */
void process_free(struct process *p);

/* Append one zeroed element and return it, or NULL when there is no memory. */
struct thread *process_add_thread(struct process *p);
struct mapping *process_add_mapping(struct process *p);
struct trait *process_add_trait(struct process *p);
struct guard *process_add_guard(struct process *p);
struct segment *process_add_segment(struct process *p);
struct description *process_add_description(struct process *p);
struct descriptor *process_add_descriptor(struct process *p);
struct nameless *process_add_nameless(struct process *p);

/* Empties the array of mappings and returns what it was, which stays in the arena: to make anew. */
const struct mapping *process_take_mappings(struct process *p, size_t *count);

/* Appends the part [START, END) of M, with the bytes of the core and of the file that are its. */
struct mapping *process_add_part(struct process *p, const struct mapping *m, addr_t start,
				 addr_t end);

/* Sorts the files without a name by id, as they must be once all are there. */
void process_sort_nameless(struct process *p);
struct pending_signal *process_add_pending_signal(struct process *p);
struct posix_timer *process_add_posix_timer(struct process *p);

/* Find.  Binary search where the array is sorted; NULL when there is none. */
struct thread *process_thread(const struct process *p, pid_t tid);
const struct mapping *process_mapping_at(const struct process *p, addr_t addr);
const struct trait *process_trait_at(const struct process *p, addr_t addr);
const struct descriptor *process_descriptor(const struct process *p, int fd);
struct nameless *process_nameless(const struct process *p, struct file_id id);
const struct regset *thread_regset(const struct thread *t, uint32_t type);

/* Whether it is System V shared memory, so that its inode is the id of a segment. */
bool mapping_is_segment(const struct mapping *m);

/* The value of auxiliary vector entry TYPE (AT_*), or FALLBACK. */
uint64_t process_auxv(const struct process *p, uint64_t type, uint64_t fallback);

/* Reads memory of the process: see struct memory. */
MUST_CHECK int process_read(const struct process *p, addr_t addr, void *buf, size_t len,
			    struct error *err);

/*
 * Adds what the text says to what the core says.  TEXT wins where both speak: descriptors,
 * dispositions, cwd and so on are taken over; its mappings refine those of the core (protection,
 * shared flag, label, path) without adding or removing any range, but for the untouched memory
 * that gdb leaves out.  P keeps pointing into TEXT's strings, so TEXT must live as long as P.
 */
MUST_CHECK int process_merge(struct process *p, const struct process *text, struct error *err);

#endif
