/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a program calls: ckpt.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "libckpt/agent.h"
#include "util/export.h"

extern char **environ;

extern const char engine_image[], engine_image_end[];

/* A set-uid program has no engine: its checkpoint would be its user's. */
void agent_begin(void)
{
	if (engine_file.start || getauxval(AT_SECURE))
		return;
	engine_file.start = engine_image;
	engine_file.end = engine_image_end;
	settings_set_program(program_invocation_name);
}

/* ---- The agent, which a handler may want to have at the same time ---------------------------- */

struct hold {
	uint64_t mask;
	bool took, by_us;
};

static struct hold hold_agent(void)
{
	struct hold h = { .mask = block_signals() };

	h.took = agent_take(true, &h.by_us);
	if (h.took)
		agent_begin();
	return h;
}

static void let_agent_go(const struct hold *h)
{
	if (h->took)
		agent_release();
	restore_signals(h->mask);
}

/* ---- The configuration ----------------------------------------------------------------------- */

EXPORT void ckpt_config(const struct ckptconfig *cfg, struct ckptconfig *old)
{
	struct hold h = hold_agent();

	if (old)
		*old = settings.config;
	if (cfg) {
		handler_remove();
		settings_take(cfg);
		settings.pid = getpid();
		handler_install();
		period_start();
	}
	let_agent_go(&h);
}

EXPORT int ckpt_exclude_fd(int fd)
{
	struct hold h = hold_agent();
	int code = fcntl(fd, F_GETFD) < 0 ? EBADF : settings.fd_count == EXCLUDED_MAX ? ENOSPC : 0;

	if (!code)
		settings.fds[settings.fd_count++] = fd;
	let_agent_go(&h);
	errno = code ? code : errno;
	return code ? -1 : 0;
}

EXPORT int ckpt_exclude_memory(void *start, size_t size)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t first = ((uintptr_t)start + page - 1) & ~(page - 1);
	uintptr_t end = ((uintptr_t)start + size) & ~(page - 1);
	struct hold h = hold_agent();
	int code = (uintptr_t)start + size < (uintptr_t)start ? EINVAL
		 : settings.memory_count == EXCLUDED_MAX ? ENOSPC : 0;

	if (!code && first < end) {
		settings.memory[settings.memory_count].start = first;
		settings.memory[settings.memory_count++].end = end;
	}
	let_agent_go(&h);
	errno = code ? code : errno;
	return code ? -1 : 0;
}

/* ---- Checkpoint and restart ------------------------------------------------------------------ */

EXPORT int ckpt_ckpt(const char *name)
{
	size_t len = name ? strlen(name) : 1;
	enum outcome outcome = FAILED;
	struct hold h;
	int code = EDEADLK;  /* from a hook: for the other checkpoint */

	if (len == 0 || len >= CKPT_MAXNAME) {
		errno = len ? ENAMETOOLONG : EINVAL;
		return -1;
	}
	h = hold_agent();
	if (h.took)
		outcome = checkpoint(BY_CALL, name, &code);
	let_agent_go(&h);
	if (outcome == FAILED)
		errno = code ? code : EIO;
	return outcome == FAILED ? -1 : outcome == RESTARTED;
}

EXPORT int ckpt_restart(const char *name)
{
	char *argv[] = { (char *)name, NULL };

	return execve(name, argv, environ);
}
