/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "process/names.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "util/format.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* ---- Sets of flags --------------------------------------------------------------------------- */

/*
 * VALUE is written as NAME when all bits of VALUE are left to be written, so a name for several
 * bits stands before the names of the single ones.  An alias is only read, because the name before
 * it has taken its bits when writing.
 */
struct flag {
	uint64_t value;
	const char *name;
};

/* The first four are the values of the access mode, which is a number and not a set of bits. */
enum { ACCESS_MODES = 4 };

/* fcntl.h says that O_LARGEFILE is 0 on 64-bit machines; the kernel has this bit nevertheless. */
#define KERNEL_O_LARGEFILE 0100000

static const struct flag open_flags[] = {
	{ O_RDONLY, "O_RDONLY" },
	{ O_WRONLY, "O_WRONLY" },
	{ O_RDWR, "O_RDWR" },
	{ O_ACCMODE, "O_ACCMODE" },
	{ O_CREAT, "O_CREAT" },
	{ O_EXCL, "O_EXCL" },
	{ O_NOCTTY, "O_NOCTTY" },
	{ O_TRUNC, "O_TRUNC" },
	{ O_APPEND, "O_APPEND" },
	{ O_NONBLOCK, "O_NONBLOCK" },
	{ O_NDELAY, "O_NDELAY" },
	{ O_SYNC, "O_SYNC" },
	{ O_RSYNC, "O_RSYNC" },
	{ O_FSYNC, "O_FSYNC" },
	{ O_DSYNC, "O_DSYNC" },
	{ O_ASYNC, "O_ASYNC" },
	{ O_DIRECT, "O_DIRECT" },
	{ KERNEL_O_LARGEFILE, "O_LARGEFILE" },
	{ O_TMPFILE, "O_TMPFILE" },
	{ O_DIRECTORY, "O_DIRECTORY" },
	{ O_NOFOLLOW, "O_NOFOLLOW" },
	{ O_NOATIME, "O_NOATIME" },
	{ O_CLOEXEC, "O_CLOEXEC" },
	{ O_PATH, "O_PATH" },
};

/* As asm/signal.h has them; glibc's signal.h leaves some out. */
static const struct flag sigaction_flags[] = {
	{ 0x00000001, "SA_NOCLDSTOP" },
	{ 0x00000002, "SA_NOCLDWAIT" },
	{ 0x00000004, "SA_SIGINFO" },
	{ 0x00000400, "SA_UNSUPPORTED" },
	{ 0x00000800, "SA_EXPOSE_TAGBITS" },
	{ 0x04000000, "SA_RESTORER" },
	{ 0x08000000, "SA_ONSTACK" },
	{ 0x10000000, "SA_RESTART" },
	{ 0x40000000, "SA_NODEFER" },
	{ 0x40000000, "SA_NOMASK" },
	{ 0x80000000, "SA_RESETHAND" },
	{ 0x80000000, "SA_ONESHOT" },
};

static const struct flag altstack_flags[] = {
	{ 0x00000001, "SS_ONSTACK" },
	{ 0x00000002, "SS_DISABLE" },
	{ 0x80000000, "SS_AUTODISARM" },
};

/* Appends one word of a set; LEN is what the set has so far. */
static size_t append(char *buf, size_t size, size_t len, const char *word)
{
	char none[1];

	return len + format(len < size ? buf + len : none, len < size ? size - len : 0, "%s%s",
			    len ? "|" : "", word);
}

static size_t append_flags(char *buf, size_t size, size_t len, const struct flag *table,
			   size_t count, uint64_t flags)
{
	char rest[24];

	for (const struct flag *f = table; f < table + count; f++) {
		if (!f->value || (flags & f->value) != f->value)
			continue;
		len = append(buf, size, len, f->name);
		flags &= ~f->value;
	}
	if (!flags && len)
		return len;
	format(rest, sizeof rest, "%#lx", (unsigned long)flags);
	return append(buf, size, len, rest);
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return INT_MAX;
}

/* An unsigned C integer, the LEN bytes at TEXT, that is at most MAX. */
static bool read_integer(const char *text, size_t len, uint64_t max, uint64_t *value)
{
	int base = 10;

	if (len > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		base = 16;
		text += 2;
		len -= 2;
	} else if (len > 1 && text[0] == '0') {
		base = 8;
	}
	*value = 0;
	for (size_t i = 0; i < len; i++) {
		int d = digit(text[i]);

		if (d >= base || *value > (max - (uint64_t)d) / (uint64_t)base)
			return false;
		*value = *value * (uint64_t)base + (uint64_t)d;
	}
	return len > 0;
}

static bool read_flag(const struct flag *table, size_t count, const char *word, size_t len,
		      uint64_t max, uint64_t *flags)
{
	uint64_t value;

	for (const struct flag *f = table; f < table + count; f++) {
		if (strlen(f->name) == len && memcmp(f->name, word, len) == 0) {
			*flags |= f->value;
			return true;
		}
	}
	if (!read_integer(word, len, max, &value))
		return false;
	*flags |= value;
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool read_flags(const struct flag *table, size_t count, const char *text, uint64_t max,
		       uint64_t *flags, const char **bad)
{
	*flags = 0;
	for (;; text++) {
		text += strspn(text, " \t");
		size_t whole = strcspn(text, "|"), len = whole;

		while (len && is_blank(text[len - 1]))
			len--;
		if (!read_flag(table, count, text, len, max, flags)) {
			*bad = text;
			return false;
		}
		text += whole;
		if (!*text)
			return true;
	}
}

size_t open_flags_write(char *buf, size_t size, uint32_t flags)
{
	size_t len = append(buf, size, 0, open_flags[flags & O_ACCMODE].name);

	flags &= ~(uint32_t)O_ACCMODE;
	return flags ? append_flags(buf, size, len, open_flags + ACCESS_MODES,
				    COUNT(open_flags) - ACCESS_MODES, flags) : len;
}

bool open_flags_read(const char *text, uint32_t *flags, const char **bad)
{
	uint64_t wide;
	bool good = read_flags(open_flags, COUNT(open_flags), text, UINT32_MAX, &wide, bad);

	*flags = (uint32_t)wide;
	return good;
}

size_t sigaction_flags_write(char *buf, size_t size, uint64_t flags)
{
	return append_flags(buf, size, 0, sigaction_flags, COUNT(sigaction_flags), flags);
}

bool sigaction_flags_read(const char *text, uint64_t *flags, const char **bad)
{
	return read_flags(sigaction_flags, COUNT(sigaction_flags), text, UINT64_MAX, flags, bad);
}

size_t altstack_flags_write(char *buf, size_t size, uint32_t flags)
{
	return append_flags(buf, size, 0, altstack_flags, COUNT(altstack_flags), flags);
}

bool altstack_flags_read(const char *text, uint32_t *flags, const char **bad)
{
	uint64_t wide;
	bool good = read_flags(altstack_flags, COUNT(altstack_flags), text, UINT32_MAX, &wide,
			       bad);

	*flags = (uint32_t)wide;
	return good;
}

/* ---- Signals --------------------------------------------------------------------------------- */

/*
 * What C libraries call SIGRTMIN; the two real-time signals before it are glibc's own and have no
 * name.  A constant and not glibc's SIGRTMIN, which is a function call: a text must mean the same
 * wherever it is read.
 */
enum { FIRST_REALTIME = 34, LAST_REALTIME = 64 };

static const struct {
	int signo;
	const char *name;
} signals[] = {
	{ SIGHUP, "HUP" }, { SIGINT, "INT" }, { SIGQUIT, "QUIT" }, { SIGILL, "ILL" },
	{ SIGTRAP, "TRAP" }, { SIGABRT, "ABRT" }, { SIGBUS, "BUS" }, { SIGFPE, "FPE" },
	{ SIGKILL, "KILL" }, { SIGUSR1, "USR1" }, { SIGSEGV, "SEGV" }, { SIGUSR2, "USR2" },
	{ SIGPIPE, "PIPE" }, { SIGALRM, "ALRM" }, { SIGTERM, "TERM" }, { SIGSTKFLT, "STKFLT" },
	{ SIGCHLD, "CHLD" }, { SIGCONT, "CONT" }, { SIGSTOP, "STOP" }, { SIGTSTP, "TSTP" },
	{ SIGTTIN, "TTIN" }, { SIGTTOU, "TTOU" }, { SIGURG, "URG" }, { SIGXCPU, "XCPU" },
	{ SIGXFSZ, "XFSZ" }, { SIGVTALRM, "VTALRM" }, { SIGPROF, "PROF" },
	{ SIGWINCH, "WINCH" }, { SIGIO, "IO" }, { SIGPWR, "PWR" }, { SIGSYS, "SYS" },
	/* Aliases, which are only read. */
	{ SIGABRT, "IOT" }, { SIGCHLD, "CLD" }, { SIGIO, "POLL" },
};

size_t signal_name_write(char *buf, size_t size, int signo)
{
	for (size_t i = 0; i < COUNT(signals); i++)
		if (signals[i].signo == signo)
			return format(buf, size, "SIG%s", signals[i].name);
	if (signo == FIRST_REALTIME)
		return format(buf, size, "SIGRTMIN");
	if (signo > FIRST_REALTIME && signo <= LAST_REALTIME)
		return format(buf, size, "SIGRTMIN+%d", signo - FIRST_REALTIME);
	return format(buf, size, "%d", signo);
}

/* `RTMIN`, `RTMIN+3`, `RTMAX-2`. */
static int realtime_read(const char *text)
{
	const uint64_t most = LAST_REALTIME - FIRST_REALTIME;
	bool up = strncmp(text, "RTMIN", 5) == 0;
	uint64_t n = 0;

	if (!up && strncmp(text, "RTMAX", 5) != 0)
		return -1;
	text += 5;
	if (*text && (*text != (up ? '+' : '-') ||
		      !read_integer(text + 1, strlen(text + 1), most, &n)))
		return -1;
	return up ? FIRST_REALTIME + (int)n : LAST_REALTIME - (int)n;
}

int signal_name_read(const char *text)
{
	uint64_t n;

	if (read_integer(text, strlen(text), LAST_REALTIME, &n))
		return n ? (int)n : -1;
	if (strncmp(text, "SIG", 3) == 0)
		text += 3;
	for (size_t i = 0; i < COUNT(signals); i++)
		if (strcmp(signals[i].name, text) == 0)
			return signals[i].signo;
	return realtime_read(text);
}

/* ---- Limits ---------------------------------------------------------------------------------- */

static const char *const limits[] = {
	[RLIMIT_CPU] = "cpu",
	[RLIMIT_FSIZE] = "fsize",
	[RLIMIT_DATA] = "data",
	[RLIMIT_STACK] = "stack",
	[RLIMIT_CORE] = "core",
	[RLIMIT_RSS] = "rss",
	[RLIMIT_NPROC] = "nproc",
	[RLIMIT_NOFILE] = "nofile",
	[RLIMIT_MEMLOCK] = "memlock",
	[RLIMIT_AS] = "as",
	[RLIMIT_LOCKS] = "locks",
	[RLIMIT_SIGPENDING] = "sigpending",
	[RLIMIT_MSGQUEUE] = "msgqueue",
	[RLIMIT_NICE] = "nice",
	[RLIMIT_RTPRIO] = "rtprio",
	[RLIMIT_RTTIME] = "rttime",
};

const char *limit_name(int resource)
{
	return resource >= 0 && resource < (int)COUNT(limits) ? limits[resource] : NULL;
}

int limit_find(const char *name)
{
	for (int i = 0; i < (int)COUNT(limits); i++)
		if (strcmp(limits[i], name) == 0)
			return i;
	return -1;
}
