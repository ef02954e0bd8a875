/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plan for people: one operation a line, as strace would show it. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "process/names.h"
#include "restart/plan.h"
#include "restart/traits.h"
#include "util/format.h"

/*
 * The system calls a plan may hold.  A letter an argument: d decimal, x hexadecimal, s string in
 * the plan, P protection, M mapping flags, O open flags, o octal.
 */
static const struct call {
	long nr;
	const char *name, *args;
} calls[] = {
	{ SYS_mmap, "mmap", "xxPMdx" },
	{ SYS_munmap, "munmap", "xx" },
	{ SYS_mremap, "mremap", "xxxxx" },
	{ SYS_mprotect, "mprotect", "xxP" },
	{ SYS_madvise, "madvise", "xxd" },
	{ SYS_shmget, "shmget", "xdo" },
	{ SYS_shmat, "shmat", "dxo" },
	{ SYS_shmdt, "shmdt", "x" },
	{ SYS_shmctl, "shmctl", "ddx" },
	{ SYS_mlock2, "mlock2", "xxd" },
	{ SYS_mlockall, "mlockall", "x" },
	{ SYS_pkey_alloc, "pkey_alloc", "dx" },
	{ SYS_pkey_free, "pkey_free", "d" },
	{ SYS_pkey_mprotect, "pkey_mprotect", "xxPd" },
	{ SYS_mseal, "mseal", "xxd" },
	{ SYS_open, "open", "sOo" },
	{ SYS_close, "close", "d" },
	{ SYS_close_range, "close_range", "dd" },
	{ SYS_lseek, "lseek", "ddd" },
	{ SYS_dup3, "dup3", "ddO" },
	{ SYS_fcntl, "fcntl", "ddx" },
	{ SYS_pipe2, "pipe2", "xO" },
	{ SYS_socket, "socket", "dxd" },
	{ SYS_socketpair, "socketpair", "dxdx" },
	{ SYS_bind, "bind", "dxd" },
	{ SYS_listen, "listen", "dd" },
	{ SYS_connect, "connect", "dxd" },
	{ SYS_accept4, "accept4", "dxxx" },
	{ SYS_getsockname, "getsockname", "dxx" },
	{ SYS_setsockopt, "setsockopt", "dddxd" },
	{ SYS_sendto, "sendto", "dxdxxd" },
	{ SYS_shutdown, "shutdown", "dd" },
	{ SYS_unlink, "unlink", "s" },
	{ SYS_chmod, "chmod", "so" },
	{ SYS_eventfd2, "eventfd2", "dO" },
	{ SYS_epoll_create1, "epoll_create1", "O" },
	{ SYS_epoll_ctl, "epoll_ctl", "dddx" },
	{ SYS_signalfd4, "signalfd4", "dxdO" },
	{ SYS_timerfd_create, "timerfd_create", "dO" },
	{ SYS_timerfd_settime, "timerfd_settime", "ddxx" },
	{ SYS_pidfd_open, "pidfd_open", "dO" },
	{ SYS_ioctl, "ioctl", "dxx" },
	{ SYS_fchmod, "fchmod", "do" },
	{ SYS_epoll_wait, "epoll_wait", "dxdd" },
	{ SYS_inotify_init1, "inotify_init1", "O" },
	{ SYS_inotify_add_watch, "inotify_add_watch", "dsx" },
	{ SYS_inotify_rm_watch, "inotify_rm_watch", "dd" },
	{ SYS_read, "read", "dxd" },
	{ SYS_flock, "flock", "dd" },
	{ SYS_chdir, "chdir", "s" },
	{ SYS_umask, "umask", "o" },
	{ SYS_prctl, "prctl", "dxxxx" },
	{ SYS_arch_prctl, "arch_prctl", "xx" },
	{ SYS_prlimit64, "prlimit64", "ddxx" },
	{ SYS_rt_sigaction, "rt_sigaction", "dxxd" },
	{ SYS_rt_sigprocmask, "rt_sigprocmask", "dxxd" },
	{ SYS_sigaltstack, "sigaltstack", "xx" },
	{ SYS_set_tid_address, "set_tid_address", "x" },
	{ SYS_set_robust_list, "set_robust_list", "xd" },
	{ SYS_rseq, "rseq", "xddx" },
	{ SYS_capset, "capset", "xx" },
	{ SYS_write, "write", "dxd" },
	{ SYS_getpid, "getpid", "" },
	{ SYS_wait4, "wait4", "dxd" },
	{ SYS_exit, "exit", "d" },
	{ SYS_kill, "kill", "dd" },
	{ SYS_rt_sigqueueinfo, "rt_sigqueueinfo", "ddx" },
	{ SYS_rt_tgsigqueueinfo, "rt_tgsigqueueinfo", "dddx" },
	{ SYS_setitimer, "setitimer", "dxx" },
	{ SYS_timer_create, "timer_create", "dxx" },
	{ SYS_timer_settime, "timer_settime", "ddxx" },
	{ SYS_timer_delete, "timer_delete", "d" },
	{ SYS_gettid, "gettid", "" },
	{ SYS_futex, "futex", "xdd" },
	{ SYS_setpriority, "setpriority", "ddd" },
	{ SYS_sched_setattr, "sched_setattr", "dxd" },
	{ SYS_sched_setaffinity, "sched_setaffinity", "ddx" },
	{ SYS_ioprio_set, "ioprio_set", "ddx" },
	{ SYS_personality, "personality", "x" },
	{ SYS_setresuid, "setresuid", "ddd" },
	{ SYS_setresgid, "setresgid", "ddd" },
	{ SYS_setfsuid, "setfsuid", "d" },
	{ SYS_setfsgid, "setfsgid", "d" },
	{ SYS_setgroups, "setgroups", "dx" },
	{ SYS_setpgid, "setpgid", "dd" },
	{ SYS_setsid, "setsid", "" },
};

struct line {
	char *buf;
	size_t size, len;
};

static void append(struct line *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void append(struct line *l, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	if (l->len < l->size)
		l->len += vformat(l->buf + l->len, l->size - l->len, fmt, args);
	va_end(args);
}

static void append_mapping_flags(struct line *l, uint64_t flags)
{
	static const struct { uint64_t bit; const char *name; } names[] = {
		{ MAP_ANONYMOUS, "|MAP_ANONYMOUS" }, { MAP_FIXED, "|MAP_FIXED" },
		{ MAP_FIXED_NOREPLACE, "|MAP_FIXED_NOREPLACE" },
		{ MAP_GROWSDOWN, "|MAP_GROWSDOWN" },
		{ MAP_NORESERVE, "|MAP_NORESERVE" }, { MAP_HUGETLB, "|MAP_HUGETLB" },
	};

	append(l, flags & MAP_DROPPABLE ? "MAP_DROPPABLE"
		  : flags & MAP_SHARED	? "MAP_SHARED"
					: "MAP_PRIVATE");
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (flags & names[i].bit)
			append(l, "%s", names[i].name);
}

static void append_argument(struct line *l, const struct plan *plan, char kind, uint64_t value)
{
	char text[128];

	switch (kind) {
	case 'd': append(l, "%lld", (long long)value); break;
	case 'o': append(l, "0%llo", (unsigned long long)value); break;
	case 'P':
		append(l, "%c%c%c", value & PROT_READ ? 'r' : '-', value & PROT_WRITE ? 'w' : '-',
		       value & PROT_EXEC ? 'x' : '-');
		break;
	case 'M': append_mapping_flags(l, value); break;
	case 'O':
		open_flags_write(text, sizeof text, (uint32_t)value);
		append(l, "%s", text);
		break;
	case 's': {
		uint64_t at = value - plan_data_start(plan);

		append(l, "\"%s\"", at < plan->data.len ? plan->data.bytes + at : "?");
		break;
	}
	default: append(l, "0x%llx", (unsigned long long)value);
	}
}

static void append_call(struct line *l, const struct plan *plan, const struct plan_op *op)
{
	const struct call *call = NULL;

	for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
		if (calls[i].nr == (long)op->nr)
			call = &calls[i];
	if (!call) {
		append(l, "syscall %u(", op->nr);
	} else {
		append(l, "%s(", call->name);
	}
	for (int i = 0; i < 6 && (!call || call->args[i]); i++) {
		if (i)
			append(l, ", ");
		if (op->flags & (OP_ARG0_IS_RESULT << i))
			append(l, "$");
		else if (i == 0 && op->flags & OP_ARG0_IS_PID)
			append(l, "getpid()");
		else
			append_argument(l, plan, call ? call->args[i] : 'x', op->args[i]);
	}
	append(l, ")");
}

void plan_describe(const struct plan *plan, size_t index, char *buf, size_t size)
{
	const struct plan_op *op = (const struct plan_op *)plan->ops.bytes + index;
	const unsigned long long *a = (const unsigned long long *)op->args;
	struct line l = { .buf = buf, .size = size };

	if (op->flags & OP_KEEP)
		append(&l, "$ = ");
	switch (op->kind) {
	case OP_SYSCALL: append_call(&l, plan, op); break;
	case OP_READ:
		append(&l, "read(%lld, 0x%llx, 0x%llx, 0x%llx)", a[0], a[1], a[2], a[3]);
		break;
	case OP_READ_PIECES:
		append(&l, "read_pieces(%lld, 0x%llx, 0x%llx)", a[0], a[1], a[2]);
		break;
	case OP_COPY: append(&l, "copy(0x%llx, 0x%llx, 0x%llx)", a[0], a[1], a[2]); break;
	case OP_MOVE_FD: append(&l, "move($, %lld%s)", a[0], a[1] ? ", O_CLOEXEC" : ""); break;
	case OP_STORE: append(&l, "store(0x%llx, 0x%llx)", a[0], a[1]); break;
	case OP_LOAD: append(&l, "load(0x%llx)", a[0]); break;
	case OP_THREAD: append(&l, "thread(at %lld)", a[2]); break;
	case OP_PAUSE: append(&l, "pause()"); break;
	case OP_END: append(&l, "end(%lld)", a[0]); break;
	case OP_ENTER: append(&l, "enter(0x%llx)", a[0]); break;
	}
	if (op->note && op->note < plan->notes.len)
		append(&l, "  # %s", plan->notes.bytes + op->note);
	format_one_line(buf);
}

void plan_print(const struct plan *plan, FILE *out)
{
	char line[1024];

	for (size_t i = 0; i < plan_next(plan); i++) {
		plan_describe(plan, i, line, sizeof line);
		fprintf(out, "%5zu  %s\n", i, line);
	}
}
