/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Shared by the files that plan the open files: plan_files.c decides what becomes of each
 * descriptor, plan_pipes.c and plan_special.c know the kinds with more to them.
 */
#ifndef RESTART_PLAN_FILES_H
#define RESTART_PLAN_FILES_H

#include "restart/restore.h"

/* What stands in for a descriptor's file. */
enum stand_in {
	ITSELF,
	OURS,        /* restart's own descriptor of the same number */
	TERMINAL,    /* restart's own terminal */
	DEAD_PIPE,   /* a pipe whose other end is closed */
	DEAD_SOCKET, /* a socket whose peer is gone */
	NULL_DEVICE,
};

enum stand_in stand_in_for(const struct restore *r, const struct descriptor *d);

/* The lowest descriptor of the description with this index. */
const struct descriptor *first_descriptor(const struct restore *r, size_t description);
const struct description *description_of(const struct process *p, const struct descriptor *d);
uint32_t access_mode(const struct description *file);

/* Where the description stands in the text, for messages: "filedescriptors:3: ". */
struct text_place {
	char text[280];
};
struct text_place place_of(const struct restore *r, const struct descriptor *d);

/* Makes the result register, or descriptor FROM, the descriptor D. */
void plan_move_fd(struct plan *plan, const struct descriptor *d);
void plan_duplicate(struct plan *plan, int from, const struct descriptor *d);

/* Makes the result register the descriptor TO, which the program will not see. */
void plan_move_to(struct plan *plan, int to);

/* Sets the status flags of descriptor D, which has none yet. */
void plan_status_flags(struct plan *plan, const struct descriptor *d,
		       const struct description *file);

/* An integer array in the plan, filled by pipe2 or socketpair. */
addr_t pair_slot(struct plan *plan);

/* ---- plan_paths.c ---- */

void check_path(const struct restore *r, struct findings *f, const struct descriptor *d);
void plan_path(const struct restore *r, struct plan *plan, const struct descriptor *d);

/* ---- plan_pipes.c ---- */

/* Sorts the pipes, so that all descriptions of one are found at once. */
MUST_CHECK int index_pipes(struct restore *r, struct error *err);

/* Whether both ends of D's pipe are in the process, or the other one is nowhere. */
bool pipe_is_whole(const struct restore *r, const struct descriptor *d);

/* All descriptors of D's pipe, when D is the lowest of those that stand for themselves. */
void plan_pipe(const struct restore *r, struct plan *plan, const struct descriptor *d);

/* Whether what waits in D's pipe fits into one that can be made here. */
void check_pipe(const struct restore *r, struct findings *f, const struct descriptor *d);

/* Size and contents of the pipe or fifo whose writing end is descriptor WRITER. */
void plan_pipe_contents(struct plan *plan, int writer, const struct description *file);

/* ---- plan_special.c ---- */

/* Whether it is one of these, and can be made again. */
bool is_special(const struct process *p, const struct description *file);
void check_special(const struct restore *r, struct findings *f, const struct descriptor *d);
void plan_special(const struct restore *r, struct plan *plan, const struct descriptor *d);

/* ---- plan_watches.c ---- */

void check_inotify(const struct restore *r, struct findings *f, const struct descriptor *d);
void plan_inotify_watches(const struct restore *r, struct plan *plan, const struct descriptor *d);
void plan_epoll_watches(const struct restore *r, struct plan *plan, const struct descriptor *d);

/* ---- plan_nameless.c ---- */

bool is_nameless(const struct description *file);
void check_nameless(const struct restore *r, struct findings *f, const struct descriptor *d);
void plan_nameless(const struct restore *r, struct plan *plan, const struct descriptor *d);
void plan_nameless_rest(const struct restore *r, struct plan *plan);

/* ---- plan_locks.c ---- */

void check_locks(const struct restore *r, struct findings *f, const struct descriptor *d);
void check_owner(const struct restore *r, struct findings *f, const struct descriptor *d);
void plan_locks(const struct restore *r, struct plan *plan, const struct descriptor *d);
void plan_owner(const struct restore *r, struct plan *plan, const struct descriptor *d);

#endif
