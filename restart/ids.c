/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "restart/ids.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "restart/launch.h"
#include "util/cleanup.h"
#include "util/format.h"
#include "util/io.h"

#ifndef CAP_CHECKPOINT_RESTORE
#define CAP_CHECKPOINT_RESTORE 40
#endif

enum { CAP_WORDS = 2 };

static int get_caps(struct __user_cap_data_struct data[CAP_WORDS])
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };

	return (int)syscall(SYS_capget, &header, data);
}

static bool has_cap(const struct __user_cap_data_struct data[CAP_WORDS], int cap)
{
	return data[cap / 32].effective >> (cap % 32) & 1;
}

bool ids_permitted(void)
{
	struct __user_cap_data_struct data[CAP_WORDS];

	return get_caps(data) == 0 &&
	       (has_cap(data, CAP_CHECKPOINT_RESTORE) || has_cap(data, CAP_SYS_ADMIN));
}

bool ids_free(const struct process *p, size_t first, pid_t *taken)
{
	for (size_t i = first; i < p->thread_count; i++) {
		*taken = p->threads[i].tid;
		/* Signal 0 reaches threads by their own ids too. */
		if (kill(*taken, 0) == 0 || errno != ESRCH)
			return false;
	}
	return true;
}

/* Makes a process of that id and ends it.  False when the id is not to be had. */
static bool try_id(pid_t id)
{
	pid_t child = launch_fork(id);

	if (child == 0)
		_exit(0);
	return child < 0 ? errno != EEXIST : waitpid(child, NULL, 0) == child;
}

void ids_settle(const struct process *p)
{
	enum { RECENT = 10 /* seconds */, TRIES = 50 };
	const struct timespec moment = { .tv_nsec = 2000000 };

	if (!p->when.tv_sec || time(NULL) - p->when.tv_sec > RECENT)
		return;
	for (size_t i = 0; i < p->thread_count; i++)
		for (int n = 0; n < TRIES && !try_id(p->threads[i].tid); n++)
			nanosleep(&moment, NULL);
}

void check_ids(const struct restore *r, struct findings *f)
{
	pid_t taken;

	if (r->options->pid != PID_KEEP)
		return;
	if (!ids_permitted())
		findings_add(f, OBSTACLE, "--pid=keep: choosing a process id takes "
			     "CAP_CHECKPOINT_RESTORE (be root, or use --pid=ns)");
	else if (!ids_free(r->process, 0, &taken))
		findings_add(f, OBSTACLE, "--pid=keep: id %d is taken by another process (end it, "
			     "or use --pid=ns or --pid=new)", taken);
}

void ids_raise_ambient(int cap)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[CAP_WORDS];

	if (geteuid() == 0 || get_caps(data) < 0)
		return;
	data[cap / 32].inheritable |= 1u << (cap % 32);
	if (syscall(SYS_capset, &header, data) == 0)
		prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0);
}

static int write_text(const char *path, const char *text)
{
	cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd < 0 ? -1 : write_full(fd, text, strlen(text));
}

/* In its namespace the process keeps its user and group; all others are nobody's. */
static int map_identity(const char *path, unsigned id)
{
	char line[64];

	format(line, sizeof line, "%u %u 1\n", id, id);
	return write_text(path, line);
}

int ids_enter_namespace(struct error *err)
{
	unsigned uid = geteuid(), gid = getegid();

	if (ids_permitted() && unshare(CLONE_NEWPID) == 0)
		return 0;
	if (unshare(CLONE_NEWUSER | CLONE_NEWPID) < 0)
		return error_sys(err, errno, "--pid=ns: this system gives ordinary users no "
				 "namespaces (use --pid=new)");
	if (write_text("/proc/self/setgroups", "deny") < 0 ||
	    map_identity("/proc/self/uid_map", uid) < 0 ||
	    map_identity("/proc/self/gid_map", gid) < 0)
		return error_sys(err, errno, "--pid=ns: mapping the user into the namespace");
	return 0;
}
