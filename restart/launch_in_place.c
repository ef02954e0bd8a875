/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The fallback where PROG cannot be had or ptrace is forbidden: a fork of restart turns itself into
 * the restored process.  What is lost by that: /proc/PID/exe is restart's, and the bootstrap's
 * pages stay, because each thread leaves them by rt_sigreturn at its own time.
 *
 * The plan's area is shared with restart, which reads there what failed.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "restart/launch.h"
#include "restart/segments.h"
#include "restart/terminals.h"
#include "restart/vdso.h"
#include "util/cleanup.h"

extern const char bootstrap_blob[], bootstrap_blob_end[];

enum { RSEQ_FLAG_UNREGISTER_ = 1 };

struct area {
	char *base;
	size_t size;
	addr_t first_op, stack;
};

/* Maps bootstrap and plan where they will stand; the fork inherits them. */
static int make_area(const struct restore *r, struct plan *plan, struct area *area,
		     struct error *err)
{
	cleanup_free void *image = NULL;
	size_t size;

	if (restore_plan(r, plan, err) < 0 || plan_finish(plan, &image, &size, err) < 0)
		return -1;
	area->size = AREA_PLAN + size + STACK_SIZE;
	area->base = mmap((void *)r->area, area->size, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (area->base == MAP_FAILED || area->base != (char *)r->area)
		return error_sys(err, errno ? errno : EEXIST, "no room for the bootstrap at 0x%llx",
				 (unsigned long long)r->area);
	memcpy(area->base + AREA_CODE, bootstrap_blob,
	       (size_t)(bootstrap_blob_end - bootstrap_blob));
	memcpy(area->base + AREA_PLAN, image, size);
	if (mprotect(area->base, AREA_PLAN, PROT_READ | PROT_EXEC) < 0)
		return error_sys(err, errno, "making the bootstrap executable");
	area->first_op = plan_first_op(plan);
	area->stack = (r->area + area->size) & ~15ull;
	return 0;
}

/* The kernel writes to our rseq area whenever it likes, and it is about to be unmapped. */
static void unregister_rseq(void)
{
	char *thread_pointer = __builtin_thread_pointer();

	if (__rseq_size)
		syscall(SYS_rseq, thread_pointer + __rseq_offset, 32, RSEQ_FLAG_UNREGISTER_,
			RSEQ_SIG);
}

__attribute__((noreturn)) static void enter(const struct area *area)
{
	register long header __asm__("rdi") = (long)(area->base + AREA_PLAN);
	register long op __asm__("rsi") = (long)area->first_op;

	__asm__ volatile("mov %0, %%rsp\n\tjmp *%1"
			 : : "r"(area->stack), "r"(area->base + AREA_CODE), "r"(header), "r"(op)
			 : "memory");
	__builtin_unreachable();
}

/* What an exec would close: restart's own descriptors, but for those it lends. */
static void close_own(const struct restore *r)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		int fd = atoi(entry->d_name), flags = fcntl(fd, F_GETFD);

		if (fd != dirfd(dir) && flags >= 0 && flags & FD_CLOEXEC)
			close(fd);
	}
	if (dir)
		closedir(dir);
	/* Without /proc: what lies below the lent ones, which are above all that was open. */
	for (int fd = 3; !dir && fd < r->fd_base; fd++)
		if (fcntl(fd, F_GETFD) & FD_CLOEXEC)
			close(fd);
}

__attribute__((noreturn)) static void run_child(const struct restore *r, const struct area *area,
						int done)
{
	sigset_t set;

	sigfillset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
	if (!r->options->wait && !r->options->become)
		setsid();
	if (launch_lend(r) < 0 || dup2(done, r->fd_base + LENT_DONE) < 0)
		_exit(1);
	close_own(r);
	unregister_rseq();
	enter(area);
}

static int describe_failure(const struct plan *plan, const struct area *area, int status,
			    struct error *err)
{
	const struct plan_header *header = (const struct plan_header *)(area->base + AREA_PLAN);
	char what[512];

	if (!header->failed || header->failed > plan_next(plan))
		return error_set(err, ESRCH, "the new process died while it was being restored "
				 "(wait status 0x%x)", (unsigned)status);
	plan_describe(plan, header->failed - 1, what, sizeof what);
	return error_sys(err, header->error, "%s", what);
}

/* The bootstrap closes its end of DONE in its last step before the threads enter the program. */
static int wait_until_done(const struct plan *plan, const struct area *area, pid_t pid,
			   uint32_t threads, int done, struct error *err)
{
	char byte;
	int status;

	while (read(done, &byte, 1) < 0 && errno == EINTR)
		;
	const struct plan_header *header = (const struct plan_header *)(area->base + AREA_PLAN);
	siginfo_t info = { 0 };

	/* What has entered the program may have ended by now; what has not, has failed. */
	if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || !info.si_pid ||
	    __atomic_load_n(&header->arrived, __ATOMIC_SEQ_CST) == threads)
		return 0;
	waitpid(pid, &status, 0);
	return describe_failure(plan, area, status, err);
}

pid_t launch_in_place(struct restore *r, struct error *err)
{
	struct area area = { .base = MAP_FAILED };
	struct plan plan = { 0 };
	int done[2];
	pid_t pid = -1;

	if (vdso_here(&r->vdso, getauxval(AT_SYSINFO_EHDR), err) < 0)
		return -1;
	if (pipe2(done, O_CLOEXEC) < 0)
		return error_sys(err, errno, "pipe");
	if (make_area(r, &plan, &area, err) == 0) {
		pid = launch_fork(r->keep_ids ? r->process->pid : 0);
		if (pid == 0)
			run_child(r, &area, done[1]);
		close(done[1]);
		if (pid < 0)
			error_sys(err, errno, "new process");
		else if (wait_until_done(&plan, &area, pid, (uint32_t)r->process->thread_count,
					 done[0], err) < 0)
			pid = -1;
		else
			r->announce(r, pid);
	} else {
		close(done[1]);
	}
	close(done[0]);
	if (area.base != MAP_FAILED)
		munmap(area.base, area.size);
	plan_free(&plan);
	return pid;
}

/* ---- This very process ----------------------------------------------------------------------- */

/*
 * The bootstrap has no words, so a process that is nobody's child stays behind until the descriptor
 * DONE is closed everywhere else, and says what failed, if anything did, or sees to the screen.
 */
static int leave_reporter(const struct restore *r, const struct plan *plan, const struct area *area,
			  const int done[2], struct error *err)
{
	const struct plan_header *header = (const struct plan_header *)(area->base + AREA_PLAN);
	pid_t child = fork();
	int status;
	char byte;

	if (child < 0)
		return error_sys(err, errno, "fork");
	if (child > 0) {
		while (waitpid(child, &status, 0) < 0 && errno == EINTR)
			;
		return 0;
	}
	if (fork() != 0)
		_exit(0);
	close(done[1]);
	while (read(done[0], &byte, 1) < 0 && errno == EINTR)
		;
	if (header->failed) {
		segments_remove(r);
		describe_failure(plan, area, 0, err);
		dprintf(STDERR_FILENO, "restart: %s\n", err->message);
	} else if (draws_screen(r)) {
		redraw_screen(r);
	}
	_exit(0);
}

void launch_become(struct restore *r, struct error *err)
{
	struct area area = { .base = MAP_FAILED };
	struct plan plan = { 0 };
	int done[2];

	r->finish = FINISH_IN_PLACE;
	r->lazy = r->options->lazy;
	if (vdso_here(&r->vdso, getauxval(AT_SYSINFO_EHDR), err) < 0)
		vdso_here_by_core(r);
	if (pipe2(done, O_CLOEXEC) < 0) {
		error_sys(err, errno, "pipe");
		return;
	}
	if (make_area(r, &plan, &area, err) == 0 && leave_reporter(r, &plan, &area, done, err) == 0)
		run_child(r, &area, done[1]);
}
