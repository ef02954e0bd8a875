/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How the kernel treats the process and its threads. */
#define _GNU_SOURCE
#include "holds.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { IOPRIO_WHO_PROCESS = 1, BEST_EFFORT = 2 << 13, IDLE = 3 << 13 };

/* ---- A thread with settings of its own, which looks at them when told ---- */

struct helper {
	pthread_t thread;
	void (*prepare)(void);
	const char *(*look)(void);
	const char *found;
	int stage;  /* 1: prepared, 2: told to look */
};

static const struct timespec moment = { .tv_nsec = 1000000 };

static void wait_for_stage(struct helper *h, int stage)
{
	while (__atomic_load_n(&h->stage, __ATOMIC_SEQ_CST) < stage)
		nanosleep(&moment, NULL);
}

static void *help(void *argument)
{
	struct helper *h = argument;

	h->prepare();
	__atomic_store_n(&h->stage, 1, __ATOMIC_SEQ_CST);
	wait_for_stage(h, 2);
	h->found = h->look();
	return NULL;
}

static void helper_start(struct helper *h)
{
	NEED(pthread_create(&h->thread, NULL, help, h) == 0);
	wait_for_stage(h, 1);
}

static const char *helper_end(struct helper *h)
{
	__atomic_store_n(&h->stage, 2, __ATOMIC_SEQ_CST);
	EXPECT(pthread_join(h->thread, NULL) == 0);
	return h->found;
}

/* ---- Nice values, one for each thread ---- */

static void nice_prepare(void)
{
	NEED(setpriority(PRIO_PROCESS, 0, 7) == 0);
}

static const char *nice_look(void)
{
	EXPECT(getpriority(PRIO_PROCESS, 0) == 7);
	return NULL;
}

static struct helper nicer = { .prepare = nice_prepare, .look = nice_look };

static void nice_set_up(void)
{
	if (getpriority(PRIO_PROCESS, 0) > 2) {
		leave_out("started with a nice value of its own");
		return;
	}
	helper_start(&nicer);
	NEED(setpriority(PRIO_PROCESS, 0, 2) == 0);
}

static const char *nice_check(void)
{
	EXPECT(getpriority(PRIO_PROCESS, 0) == 2);
	return helper_end(&nicer);
}

/* ---- A thread of the idle class, one that computes in batch ---- */

static void idle_prepare(void)
{
	NEED(sched_setscheduler(0, SCHED_IDLE, &(struct sched_param){ 0 }) == 0);
}

static const char *idle_look(void)
{
	EXPECT(sched_getscheduler(0) == SCHED_IDLE);
	return NULL;
}

static void batch_prepare(void)
{
	NEED(sched_setscheduler(0, SCHED_BATCH | SCHED_RESET_ON_FORK, &(struct sched_param){ 0 }) ==
	     0);
}

static const char *batch_look(void)
{
	EXPECT(sched_getscheduler(0) == (SCHED_BATCH | SCHED_RESET_ON_FORK));
	return NULL;
}

static struct helper idle = { .prepare = idle_prepare, .look = idle_look };
static struct helper batch = { .prepare = batch_prepare, .look = batch_look };

static void policy_set_up(void)
{
	helper_start(&idle);
	helper_start(&batch);
}

static const char *policy_check(void)
{
	const char *lost = helper_end(&idle);

	EXPECT(sched_getscheduler(0) == SCHED_OTHER);
	return lost ? lost : helper_end(&batch);
}

/* ---- A thread with a real-time priority, where the machine gives any ---- */

static bool realtime_given;

static void realtime_prepare(void)
{
	const struct sched_param param = { .sched_priority = 3 };

	realtime_given = sched_setscheduler(0, SCHED_RR, &param) == 0;
}

static const char *realtime_look(void)
{
	struct sched_param param;

	EXPECT(sched_getscheduler(0) == SCHED_RR);
	EXPECT(sched_getparam(0, &param) == 0 && param.sched_priority == 3);
	return NULL;
}

static struct helper realtime = { .prepare = realtime_prepare, .look = realtime_look };

static void realtime_set_up(void)
{
	helper_start(&realtime);
	if (!realtime_given)
		leave_out("no real-time priorities here");
}

static const char *realtime_check(void)
{
	return helper_end(&realtime);
}

/* ---- Cpus ---- */

static int bound_to;

static void cpus_prepare(void)
{
	cpu_set_t set;

	NEED(sched_getaffinity(0, sizeof set, &set) == 0);
	for (bound_to = CPU_SETSIZE - 1; !CPU_ISSET(bound_to, &set);)
		bound_to--;
	CPU_ZERO(&set);
	CPU_SET(bound_to, &set);
	NEED(sched_setaffinity(0, sizeof set, &set) == 0);
}

static const char *cpus_look(void)
{
	cpu_set_t set;

	EXPECT(sched_getaffinity(0, sizeof set, &set) == 0);
	EXPECT(CPU_COUNT(&set) == 1 && CPU_ISSET(bound_to, &set));
	EXPECT(sched_getcpu() == bound_to);
	return NULL;
}

static struct helper bound = { .prepare = cpus_prepare, .look = cpus_look };
static int cpu_count;

static void cpus_set_up(void)
{
	cpu_set_t set;

	helper_start(&bound);
	NEED(sched_getaffinity(0, sizeof set, &set) == 0);
	cpu_count = CPU_COUNT(&set);
}

static const char *cpus_check(void)
{
	cpu_set_t set;

	EXPECT(sched_getaffinity(0, sizeof set, &set) == 0);
	EXPECT(CPU_COUNT(&set) == cpu_count);
	return helper_end(&bound);
}

/* ---- Input and output ---- */

static void ioprio_prepare(void)
{
	NEED(syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IDLE) == 0);
}

static const char *ioprio_look(void)
{
	EXPECT(syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0) == IDLE);
	return NULL;
}

static struct helper patient = { .prepare = ioprio_prepare, .look = ioprio_look };

static void ioprio_set_up(void)
{
	NEED(syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, BEST_EFFORT | 6) == 0);
	helper_start(&patient);
}

static const char *ioprio_check(void)
{
	EXPECT(syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0) == (BEST_EFFORT | 6));
	return helper_end(&patient);
}

/* ---- Names ---- */

static void name_prepare(void)
{
	pthread_setname_np(pthread_self(), "a : b #\\");
}

static const char *name_look(void)
{
	char name[16];

	EXPECT(prctl(PR_GET_NAME, name) == 0 && strcmp(name, "a : b #\\") == 0);
	return NULL;
}

static struct helper named = { .prepare = name_prepare, .look = name_look };

static void name_set_up(void)
{
	helper_start(&named);
}

static const char *name_check(void)
{
	char name[16];

	EXPECT(prctl(PR_GET_NAME, name) == 0 && strcmp(name, "holds") == 0);
	return helper_end(&named);
}

/* ---- One setting of prctl each ---- */

static void slack_set_up(void)
{
	NEED(prctl(PR_SET_TIMERSLACK, 123456) == 0);
}

static const char *slack_check(void)
{
	EXPECT(prctl(PR_GET_TIMERSLACK) == 123456);
	return NULL;
}

static void parent_set_up(void)
{
	NEED(prctl(PR_SET_PDEATHSIG, SIGWINCH) == 0);
}

static const char *parent_check(void)
{
	int signo = 0;

	EXPECT(prctl(PR_GET_PDEATHSIG, &signo) == 0 && signo == SIGWINCH);
	return NULL;
}

static void privs_set_up(void)
{
	NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
}

static const char *privs_check(void)
{
	EXPECT(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	return NULL;
}

static void keepcaps_set_up(void)
{
	NEED(prctl(PR_SET_KEEPCAPS, 1) == 0);
}

static const char *keepcaps_check(void)
{
	EXPECT(prctl(PR_GET_KEEPCAPS) == 1);
	return NULL;
}

static void reaper_set_up(void)
{
	NEED(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
}

static const char *reaper_check(void)
{
	int value = 0;

	EXPECT(prctl(PR_GET_CHILD_SUBREAPER, &value) == 0 && value == 1);
	EXPECT(prctl(PR_SET_CHILD_SUBREAPER, 0) == 0);
	return NULL;
}

static void thp_set_up(void)
{
	NEED(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) == 0);
}

static const char *thp_check(void)
{
	EXPECT(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 1);
	return NULL;
}

static void dumpable_set_up(void)
{
	NEED(prctl(PR_SET_DUMPABLE, 0) == 0);
}

static const char *dumpable_check(void)
{
	EXPECT(prctl(PR_GET_DUMPABLE) == 0);
	return NULL;
}

static void personality_set_up(void)
{
	NEED(personality(ADDR_NO_RANDOMIZE | ADDR_COMPAT_LAYOUT) >= 0);
}

static const char *personality_check(void)
{
	EXPECT(personality(0xffffffff) == (ADDR_NO_RANDOMIZE | ADDR_COMPAT_LAYOUT));
	return NULL;
}

/* ---- The session ---- */

static bool leads;

static void session_set_up(void)
{
	leads = setsid() > 0;
	if (!leads)
		leave_out("started as the leader of a group");
}

static const char *session_check(void)
{
	EXPECT(getsid(0) == getpid() && getpgrp() == getpid());
	EXPECT(open("/dev/tty", O_RDWR | O_NOCTTY) < 0 && errno == ENXIO);
	return NULL;
}

/* ---- Files of /proc ---- */

static bool write_proc(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return good;
}

static long read_proc(const char *path, int base)
{
	char text[64] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

	if (fd >= 0)
		close(fd);
	return n > 0 ? strtol(text, NULL, base) : -99999;
}

static void oom_set_up(void)
{
	NEED(write_proc("/proc/self/oom_score_adj", "321"));
}

static const char *oom_check(void)
{
	EXPECT(read_proc("/proc/self/oom_score_adj", 10) == 321);
	return NULL;
}

static void filter_set_up(void)
{
	NEED(write_proc("/proc/self/coredump_filter", "0x37"));
}

static const char *filter_check(void)
{
	EXPECT(read_proc("/proc/self/coredump_filter", 16) == 0x37);
	return NULL;
}

/* ---- Limits, umask ---- */

static void limits_set_up(void)
{
	const struct rlimit msgqueue = { 1000, 2000 }, cpu = { 100000, RLIM_INFINITY };

	NEED(setrlimit(RLIMIT_MSGQUEUE, &msgqueue) == 0 && setrlimit(RLIMIT_CPU, &cpu) == 0);
}

static const char *limits_check(void)
{
	struct rlimit limit;

	EXPECT(getrlimit(RLIMIT_MSGQUEUE, &limit) == 0 && limit.rlim_cur == 1000 &&
	       limit.rlim_max == 2000);
	EXPECT(getrlimit(RLIMIT_CPU, &limit) == 0 && limit.rlim_cur == 100000 &&
	       limit.rlim_max == RLIM_INFINITY);
	return NULL;
}

static void umask_set_up(void)
{
	umask(0137);
}

static const char *umask_check(void)
{
	EXPECT(umask(022) == 0137);
	return NULL;
}

/* ---- Credentials.  By system calls: the C library would change those of all threads. ---- */

static void groups_set_up(void)
{
	const gid_t groups[] = { 4711, 4712, 100000 };

	NEED(syscall(SYS_setgroups, 3, groups) == 0);
}

static const char *groups_check(void)
{
	gid_t groups[8];

	EXPECT(getgroups(8, groups) == 3);
	EXPECT(groups[0] == 4711 && groups[1] == 4712 && groups[2] == 100000);
	return NULL;
}

static void bounding_set_up(void)
{
	NEED(prctl(PR_CAPBSET_DROP, CAP_SYS_BOOT) == 0);
}

static const char *bounding_check(void)
{
	EXPECT(prctl(PR_CAPBSET_READ, CAP_SYS_BOOT) == 0);
	EXPECT(prctl(PR_CAPBSET_READ, CAP_SETUID) == 1);
	return NULL;
}

/* What is left of the permitted capabilities. */
static uint64_t permitted(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	if (syscall(SYS_capget, &header, data) < 0)
		return 0;
	return (uint64_t)data[1].permitted << 32 | data[0].permitted;
}

static uint64_t permitted_then;

static void capabilities_set_up(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	NEED(syscall(SYS_capget, &header, data) == 0);
	data[CAP_MKNOD / 32].permitted &= ~(1u << CAP_MKNOD % 32);
	data[CAP_MKNOD / 32].effective &= ~(1u << CAP_MKNOD % 32);
	NEED(syscall(SYS_capset, &header, data) == 0);
	permitted_then = permitted();
}

static const char *capabilities_check(void)
{
	EXPECT(permitted() == permitted_then && !(permitted() >> CAP_MKNOD & 1) &&
	       permitted() != 0);
	return NULL;
}

static void securebits_set_up(void)
{
	NEED(prctl(PR_SET_SECUREBITS, prctl(PR_GET_SECUREBITS) | SECBIT_NO_CAP_AMBIENT_RAISE) == 0);
}

static const char *securebits_check(void)
{
	EXPECT(prctl(PR_GET_SECUREBITS) & SECBIT_NO_CAP_AMBIENT_RAISE);
	return NULL;
}

const struct hold attribute_holds[] = {
	{ "nice", "each thread has its nice value", nice_set_up, nice_check, 0 },
	{ "policy", "each thread has its scheduling policy", policy_set_up, policy_check, 0 },
	{ "realtime", "a thread has its real-time priority", realtime_set_up, realtime_check,
	  HOLD_PRIVILEGED },
	{ "cpus", "a thread is bound to its cpu, and the others to none", cpus_set_up, cpus_check,
	  0 },
	{ "ioprio", "each thread has its i/o priority", ioprio_set_up, ioprio_check, 0 },
	{ "thread-name", "each thread has its name", name_set_up, name_check, 0 },
	{ "timerslack", "the timer slack is the same", slack_set_up, slack_check, 0 },
	{ "pdeathsig", "the signal at the parent's end is the same", parent_set_up, parent_check,
	  0 },
	{ "keepcaps", "capabilities would be kept", keepcaps_set_up, keepcaps_check, 0 },
	{ "subreaper", "orphans are adopted", reaper_set_up, reaper_check, 0 },
	{ "thp", "transparent huge pages are off", thp_set_up, thp_check, 0 },
	{ "session", "it leads a session that no terminal controls", session_set_up,
	  session_check, 0 },
	{ "personality", "the personality is the same", personality_set_up, personality_check, 0 },
	{ "oom", "the out-of-memory score is the same", oom_set_up, oom_check, 0 },
	{ "coredump-filter", "the core dump filter is the same", filter_set_up, filter_check, 0 },
	{ "limits", "soft and hard limits are the same", limits_set_up, limits_check, 0 },
	{ "umask", "the umask is the same", umask_set_up, umask_check, 0 },
	{ "groups", "the supplementary groups are the same", groups_set_up, groups_check,
	  HOLD_PRIVILEGED },
	{ "bounding", "a capability is out of the bounding set", bounding_set_up, bounding_check,
	  HOLD_PRIVILEGED },
	{ "securebits", "the securebits are the same", securebits_set_up, securebits_check,
	  HOLD_PRIVILEGED },
	{ "capabilities", "a capability that was dropped stays so", capabilities_set_up,
	  capabilities_check,
	  HOLD_PRIVILEGED },
	{ "dumpable", "the process may not be dumped", dumpable_set_up, dumpable_check,
	  HOLD_PRIVILEGED | HOLD_NOT_IN_CORE },
	{ "no-new-privs", "no new privileges can be had", privs_set_up, privs_check, 0 },
	{ 0 },
};
