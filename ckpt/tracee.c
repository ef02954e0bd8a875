/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "ckpt/tracee.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <unistd.h>

#include "process/procfs.h"
#include "util/cleanup.h"
#include "util/format.h"
#include "util/io.h"

int tracee_set_mask(pid_t tid, uint64_t mask, struct error *err)
{
	if (ptrace(PTRACE_SETSIGMASK, tid, sizeof mask, &mask) < 0)
		return error_sys(err, errno, "setting the signal mask of thread %d", tid);
	return 0;
}

/* ---- Before anything is done ----------------------------------------------------------------- */

/* Also when it is still listed; ptrace says EPERM of it then. */
bool tracee_has_ended(pid_t tid)
{
	char name[64], stat[512];

	format(name, sizeof name, "/proc/%d/stat", tid);
	cleanup_fd int fd = open(name, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? 0 : read_full(fd, stat, sizeof stat - 1);

	if (len <= 0)
		return true;
	stat[len] = '\0';
	const char *state = strrchr(stat, ')');

	return state && (state[2] == 'Z' || state[2] == 'X');
}

static bool is_32_bit(pid_t pid)
{
	char name[64], ident[EI_NIDENT];

	format(name, sizeof name, "/proc/%d/exe", pid);
	cleanup_fd int fd = open(name, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && read_full(fd, ident, sizeof ident) == sizeof ident &&
	       memcmp(ident, ELFMAG, SELFMAG) == 0 && ident[EI_CLASS] == ELFCLASS32;
}

/* Who traces the process, or 0. */
static pid_t tracer_of(pid_t pid)
{
	struct arena arena = { 0 };
	struct error err;
	char name[64];

	format(name, sizeof name, "/proc/%d/status", pid);
	const char *status = read_file(&arena, name, 65536, NULL, &err);
	const char *tracer = status ? strstr(status, "\nTracerPid:") : NULL;
	pid_t by = tracer ? atoi(tracer + strlen("\nTracerPid:")) : 0;

	arena_free(&arena);
	return by;
}

/* An engine of libckpt is executed from a file without a name (libckpt/engine.c). */
static bool is_ckpt(pid_t pid, const char *comm)
{
	char name[64], exe[64] = "";

	format(name, sizeof name, "/proc/%d/exe", pid);
	return strcmp(comm, "ckpt\n") == 0 || (readlink(name, exe, sizeof exe - 1) > 0 &&
					       strncmp(exe, "/memfd:ckpt", 11) == 0);
}

int tracee_check_untraced(pid_t pid, struct error *err)
{
	pid_t by = tracer_of(pid);
	struct arena arena = { 0 };
	struct error unknown;
	char name[64];

	if (!by)
		return 0;
	format(name, sizeof name, "/proc/%d/comm", by);
	const char *comm = read_file(&arena, name, 64, NULL, &unknown);
	if (!comm)
		comm = "\n";
	/* It holds the process as long as it needs: another ckpt a moment, a debugger long. */
	if (is_ckpt(by, comm))
		error_set(err, EBUSY, "process %d is being checkpointed already, by process %d "
			  "(try again when that has ended)", pid, by);
	else
		error_set(err, EBUSY, "process %d is traced already, by process %d, %.*s (a "
			  "debugger or strace: end that first)", pid, by,
			  (int)strcspn(comm, "\n"), comm);
	format_one_line(err->message);
	arena_free(&arena);
	return -1;
}

int tracee_check(pid_t pid, struct error *err)
{
	struct process p;
	int result = -1;

	process_init(&p);
	/* procfs refuses what has ended, the kernel's own, and a thread that is not the first. */
	if (procfs_read_identity(&p, pid, err) == 0) {
		if (geteuid() != 0 && p.uid != geteuid())
			error_set(err, EPERM,
				  "process %d belongs to user %u (ask them, or be root)", pid,
				  p.uid);
		else if (is_32_bit(pid))
			error_set(err, ENOTSUP, "process %d is a 32-bit program, which cannot be "
				  "captured (gcore can)", pid);
		else
			result = tracee_check_untraced(pid, err);
	}
	process_free(&p);
	return result;
}
