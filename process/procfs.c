/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Identity, threads, working directory, limits and signals; the driver that calls all parts. */
#define _GNU_SOURCE
#include "process/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "process/arch.h"
#include "process/procfs_dir.h"
#include "process/procfs_private.h"
#include "util/cleanup.h"
#include "util/format.h"
#include "util/io.h"

/* ---- stat: ids and the fields of mm --------------------------------------------------------- */

enum { STAT_FIELDS = 53, PF_KTHREAD = 0x00200000 };

/* Fields as proc(5) numbers them. */
enum {
	STAT_STATE = 3, STAT_PPID = 4, STAT_PGRP = 5, STAT_SESSION = 6, STAT_TTY = 7,
	STAT_FLAGS = 9,
	STAT_STARTCODE = 26, STAT_ENDCODE = 27, STAT_STARTSTACK = 28,
	STAT_START_DATA = 45, STAT_END_DATA = 46, STAT_START_BRK = 47,
	STAT_ARG_START = 48, STAT_ARG_END = 49, STAT_ENV_START = 50, STAT_ENV_END = 51,
};

/*
 * Reads the fields behind the name, which stands in parentheses and may itself hold blanks and
 * parentheses.  The state is kept as its character; negative numbers as 0.
 */
static bool split_stat(const char *text, uint64_t fields[STAT_FIELDS])
{
	const char *t = strrchr(text, ')');

	if (!t || t[1] != ' ' || !t[2])
		return false;
	fields[STAT_STATE] = (unsigned char)t[2];
	t += 3;
	for (int i = STAT_STATE + 1; i < STAT_FIELDS && *t == ' '; i++) {
		fields[i] = parse_number(&t, 10);
		while (*t && *t != ' ')
			t++;
	}
	return true;
}

static void take_mm(struct process *p, const uint64_t fields[STAT_FIELDS])
{
	p->mm = (struct mm_fields){
		.start_code = fields[STAT_STARTCODE], .end_code = fields[STAT_ENDCODE],
		.start_data = fields[STAT_START_DATA], .end_data = fields[STAT_END_DATA],
		.start_stack = fields[STAT_STARTSTACK],
		.arg_start = fields[STAT_ARG_START], .arg_end = fields[STAT_ARG_END],
		.env_start = fields[STAT_ENV_START], .env_end = fields[STAT_ENV_END],
	};
	/* Without permission the kernel (do_task_stat) shows 0 or 1 for addresses. */
	if (p->mm.start_stack > 1 && p->mm.start_code > 1)
		p->have |= HAVE_MM;
	p->start_brk = p->brk = fields[STAT_START_BRK];
}

static int read_stat(struct process *p, pid_t pid, struct error *err)
{
	uint64_t fields[STAT_FIELDS] = { 0 };
	char text[2048];

	if (proc_read(pid, "stat", text, sizeof text, err) < 0)
		return -1;
	if (!split_stat(text, fields))
		return error_set(err, EINVAL, "process %d: its stat is not understood", pid);
	if (fields[STAT_STATE] == 'Z' || fields[STAT_STATE] == 'X')
		return error_set(err, ESRCH, "process %d: it has ended already", pid);
	if (fields[STAT_FLAGS] & PF_KTHREAD)
		return error_set(err, EINVAL, "process %d: it is a thread of the kernel", pid);
	p->pid = pid ? pid : getpid();
	p->ppid = (pid_t)fields[STAT_PPID];
	p->pgrp = (pid_t)fields[STAT_PGRP];
	p->sid = (pid_t)fields[STAT_SESSION];
	attribute_set(&p->attributes, ATTRIBUTE_TERMINAL, fields[STAT_TTY] != 0);
	take_mm(p, fields);
	return 0;
}

/* ---- status: user, umask, signals ----------------------------------------------------------- */

static void take_dispositions(struct process *p, uint64_t ignored, uint64_t caught)
{
	for (int signo = 1; signo < SIGNALS; signo++) {
		uint64_t bit = (uint64_t)1 << (signo - 1);

		p->dispositions[signo] = (struct disposition){
			.kind = ignored & bit ? DISPOSITION_IGNORE :
				caught & bit ? DISPOSITION_CAUGHT : DISPOSITION_DEFAULT,
		};
	}
	p->have |= HAVE_DISPOSITIONS;
}

static int read_status(struct process *p, pid_t pid, struct error *err)
{
	char text[8192];
	const char *value, *caught;

	if (proc_read(pid, "status", text, sizeof text, err) < 0)
		return -1;
	value = find_line(text, "Tgid:");
	pid_t leader = value ? (pid_t)parse_number(&value, 10) : pid;

	if (pid && leader != pid)
		return error_set(err, EINVAL, "%d: it is a thread of process %d; name that",
				 pid, leader);
	if ((value = find_line(text, "Uid:")))
		p->uid = (uid_t)parse_number(&value, 10);
	if ((value = find_line(text, "Gid:")))
		p->gid = (gid_t)parse_number(&value, 10);
	if ((value = find_line(text, "Umask:"))) {
		p->umask = (uint32_t)parse_number(&value, 8);
		p->have |= HAVE_UMASK;
	}
	value = find_line(text, "SigIgn:");
	caught = find_line(text, "SigCgt:");
	if (value && caught) {
		uint64_t ignored = parse_number(&value, 16);

		take_dispositions(p, ignored, parse_number(&caught, 16));
	}
	return 0;
}

/* ---- Names ---------------------------------------------------------------------------------- */

static int read_comm(pid_t pid, pid_t tid, char comm[THREAD_NAME_SIZE], struct error *err)
{
	char what[40], text[THREAD_NAME_SIZE + 2];

	if (tid)
		format(what, sizeof what, "task/%d/comm", tid);
	else
		format(what, sizeof what, "comm");
	ssize_t n = proc_read(pid, what, text, sizeof text, err);

	if (n < 0)
		return -1;
	if (n > 0 && text[n - 1] == '\n')
		text[n - 1] = '\0';
	format(comm, THREAD_NAME_SIZE, "%s", text);
	return 0;
}

static int read_exe(struct process *p, pid_t pid, struct error *err)
{
	char path[PATH_MAX], name[PROC_NAME_SIZE];
	struct stat st;

	if (proc_link(pid, "exe", path, err) < 0)
		return -1;
	proc_name(name, pid, "exe");
	proc_strip_deleted(pid, path, stat(name, &st) == 0 ? &st : NULL);
	p->exe = arena_strdup(&p->arena, path);
	return p->exe ? 0 : no_memory(err);
}

/* The arguments with blanks between them.  Those behind the first 4 KiB are left out. */
static int read_command_line(struct process *p, pid_t pid, struct error *err)
{
	char text[4096];
	ssize_t n = proc_read(pid, "cmdline", text, sizeof text, err);

	if (n < 0)
		return -1;
	while (n > 0 && !text[n - 1])
		n--;
	for (ssize_t i = 0; i < n; i++)
		if (!text[i])
			text[i] = ' ';
	p->command_line = arena_strndup(&p->arena, text, (size_t)n);
	return p->command_line ? 0 : no_memory(err);
}

int procfs_read_identity(struct process *p, pid_t pid, struct error *err)
{
	char source[40];

	format(source, sizeof source, "process %d", pid ? pid : getpid());
	p->arch = arch_host();
	p->origin = ORIGIN_LIVE;
	p->source = arena_strdup(&p->arena, source);
	if (!p->source)
		return no_memory(err);
	clock_gettime(CLOCK_REALTIME, &p->when);
	if (read_stat(p, pid, err) < 0 || read_status(p, pid, err) < 0 ||
	    read_comm(pid, 0, p->comm, err) < 0)
		return -1;
	return read_exe(p, pid, err) < 0 ? -1 : read_command_line(p, pid, err);
}

/* ---- Threads -------------------------------------------------------------------------------- */

static int add_thread(struct process *p, pid_t pid, pid_t tid, struct error *err)
{
	struct thread *t = process_add_thread(p);

	if (!t)
		return no_memory(err);
	t->tid = tid;
	if (read_comm(pid, tid, t->name, err) < 0) {
		if (!proc_vanished(err))
			return -1;
		p->thread_count--;
	}
	return 0;
}

/* The leader comes first; the kernel lists it first too, but promises nothing. */
static void leader_first(struct process *p)
{
	struct thread *leader = process_thread(p, p->pid);

	if (leader && leader != p->threads) {
		struct thread first = p->threads[0];

		p->threads[0] = *leader;
		*leader = first;
	}
}

static int read_threads(struct process *p, pid_t pid, struct error *err)
{
	cleanup_fd int fd = -1;
	struct proc_dir dir;
	uint64_t tid;
	int more;

	if (proc_dir_open(&dir, &fd, pid, "task", err) < 0)
		return -1;
	while ((more = proc_dir_next(&dir, &tid, err)) > 0)
		if (add_thread(p, pid, (pid_t)tid, err) < 0)
			return -1;
	leader_first(p);
	return more;
}

/* ---- Directories, limits, auxiliary vector -------------------------------------------------- */

static int read_directory(struct process *p, pid_t pid, const char *what, const char **path,
			  struct error *err)
{
	char target[PATH_MAX], name[PROC_NAME_SIZE];
	struct stat st;

	if (proc_link(pid, what, target, err) < 0)
		return -1;
	proc_name(name, pid, "%s", what);
	proc_strip_deleted(pid, target, stat(name, &st) == 0 ? &st : NULL);
	*path = arena_strdup(&p->arena, target);
	return *path ? 0 : no_memory(err);
}

static const char *const limit_titles[LIMITS] = {
	[RLIMIT_CPU] = "Max cpu time", [RLIMIT_FSIZE] = "Max file size",
	[RLIMIT_DATA] = "Max data size", [RLIMIT_STACK] = "Max stack size",
	[RLIMIT_CORE] = "Max core file size", [RLIMIT_RSS] = "Max resident set",
	[RLIMIT_NPROC] = "Max processes", [RLIMIT_NOFILE] = "Max open files",
	[RLIMIT_MEMLOCK] = "Max locked memory", [RLIMIT_AS] = "Max address space",
	[RLIMIT_LOCKS] = "Max file locks", [RLIMIT_SIGPENDING] = "Max pending signals",
	[RLIMIT_MSGQUEUE] = "Max msgqueue size", [RLIMIT_NICE] = "Max nice priority",
	[RLIMIT_RTPRIO] = "Max realtime priority", [RLIMIT_RTTIME] = "Max realtime timeout",
};

static uint64_t parse_limit(const char **text)
{
	while (**text == ' ')
		++*text;
	const char *end = after(*text, "unlimited");

	if (!end)
		return parse_number(text, 10);
	*text = end;
	return UINT64_MAX;
}

static int read_limits(struct process *p, pid_t pid, struct error *err)
{
	char text[4096];

	if (proc_read(pid, "limits", text, sizeof text, err) < 0)
		return -1;
	for (int i = 0; i < LIMITS; i++) {
		const char *value = limit_titles[i] ? find_line(text, limit_titles[i]) : NULL;

		if (!value)
			continue;
		p->limits[i].known = true;
		p->limits[i].soft = parse_limit(&value);
		p->limits[i].hard = parse_limit(&value);
		p->have |= HAVE_LIMITS;
	}
	return 0;
}

static int read_auxv(struct process *p, pid_t pid, struct error *err)
{
	char bytes[4096];
	ssize_t n = proc_read(pid, "auxv", bytes, sizeof bytes, err);

	if (n < 0)
		return -1;
	p->auxv_size = (size_t)n / 16 * 16;
	p->auxv = arena_strndup(&p->arena, bytes, p->auxv_size);
	return p->auxv ? 0 : no_memory(err);
}

int procfs_read(struct process *p, pid_t pid, struct error *err)
{
	if (procfs_read_identity(p, pid, err) < 0 || read_threads(p, pid, err) < 0 ||
	    procfs_read_mappings(p, pid, err) < 0 || read_auxv(p, pid, err) < 0 ||
	    procfs_read_descriptors(p, pid, err) < 0 || procfs_note_mapped(p, err) < 0 ||
	    read_limits(p, pid, err) < 0)
		return -1;
	if (read_directory(p, pid, "cwd", &p->cwd, err) < 0 ||
	    read_directory(p, pid, "root", &p->root, err) < 0)
		return -1;
	p->have |= HAVE_CWD | HAVE_ROOT;
	procfs_read_clocks(p);
	return procfs_read_scheduling(p, err) < 0 ? -1 : procfs_read_timers(p, pid, err);
}
