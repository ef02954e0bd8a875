/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ckpt.h: programs that checkpoint themselves.  libckpt(3) is the manual.
 *
 * A checkpoint is an executable file, which continues the program from where it was.  It is taken
 * when the program gets the checkpoint signal (SIGTSTP unless told otherwise), after each period,
 * or when the program calls ckpt_ckpt().  There are three ways to link:
 *
 *	ckpt PROGRAM ARGS                     the command starts an unchanged program
 *	LD_PRELOAD=/.../libckpt.so PROGRAM    the same, by hand
 *	cc -o program program.o -lckpt        for the calls below
 */
#ifndef CKPT_H
#define CKPT_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CKPT_MAXNAME 4096

/*
 * What the environment says when the library is loaded, under the names CKPT_NAME, CKPT_ASYNCSIG,
 * CKPT_CONTINUE, CKPT_MSPERIOD and CKPT_KEEP, and what ckpt_config() may change afterwards.
 */
struct ckptconfig {
	char name[CKPT_MAXNAME];  /* of the checkpoint; relative to the working directory of then */
	unsigned int asyncsig;    /* the checkpoint signal; 0: none */
	unsigned int continues;   /* 0: the program ends, by _exit(0), once it is checkpointed */
	unsigned int msperiod;    /* a checkpoint each so many milliseconds, after which the program
				     goes on; 0: none */
	unsigned int keep;        /* how many checkpoints are kept: NAME, NAME.1, ...; 0 is 1 */
};

/*
 * Copies the configuration to OLD, then takes over CFG; either may be NULL.  A value that makes no
 * sense (no such signal, an empty name) leaves that field as it was.
 */
void ckpt_config(const struct ckptconfig *cfg, struct ckptconfig *old);

/*
 * Checkpoints the program now, in the file NAME or, when it is NULL, that of the configuration.
 * Returns 0 when the checkpoint is safe on the disk (which only a program that continues gets to
 * see), 1 when the program has just been restarted from it, and -1 with errno when it failed, which
 * one line on standard error has explained.
 */
int ckpt_ckpt(const char *name);

/*
 * Becomes the program of the checkpoint NAME, as exec does.  Returns only to fail: -1 with errno.
 */
int ckpt_restart(const char *name);

/*
 * Hooks: F(ARG) is called before a checkpoint begins; after it is complete, when the program
 * continues; and after a restart, just before the program goes on.  The first two in the order
 * they were registered, the last in the reverse of it.
 *
 * At a signal or a period hooks run in a signal handler, so they may use only what signal-safety(7)
 * allows.  In ckpt_ckpt() they may call anything but ckpt_ckpt().
 */
void ckpt_on_preckpt(void (*f)(void *), void *arg);
void ckpt_on_postckpt(void (*f)(void *), void *arg);
void ckpt_on_restart(void (*f)(void *), void *arg);

/*
 * Leaves a descriptor (closed after a restart) or the pages that lie wholly in a range of memory
 * (zeros after a restart) out of all later checkpoints.  Returns 0, or -1 with errno: ENOSPC when
 * there are too many, EBADF, EINVAL.
 */
int ckpt_exclude_fd(int fd);
int ckpt_exclude_memory(void *start, size_t size);

#ifdef __cplusplus
}
#endif
#endif
