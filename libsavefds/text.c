/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "libsavefds/library.h"
#include "process/raw_x86_64.h"
#include "process/procfs.h"
#include "process/statelog.h"
#include "util/format.h"
#include "util/io.h"

void complain(const char *message)
{
	char line[ERROR_MESSAGE_SIZE + 32];
	size_t len = format(line, sizeof line, "libsavefds: %s\n", message);

	if (write_full(STDERR_FILENO, line, len < sizeof line ? len : sizeof line - 1) < 0)
		return;  /* nobody is there to be told */
}

/* What /proc only calls "caught", the kernel tells its own process. */
static void take_dispositions(struct process *p)
{
	for (int signo = 1; signo < SIGNALS; signo++) {
		struct disposition *d = &p->dispositions[signo];
		struct kernel_sigaction act;

		if (raw_syscall(SYS_rt_sigaction, signo, 0, (long)&act, sizeof act.mask, 0) < 0)
			continue;
		*d = (struct disposition){
			.kind = act.handler == (uintptr_t)SIG_DFL ? DISPOSITION_DEFAULT :
				act.handler == (uintptr_t)SIG_IGN ? DISPOSITION_IGNORE :
				DISPOSITION_HANDLER,
		};
		if (d->kind == DISPOSITION_HANDLER) {
			d->handler = act.handler;
			d->flags = act.flags;
			d->mask = act.mask;
			d->restorer = act.restorer;
		}
	}
	p->have |= HAVE_DISPOSITIONS;
}

static void take_altstack(struct process *p, const stack_t *altstack)
{
	struct thread *t = process_thread(p, (pid_t)raw_syscall(SYS_gettid, 0, 0, 0, 0, 0));

	if (!t)
		return;
	t->altstack = (struct altstack){
		.known = true, .sp = (uintptr_t)altstack->ss_sp, .size = altstack->ss_size,
		/* Before the first sigaltstack() the kernel shows no flags at all. */
		.flags = altstack->ss_size ? (uint32_t)altstack->ss_flags : SS_DISABLE,
	};
}

static int read_self(struct process *p, const stack_t *altstack, struct error *err)
{
	if (procfs_read(p, 0, err) < 0 || procfs_read_memory(p, 0, err) < 0)
		return -1;
	take_dispositions(p);
	take_altstack(p, altstack);
	/* To the byte, where /proc shows pages. */
	p->brk = (addr_t)raw_syscall(SYS_brk, 0, 0, 0, 0, 0);
	return 0;
}

/* A process about to die should not take long over it. */
enum { UNLINKED_MAX = 16 << 20 };

static int read_and_write(const char *path, const stack_t *altstack, const struct rlimit *files,
			  struct error *err)
{
	struct process p;
	int result;

	process_init(&p);
	p.contents_max = UNLINKED_MAX;
	result = read_self(&p, altstack, err);
	if (files)
		p.limits[RLIMIT_NOFILE].soft = files->rlim_cur;
	if (result == 0)
		result = statelog_save(&p, path, err);
	process_free(&p);
	return result;
}

/* Reading /proc takes a descriptor or two, which a program at its limit does not have. */
int text_write(const char *path, const stack_t *altstack, struct error *err)
{
	enum { NEEDED = 8 };
	struct rlimit files, more;
	bool raised;
	int result;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return read_and_write(path, altstack, NULL, err);
	more = files;
	more.rlim_cur = files.rlim_max - files.rlim_cur > NEEDED ? files.rlim_cur + NEEDED
								  : files.rlim_max;
	raised = setrlimit(RLIMIT_NOFILE, &more) == 0;
	result = read_and_write(path, altstack, raised ? &files : NULL, err);
	if (raised && setrlimit(RLIMIT_NOFILE, &files) < 0)
		complain("cannot restore the limit of open files");
	return result;
}
