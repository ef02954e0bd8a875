/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "libsavefds/library.h"
#include "process/raw_x86_64.h"
#include "process/procfs.h"
#include "process/questions.h"
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

/* ---- What the kernel tells its own process alone --------------------------------------------- */

/* Others may run, unless the process is DYING. */
static int ask(struct process *p, struct thread *t, bool dying, struct error *err)
{
	uint64_t data[ASKER_DATA / sizeof(uint64_t)];
	const struct asker a = asker_self(data);

	if (ask_dispositions(p, &a, err) < 0 || ask_timers(p, &a, err) < 0 ||
	    ask_brk(p, &a, err) < 0 || ask_settings(p, t, &a, err) < 0 ||
	    ask_future_locks(p, &a, err) < 0 || (dying && ask_pkeys(p, &a, err) < 0))
		return -1;
	return ask_inherited(p, t, &a, err);
}

static void take_altstack(struct thread *t, const stack_t *altstack)
{
	t->altstack = (struct altstack){
		.known = true, .sp = (uintptr_t)altstack->ss_sp, .size = altstack->ss_size,
		/* Before the first sigaltstack() the kernel shows no flags at all. */
		.flags = altstack->ss_size ? (uint32_t)altstack->ss_flags : SS_DISABLE,
	};
}

static int read_self(struct process *p, const stack_t *altstack, bool dying, struct error *err)
{
	if (procfs_read(p, 0, err) < 0 || procfs_read_memory(p, 0, err) < 0 ||
	    procfs_read_pending(p, 0, err) < 0 || procfs_read_attributes(p, 0, err) < 0)
		return -1;
	if (p->children && freeze_has_helper())
		p->children--;
	/* In a process id namespace /proc may be that of another one. */
	struct thread unlisted = { 0 };
	pid_t self = (pid_t)raw_syscall(SYS_gettid, 0, 0, 0, 0, 0);
	struct thread *t = process_thread(p, self);

	if (!t)
		t = &unlisted;
	take_altstack(t, altstack);
	if (ask(p, t, dying, err) < 0 || (dying && pending_take(p, self, err) < 0))
		return -1;
	attributes_share(p);
	return 0;
}

/* A process about to die should not take long over it. */
enum { UNLINKED_MAX = 16 << 20 };

static int read_and_write(const char *path, const stack_t *altstack, bool dying,
			  const struct rlimit *files, struct error *err)
{
	struct process p;
	int result;

	process_init(&p);
	p.contents_max = UNLINKED_MAX;
	result = read_self(&p, altstack, dying, err);
	if (files)
		p.limits[RLIMIT_NOFILE].soft = files->rlim_cur;
	if (result == 0)
		result = statelog_save(&p, path, err);
	process_free(&p);
	return result;
}

/* Reading /proc takes a descriptor or two, which a program at its limit does not have. */
int text_write(const char *path, const stack_t *altstack, bool dying, struct error *err)
{
	enum { NEEDED = 8 };
	struct rlimit files, more;
	bool raised;
	int result;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return read_and_write(path, altstack, dying, NULL, err);
	more = files;
	more.rlim_cur = files.rlim_max - files.rlim_cur > NEEDED ? files.rlim_cur + NEEDED
								  : files.rlim_max;
	raised = setrlimit(RLIMIT_NOFILE, &more) == 0;
	result = read_and_write(path, altstack, dying, raised ? &files : NULL, err);
	if (raised && setrlimit(RLIMIT_NOFILE, &files) < 0)
		complain("cannot restore the limit of open files");
	return result;
}
