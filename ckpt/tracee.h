/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A live process that is not ours, stopped thread by thread; and system calls made in its name.
 *
 * Whatever happens to the program that uses this, kill -9 at any instruction included, the process
 * goes on unharmed.  So before a thread's registers are touched, a signal frame with its true
 * registers is put on a piece of its stack that is not in use, and every system call is made at a
 * `syscall; ret` of the process's own code with the stack pointer at
 *
 *	call_sp ->	address of the restorer: mov $15, %eax; syscall
 *	+8		signal frame: registers, vector registers, signal mask
 *
 * A thread that is let go in the middle returns from the call into rt_sigreturn and from there to
 * where it was, as if a signal handler had run.
 */
#ifndef CKPT_TRACEE_H
#define CKPT_TRACEE_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/user.h>

#include "ckpt/range.h"
#include "process/process.h"
#include "process/traced.h"

struct tracee_thread {
	pid_t tid;
	struct user_regs_struct regs;  /* as it stopped */
	uint64_t blocked;              /* its signal mask */
};

/* Where in the process's code the two pieces are that remote calls need; 0: not there. */
struct gadgets {
	addr_t syscall_ret;
	addr_t restorer;
};

/* The piece of a stack that remote calls use. */
struct scratch {
	addr_t start;
	size_t size;
	addr_t call_sp;      /* see above */
	addr_t data;         /* room for arguments */
	size_t data_size;
	void *saved;         /* what stood there */
};

struct tracee {
	pid_t pid;
	struct tracee_thread *threads;  /* the leader first */
	size_t count, capacity;
	bool all_stopped;
	bool is_init;                   /* of its namespace; known once a thread stands ready */
	struct gadgets gadgets;
	struct scratch scratch;
	struct range spare;            /* that it offers for it; or empty */
	struct tracee_thread *caller;  /* the thread that stands ready for remote calls, or NULL */
};

/*
 * Says why PID cannot be captured (not there, a zombie, a kernel thread, traced already, another
 * user's, 32-bit) before anything is done to it.
 */
MUST_CHECK int tracee_check(pid_t pid, struct error *err);

/* The same of being traced alone. */
MUST_CHECK int tracee_check_untraced(pid_t pid, struct error *err);

/* Looks for the gadgets in the code of the running process; what is not there stays 0. */
MUST_CHECK int tracee_find_gadgets(pid_t pid, struct gadgets *g, struct error *err);

/* For T, which stands now: looks again unless they are still there.  ENOTSUP: it has not both. */
MUST_CHECK int tracee_have_gadgets(struct tracee *t, struct error *err);

/*
 * Stops all threads of PID and reads their registers and masks.  On failure none is left stopped.
 */
MUST_CHECK int tracee_stop(struct tracee *t, pid_t pid, struct error *err);

/*
 * Makes a thread (an index) ready for remote calls: puts the frame on the leader's stack.  One
 * thread at a time.  Fails with code ENOTSUP where the process offers no safe way.
 */
MUST_CHECK int tracee_begin_calls(struct tracee *t, size_t thread, const struct process *p,
				  struct error *err);

/* One system call in the name of that thread; *RESULT is the kernel's (-4095..-1: an errno). */
MUST_CHECK int tracee_call(struct tracee *t, long *result, struct error *err, long nr, uint64_t a,
			   uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f);

/* The last call: exit_group(0).  All threads have ended then, and the parent sees status 0. */
MUST_CHECK int tracee_exit(struct tracee *t, struct error *err);

/* Puts back what the calls used: registers, mask, the bytes of the stack. */
void tracee_end_calls(struct tracee *t);

/*
 * Lets all threads go on.  The calls that the kernel makes fail with EINTR when their thread was
 * stopped are made to begin again.
 */
void tracee_release(struct tracee *t);

/*
 * The process has been told to end: waits until its threads have.  Nobody else, its parent
 * included, hears of its end before we have heard of that of every thread.
 */
void tracee_bury(struct tracee *t);

/*
 * The process stands still for longer, and nothing is asked of it: stops the clock (SIGALRM) that
 * otherwise interrupts what the caller does.
 */
void tracee_rest(void);

void tracee_free(struct tracee *t);

/* ---- Pieces, for threads that are not of the process (the snapshot), too ---- */

bool tracee_has_ended(pid_t tid);
MUST_CHECK int tracee_set_mask(pid_t tid, uint64_t mask, struct error *err);
/*
 * As tracee_call(), in thread TID with its stack pointer at SP.  A process that the call makes, and
 * that the thread's ptrace options attach to us, has its id put in *CHILD (which may be NULL).
 */
MUST_CHECK int tracee_call_in(pid_t tid, addr_t syscall_ret, addr_t sp, pid_t *child, long *result,
			      struct error *err, long nr, uint64_t a, uint64_t b, uint64_t c,
			      uint64_t d, uint64_t e, uint64_t f);

#endif
