/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Text on its way to a descriptor, for the writers of the state text: statelog_write.c puts the
 * parts in order, and a subject with several lines has a file of its own.  Only statelog*.c include
 * this.
 *
 * This runs in the signal handler of a process about to die: no malloc, no stdio, nothing but util/
 * and its own stack.
 */
#ifndef PROCESS_STATELOG_OUT_H
#define PROCESS_STATELOG_OUT_H

#include "process/process.h"

/* The first failure is kept and ends the writing. */
struct out {
	int fd;
	int failure;  /* errno */
	size_t used;
	char buf[4096];
};

void out_begin(struct out *o, int fd);
void out_flush(struct out *o);

void put(struct out *o, const char *text, size_t len);

/* For short pieces: never for names, which may have any length. */
void print(struct out *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A character as a backslash and three octal digits. */
void put_escaped(struct out *o, unsigned char c);

/* A name, so that it stays one field of one line. */
void put_name(struct out *o, const char *name);

/* A name that would be taken for one of our words: escaping one character makes it a name. */
void put_name_not_word(struct out *o, const char *name);

/* Bytes, so that they stay one field of one line and a person can look at them. */
void put_bytes(struct out *o, const uint8_t *bytes, size_t size);

/* A time, in seconds to the nanosecond. */
void put_time(struct out *o, struct timespec t);

/* ---- The lines by subject -------------------------------------------------------------------- */

MUST_CHECK int put_descriptors(struct out *o, const struct process *p, struct error *err);
void put_pipe(struct out *o, int fd, const struct description *d);
void put_special(struct out *o, int fd, const struct description *d);
void put_id(struct out *o, struct file_id id);
void put_views(struct out *o, const struct process *p);
void put_traits(struct out *o, const struct process *p);
void put_watches(struct out *o, int fd, const struct description *d);
void put_locks(struct out *o, int fd, const struct description *d);
void put_stamp(struct out *o, int fd, const struct file_stamp *stamp);
void put_nameless_files(struct out *o, const struct process *p);
void put_terminal(struct out *o, int fd, const struct terminal *t);
void put_socket(struct out *o, int fd, const struct socket *s);
void put_pending(struct out *o, const struct process *p);
void put_timers(struct out *o, const struct process *p);
void put_attributes(struct out *o, const struct process *p);
void put_scheduling(struct out *o, const struct scheduling *s);
void put_cpus(struct out *o, const struct attributes *a);
void put_credentials(struct out *o, const struct process *p);

#endif
