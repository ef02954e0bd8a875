/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One restart: the model, what the user asked for, and what was found out on the way.  The stages
 * pass it along:
 *
 *	prepare	infers what a core leaves out of the model (heap, brk, mm fields, libc)
 *	check	collects obstacles and losses; nothing has been started
 *	plan	compiles the model into operations for a given new process
 *	launch	makes that process, runs the plan in it, sets it free
 */
#ifndef RESTART_RESTORE_H
#define RESTART_RESTORE_H

#include <stdbool.h>
#include <sys/types.h>

#include "elf/core_read.h"
#include "process/process.h"
#include "restart/findings.h"
#include "restart/options.h"
#include "restart/plan.h"

/* Where libc keeps what the kernel knows of a thread, as offsets from the thread pointer. */
struct libc_layout {
	bool tid_known, robust_known, rseq_known;
	int64_t tid, robust, rseq;
	addr_t shared_tid;    /* musl: one address for all threads, instead of tid; or 0 */
	uint32_t rseq_size;
};

/* The kernel's code and data in an address space: [vvar], [vvar_vclock], [vdso], ascending. */
enum { VDSO_PARTS = 4 };

struct vdso_place {
	size_t count;              /* parts; the last is [vdso] itself; 0: there is none */
	struct { addr_t start, end; } parts[VDSO_PARTS];
};

/* Descriptors that restart lends to the new process, from fd_base on. */
enum lent_fd { LENT_CORE, LENT_STDIN, LENT_STDOUT, LENT_STDERR, LENT_TERMINAL, LENT_SPARE,
	       LENT_SPARE_WRITER, LENT_DONE,
	       LENT_COUNT };

/* How the threads enter the program at the end of the plan. */
enum finish {
	FINISH_TRACED,    /* a tracer installs the registers and removes the bootstrap */
	FINISH_IN_PLACE,  /* by rt_sigreturn; the bootstrap's pages stay */
};

/* Descriptions of sockets, sorted: sockets.c. */
struct socket_index {
	size_t *descriptions, count;
};

struct restore {
	const struct options *options;
	struct process *process;
	struct core *core;
	const char *core_exe;      /* path of the program then, where `program` stands for it now */
	char *program;             /* path of the program to execute; NULL: restore in place */
	struct libc_layout libc;
	addr_t area;               /* of the bootstrap: AREA_SIZE bytes, free in the core */
	struct vdso_place vdso;    /* of the new process */
	int fd_base;
	size_t *first_descriptor;  /* of each description, the index of its lowest descriptor */
	bool whole;                /* the core needs no file: it is in an executable checkpoint */
	int *nameless;             /* restart's descriptors of the files without a name; or NULL */
	size_t *pipes;             /* descriptions that are pipes, sorted: plan_pipes.c */
	size_t pipe_count;
	size_t *terminals;         /* by description, the master's: terminals.h */
	size_t controlling;        /* the description of the terminal that will control it */
	bool foreground;           /* restart is in the foreground of its terminal */
	struct socket_case *sockets;  /* by description: sockets.h */
	int held_peers;            /* so many ends of sockets wait for all files to be there */
	struct socket_index sockets_by_id, sockets_by_ends, sockets_by_name;
	const struct mapping **views;  /* shared memory without a name, sorted: plan_views.c */
	size_t view_count;
	struct segment_case *segments;  /* System V: segments.h */
	struct held *held;         /* what the core has of them, sorted: held.c */
	size_t held_count;
	bool core_noexec;          /* the core lies where nothing may be mapped executable */
	bool lazy;                 /* map memory from the core where possible */
	int terminal;              /* restart's own terminal, or -1 */
	bool keep_ids;             /* give the threads their old ids */
	bool started;              /* there is a process, or one is left to make it */
	struct {                   /* owners.h: what changes with new ids */
		bool known;
		const addr_t *words;
		size_t count;
		struct arena arena;
	} owners;
	enum finish finish;
	const struct pin *pin;     /* launch.h: of the new process; or NULL */
	/* Called with the new process id when all is well, before the program runs (traced) or just
	 * after (in place). */
	void (*announce)(const struct restore *r, pid_t pid);
};

/* prepare.c */
MUST_CHECK int restore_prepare(struct restore *r, struct error *err);

/* leftover.c: what an earlier restart in place has left in the process. */
void leftover_drop(struct restore *r);

/* libc_layout.c */
void libc_layout_find(struct libc_layout *l, const struct process *p);

/* handlers.c: the handlers that the text calls `caught` and libsavefds remembered. */
void complete_handlers(struct process *p);

/* check.c: everything that can be known before anything is started. */
void restore_check(const struct restore *r, struct findings *f);
void check_files(const struct restore *r, struct findings *f);    /* plan_files.c */
void check_original(const struct restore *r, struct findings *f);  /* original.c */
void check_memory(const struct restore *r, struct findings *f);   /* check_memory.c */
void check_mappings(const struct restore *r, struct findings *f);  /* check_mappings.c */
void check_machine(const struct restore *r, struct findings *f);  /* check_machine.c */
void check_signals(const struct restore *r, struct findings *f);  /* plan_signals.c */
void check_timers(const struct restore *r, struct findings *f);   /* plan_timers.c */
void check_deadlines(const struct restore *r, struct findings *f);  /* deadlines.c */
void check_attributes(const struct restore *r, struct findings *f);  /* plan_attributes.c */
void check_credentials(const struct restore *r, struct findings *f);  /* plan_credentials.c */

/*
 * check.c: whether the memory in the core is verified while it is copied, because a tracer can
 * still end the new process.  Otherwise that has been done before.
 */
bool verified_meanwhile(const struct restore *r);

/*
 * nameless.c: the files without a name, which restart makes again and lends to the new process.
 * nameless_number() is the number that the one with this id has there, or -1 when its contents are
 * not known.
 */
int nameless_number(const struct restore *r, struct file_id id);

/* The number behind all that are lent. */
static inline int lent_end(const struct restore *r)
{
	return r->fd_base + LENT_COUNT + (int)r->process->nameless_count + r->held_peers;
}

MUST_CHECK int nameless_make(struct restore *r, struct error *err);

/* planner.c: the whole restore on one screen. */
MUST_CHECK int restore_plan(const struct restore *r, struct plan *plan, struct error *err);

/* The parts of the plan, in the order of execution. */
void plan_clear(const struct restore *r, struct plan *plan);      /* plan_memory.c */
MUST_CHECK int plan_memory(const struct restore *r, struct plan *plan, struct error *err);
MUST_CHECK int plan_vdso(const struct restore *r, struct plan *plan, struct error *err);
MUST_CHECK int plan_mm(const struct restore *r, struct plan *plan, struct error *err);
void plan_limits(const struct restore *r, struct plan *plan);     /* plan_state.c */
void plan_deadlines(const struct restore *r, struct plan *plan);  /* deadlines.c */
void plan_attributes(const struct restore *r, struct plan *plan);  /* plan_attributes.c */
void plan_files(const struct restore *r, struct plan *plan);      /* plan_files.c */
void plan_tcp_resume(const struct restore *r, struct plan *plan);  /* tcp_live.c */
void plan_state(const struct restore *r, struct plan *plan);      /* plan_state.c */
void plan_dispositions(const struct restore *r, struct plan *plan);  /* plan_signals.c */
/* Of each thread's own list (index I), the last before it enters the program; plan_attributes.c. */
void plan_thread_attributes(const struct restore *r, struct plan *plan, size_t i);
void plan_credentials(const struct restore *r, struct plan *plan);  /* plan_credentials.c */
/* plan_signals.c; TID 0: those that all threads may take. */
void plan_pending(const struct restore *r, struct plan *plan, pid_t tid);
/* plan_timers.c; the first before threads exist. */
void plan_timers_begin(const struct restore *r, struct plan *plan);
void plan_thread_timers(const struct restore *r, struct plan *plan, size_t i);
MUST_CHECK int plan_threads(const struct restore *r, struct plan *plan, struct error *err);
void plan_helpers(struct plan *plan);                             /* plan_copies.c */

#endif
