/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The plan: what the bootstrap executes inside the new process.  This header is the interface
 * between restart (which compiles a model into a plan) and the bootstrap (which interprets it); the
 * two are built apart and joined as bytes, so a change of any layout here changes PLAN_VERSION.
 *
 * Both live in one area of AREA_SIZE bytes at an address that is free in the core and in the new
 * process; everything outside the area is unmapped and built anew.  All addresses are absolute.
 *
 *	area + AREA_CODE	the bootstrap, r-x; its entry is byte 0
 *	area + AREA_PLAN	struct plan_header; data (strings, structs); struct plan_op ops[]
 *	area + AREA_STACKS	stacks of the threads' bootstraps, the leader's first
 *	area + AREA_PARKED	vvar and vdso, while their old places are being made free
 *
 * Most operations are plain system calls.  There is one "result register", per thread: an operation
 * may keep its result there and a later one may take it as an argument, which is how a descriptor
 * travels from open to mmap.  A thread runs from its first operation to OP_END.  The first
 * operation that fails ends everything: its index and errno stand in the header, and the thread
 * traps (with a tracer) or ends the process (without).
 */
#ifndef RESTART_BOOTSTRAP_PLAN_H
#define RESTART_BOOTSTRAP_PLAN_H

#include <stdint.h>

#define PLAN_VERSION 3

#define AREA_SIZE (1ul << 30)
#define AREA_CODE 0ul
#define AREA_PLAN 4096ul
#define AREA_STACKS (512ul << 20)
#define AREA_PARKED (960ul << 20)
#define STACK_SIZE 2048ul  /* of one thread's bootstrap */

enum plan_op_kind {
	/* The thread is done.  args[0] is its number (0: the leader), told to the tracer in rax. */
	OP_END,
	/* The same without a tracer: waits until all args[1] threads are here, then enters the
	 * program by rt_sigreturn from the signal frame at args[0]. */
	OP_ENTER,
	/* System call nr(args...). */
	OP_SYSCALL,
	/*
	 * Reads args[2] bytes at offset args[3] of descriptor args[0]
	 * to address args[1], where zeros are: holes in the file are
	 * skipped, unless args[4] is 1 and there is something else.
	 */
	OP_READ,
	/*
	 * Reads pieces of descriptor args[0] until none is left: args[1] is the first struct
	 * plan_piece, args[2] the struct plan_work, which several threads may have in common.  What
	 * fails stands in the work, and is no failure of the operation.
	 */
	OP_READ_PIECES,
	/* Copies args[2] bytes from args[1] (in the plan) to args[0]. */
	OP_COPY,
	/* Makes the result register, a descriptor, descriptor args[0]; closes the old number.
	 * args[1]: O_CLOEXEC or 0. */
	OP_MOVE_FD,
	/* Loads the 32-bit integer at args[0] (in the plan) into the result register. */
	OP_LOAD,
	/* Stores the result register with the bits args[1] as the 32-bit integer at args[0]. */
	OP_STORE,
	/*
	 * clone3 with the struct clone_args at args[0], of args[1] bytes;
	 * the new thread continues at the operation with index args[2].
	 */
	OP_THREAD,
	/* Waits until the tracer continues it, to which it shows PLAN_PAUSED in rax. */
	OP_PAUSE,
};

#define PLAN_PAUSED (-2l)

/* SIZE bytes at OFFSET of a file belong to address TO. */
struct plan_piece {
	uint64_t to, offset, size;
};

/* COUNT pieces, taken one by one by whoever is free. */
struct plan_work {
	uint32_t count;
	uint32_t next;    /* the first that nobody has taken */
	uint32_t unread;  /* those that are not in memory yet */
	int32_t error;    /* why not: a negative errno */
};

enum plan_op_flags {
	OP_ARG0_IS_RESULT = 1 << 0,  /* bit N: argument N is the result register */
	OP_KEEP = 1 << 8,            /* keep the result */
	OP_EXPECT = 1 << 9,          /* any result but `expect` is a failure */
	OP_MAY_FAIL = 1 << 10,       /* a failure is not one */
	OP_ARG0_IS_PID = 1 << 11,    /* argument 0 is the id of the process */
};

struct plan_op {
	uint16_t kind;
	uint16_t flags;
	uint32_t nr;      /* OP_SYSCALL: the number */
	uint64_t args[6];
	uint64_t expect;
	uint64_t note;    /* offset of a text in the builder's notes; not for the bootstrap */
};

struct plan_header {
	uint32_t version;
	uint32_t op_count;
	uint64_t ops;     /* address of the first operation */

	/* Written by the bootstrap. */
	uint32_t failed;  /* 1 + index of the operation that failed; 0: none */
	int32_t error;    /* its errno; 0: an unexpected result */
	uint32_t arrived; /* threads at OP_ENTER, a futex */

	uint32_t traced;  /* a failure traps, for the tracer; otherwise it ends the process */
};

#endif
