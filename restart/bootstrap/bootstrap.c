/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The bootstrap: interprets a plan inside the process that is being restored.  It runs while the
 * whole address space around it is replaced, so it has no libc, no data, no relocations, and one
 * small stack per thread.  See plan.h.
 */
#include <stdint.h>
#include <asm/unistd.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/futex.h>

#include "restart/bootstrap/bootstrap.h"

/* A kernel result in -4095..-1 is an errno. */
static int is_error(long result)
{
	return (unsigned long)result >= -4095ul;
}

/*
 * Where data begins in the file from OFFSET on: holes read as zeros, which the memory is already.
 */
static long skip_hole(long fd, long offset, long end)
{
	long data = bootstrap_syscall(__NR_lseek, fd, offset, SEEK_DATA, 0, 0, 0);

	if (data == -ENXIO)
		return end;
	return data < 0 ? offset : data < end ? data : end;  /* a file system may know no holes */
}

/* The bytes from OFFSET to END, each to the address that is DISTANCE above its offset. */
static long read_data(long fd, long distance, long offset, long end)
{
	while (offset < end) {
		long n = bootstrap_syscall(__NR_pread64, fd, offset + distance, end - offset,
					   offset, 0, 0);
		if (n == -EINTR)
			continue;
		if (n <= 0)
			return n ? n : -ENODATA;
		offset += n;
	}
	return 0;
}

static long read_all(const uint64_t *args)
{
	long fd = (long)args[0], offset = (long)args[3], end = offset + (long)args[2];
	long distance = (long)args[1] - offset;

	while ((offset = args[4] ? offset : skip_hole(fd, offset, end)) < end) {
		long hole = args[4] ? end
				    : bootstrap_syscall(__NR_lseek, fd, offset, SEEK_HOLE, 0, 0, 0);
		long stop = hole > offset && hole < end ? hole : end;

		long error = read_data(fd, distance, offset, stop);

		if (error)
			return error;
		offset = stop;
	}
	return 0;
}

static long read_pieces(const uint64_t *args)
{
	const struct plan_piece *pieces = (const struct plan_piece *)args[1];
	struct plan_work *work = (struct plan_work *)args[2];

	for (;;) {
		uint32_t i = __atomic_fetch_add(&work->next, 1, __ATOMIC_SEQ_CST);
		if (i >= work->count)
			return 0;
		long offset = (long)pieces[i].offset;
		long error = read_data((long)args[0], (long)pieces[i].to - offset, offset,
				       offset + (long)pieces[i].size);
		if (error) {
			__atomic_store_n(&work->error, (int32_t)error, __ATOMIC_SEQ_CST);
			return 0;
		}
		__atomic_sub_fetch(&work->unread, 1, __ATOMIC_SEQ_CST);
	}
}

static long copy(const uint64_t *args)
{
	volatile uint8_t *to = (volatile uint8_t *)args[0];  /* volatile: no call of memcpy */
	const uint8_t *from = (const uint8_t *)args[1];

	for (uint64_t i = 0; i < args[2]; i++)
		to[i] = from[i];
	return 0;
}

static long move_fd(long fd, const uint64_t *args)
{
	long to = (long)args[0];

	if (fd == to)
		return bootstrap_syscall(__NR_fcntl, fd, F_SETFD, args[1] ? FD_CLOEXEC : 0, 0, 0,
					 0);
	long result = bootstrap_syscall(__NR_dup3, fd, to, (long)args[1], 0, 0, 0);
	bootstrap_syscall(__NR_close, fd, 0, 0, 0, 0, 0);
	return result;
}

/* Waits until COUNT threads have arrived: none enters the program before all can. */
static void wait_for_all(struct plan_header *header, uint32_t count)
{
	uint32_t *arrived = &header->arrived;
	uint32_t seen = __atomic_add_fetch(arrived, 1, __ATOMIC_SEQ_CST);

	if (seen == count)
		bootstrap_syscall(__NR_futex, (long)arrived, FUTEX_WAKE_PRIVATE, 0x7fffffff, 0, 0,
				  0);
	for (; seen < count; seen = __atomic_load_n(arrived, __ATOMIC_SEQ_CST))
		bootstrap_syscall(__NR_futex, (long)arrived, FUTEX_WAIT_PRIVATE, (long)seen, 0, 0,
				  0);
}

static long run_op(struct plan_header *header, const struct plan_op *op, const uint64_t *args,
		   long result)
{
	switch (op->kind) {
	case OP_SYSCALL:
		return bootstrap_syscall((long)op->nr, (long)args[0], (long)args[1], (long)args[2],
					 (long)args[3], (long)args[4], (long)args[5]);
	case OP_READ:
		return read_all(args);
	case OP_READ_PIECES:
		return read_pieces(args);
	case OP_COPY:
		return copy(args);
	case OP_MOVE_FD:
		return move_fd(result, args);
	case OP_LOAD:
		return *(const int32_t *)args[0];
	case OP_STORE:
		*(uint32_t *)args[0] = (uint32_t)result | (uint32_t)args[1];
		return 0;
	case OP_THREAD:
		return bootstrap_clone((void *)args[0], (long)args[1], header,
				       (const struct plan_op *)header->ops + args[2]);
	case OP_PAUSE:
		return bootstrap_pause(PLAN_PAUSED);
	case OP_END:
		bootstrap_trap((long)args[0]);
	case OP_ENTER:
		wait_for_all(header, (uint32_t)args[1]);
		bootstrap_sigreturn(args[0]);
	}
	return -ENOSYS;
}

void bootstrap_run(struct plan_header *header, const struct plan_op *op)
{
	long result = 0;

	for (;; op++) {
		uint64_t args[6];

		for (int i = 0; i < 6; i++)
			args[i] = op->flags & (OP_ARG0_IS_RESULT << i) ? (uint64_t)result
								       : op->args[i];
		if (op->flags & OP_ARG0_IS_PID)
			args[0] = (uint64_t)bootstrap_syscall(__NR_getpid, 0, 0, 0, 0, 0, 0);

		long got = run_op(header, op, args, result);
		int failed =
			is_error(got) || (op->flags & OP_EXPECT && (uint64_t)got != op->expect);

		if (failed && !(op->flags & OP_MAY_FAIL)) {
			header->error = is_error(got) ? (int32_t)-got : 0;
			header->failed = (uint32_t)(op - (const struct plan_op *)header->ops) + 1;
			if (header->traced)
				bootstrap_trap(-1);
			bootstrap_syscall(__NR_exit_group, 1, 0, 0, 0, 0, 0);
		}
		if (op->flags & OP_KEEP)
			result = got;
	}
}
