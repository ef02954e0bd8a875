/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "ckpt/snapshot.h"

#include <errno.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "process/sigframe.h"
#include "util/cleanup.h"

/*
 * Two chains for the case that we are killed half-way, in the scratch data.  The throw-away child,
 * let go, ends; the leader, let go as it makes the child, waits for it and only then goes on.
 *
 *	child_sp ->	restorer, frame: exit(0)
 *	wait_sp ->	restorer, frame: wait4(-1, 0, __WCLONE), then on to call_sp
 */
struct chains {
	addr_t child_sp, wait_sp;
};

enum { SLOT = 2048 };

static addr_t put_chain(const struct tracee *t, uint8_t *image, size_t slot,
			const struct user_regs_struct *regs)
{
	size_t at = slot * SLOT + 64;
	addr_t frame = (t->scratch.data + 63) / 64 * 64 + at;
	size_t offset = frame - t->scratch.data;

	memcpy(image + offset - 8, &t->gadgets.restorer, sizeof t->gadgets.restorer);
	sigframe_build(image + offset, frame, regs, NULL, 0, UINT64_MAX);
	return frame - 8;
}

static int prepare_chains(const struct tracee *t, struct chains *c, struct error *err)
{
	cleanup_free uint8_t *image = calloc(1, t->scratch.data_size);
	struct user_regs_struct regs = t->threads[0].regs;

	_Static_assert(SLOT >= 64 + sizeof(struct user_regs_struct) + 1024, "a frame fits a slot");
	if (!image)
		return error_set(err, ENOMEM, "not enough memory");
	traced_prepare_call(&regs, t->gadgets.syscall_ret, SYS_exit, 0, 0, 0, 0, 0, 0);
	c->child_sp = put_chain(t, image, 0, &regs);
	traced_prepare_call(&regs, t->gadgets.syscall_ret, SYS_wait4, (uint64_t)-1, 0, __WCLONE, 0,
			    0, 0);
	regs.rsp = t->scratch.call_sp;
	c->wait_sp = put_chain(t, image, 1, &regs);
	return traced_write(t->pid, t->scratch.data, image, t->scratch.data_size, err);
}

static void end_child(pid_t child)
{
	int status;

	kill(child, SIGKILL);
	while (waitpid(child, &status, __WALL) < 0 && errno == EINTR)
		;
}

/*
 * clone in thread TID; returns our id of the child, which is going
 * to stop at its birth; *INNER is its id in the process's namespace.
 */
static pid_t clone_in(pid_t tid, const struct tracee *t, addr_t sp, unsigned long flags,
		      addr_t stack, long *inner, struct error *err)
{
	pid_t child = 0;

	if (tracee_call_in(tid, t->gadgets.syscall_ret, sp, &child, inner, err, SYS_clone, flags,
			   stack, 0, 0, 0, 0) < 0) {
		if (child)
			end_child(child);
		return -1;
	}
	if (*inner < 0)
		return error_sys(err, (int)-*inner, "process %d: copying it", t->pid);
	return child;
}

static int wait_for_birth(pid_t child, struct error *err)
{
	int status;

	while (waitpid(child, &status, __WALL) < 0)
		if (errno != EINTR)
			return error_sys(err, errno, "the snapshot");
	if (!WIFSTOPPED(status))
		return error_set(err, ESRCH, "the snapshot ended as it was made");
	return 0;
}

/* Whether orphans would become children of the process itself. */
static bool is_reaper(struct tracee *t)
{
	int value = 0;
	long result;
	struct error err;

	if (t->is_init)
		return true;
	return tracee_call(t, &result, &err, SYS_prctl, PR_GET_CHILD_SUBREAPER, t->scratch.data, 0,
			   0, 0, 0) < 0 ||
	       result < 0 || traced_read(t->pid, t->scratch.data, &value, sizeof value, &err) < 0 ||
	       value;
}

/* What the throw-away child does: drops the descriptors, forks. */
static pid_t fork_from(const struct tracee *t, pid_t child, addr_t sp, struct error *err)
{
	const int options = PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK;
	long result;

	if (wait_for_birth(child, err) < 0)
		return -1;
	if (ptrace(PTRACE_SETOPTIONS, child, 0, options) < 0)
		return error_sys(err, errno, "the snapshot");
	/* Sharing the table first and then leaving it costs nothing, however many there are. */
	if (tracee_call_in(child, t->gadgets.syscall_ret, sp, NULL, &result, err, SYS_close_range,
			   0, ~0u, CLOSE_RANGE_UNSHARE, 0, 0, 0) < 0)
		return -1;
	if (result < 0)
		return error_sys(err, (int)-result, "process %d: close_range", t->pid);
	return clone_in(child, t, sp, SIGCHLD, 0, &result, err);
}

pid_t snapshot_take(struct tracee *t, struct error *err)
{
	const int plain = PTRACE_O_TRACESYSGOOD;
	struct chains chains = { 0 };
	long child_inside, result;
	pid_t child, snapshot;

	if (is_reaper(t))
		return error_set(err, ENOTSUP,
				 "process %d adopts orphans, and would adopt the snapshot", t->pid);
	if (prepare_chains(t, &chains, err) < 0)
		return -1;
	/* Not EXITKILL: that is inherited by the child, but this is the process itself. */
	if (ptrace(PTRACE_SETOPTIONS, t->pid, 0, plain | PTRACE_O_TRACECLONE) < 0)
		return error_sys(err, errno, "process %d", t->pid);
	child = clone_in(t->pid, t, chains.wait_sp, CLONE_VM | CLONE_FILES, chains.child_sp,
			 &child_inside, err);
	ptrace(PTRACE_SETOPTIONS, t->pid, 0, plain);
	if (child < 0)
		return -1;
	snapshot = fork_from(t, child, chains.child_sp, err);
	end_child(child);
	/* The child has no exit signal: only a wait for just such children sees it. */
	struct error unwaited;
	if (tracee_call(t, &result, &unwaited, SYS_wait4, (uint64_t)child_inside, 0, __WALL, 0, 0,
			0) < 0) {
		snapshot_drop(snapshot);
		*err = unwaited;
		return -1;
	}
	return snapshot;
}

int snapshot_settle(pid_t snapshot, struct error *err)
{
	return wait_for_birth(snapshot, err);
}

int snapshot_caller_init(struct snapshot_caller *c, pid_t snapshot, const struct tracee *t,
			 struct error *err)
{
	*c = (struct snapshot_caller){
		.pid = snapshot, .syscall_ret = t->gadgets.syscall_ret, .sp = t->scratch.call_sp,
		.data = t->scratch.data, .start = t->scratch.start, .size = t->scratch.size,
		.saved = malloc(t->scratch.size),
	};
	if (!c->saved)
		return error_set(err, ENOMEM, "not enough memory");
	memcpy(c->saved, t->scratch.saved, c->size);
	return 0;
}

void snapshot_caller_free(struct snapshot_caller *c)
{
	free(c->saved);
	c->saved = NULL;
}

void snapshot_drop(pid_t snapshot)
{
	int status;

	if (snapshot <= 0)
		return;
	kill(snapshot, SIGKILL);
	while (waitpid(snapshot, &status, __WALL) < 0 && errno == EINTR)
		;
}
