/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libckpt/agent.h"

#include <string.h>

#include "process/raw_x86_64.h"
#include "util/format.h"

struct settings settings = { .config = { .asyncsig = SIGTSTP, .keep = 1 } };

/* The C library keeps 32 and 33 to itself. */
bool settings_can_be(unsigned signo)
{
	return signo > 0 && signo <= 64 && signo != SIGKILL && signo != SIGSTOP && signo != 32 &&
	       signo != 33;
}

void settings_set_program(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash && slash[1] ? slash + 1 : path;

	name += *name == '-' && name[1];  /* a login shell */
	format(settings.program, sizeof settings.program, "%s", name);
	format(settings.config.name, sizeof settings.config.name, "%s.ckpt", settings.program);
	settings.pid = (pid_t)raw_syscall(SYS_getpid, 0, 0, 0, 0, 0);
}

void settings_take(const struct ckptconfig *config)
{
	struct ckptconfig *c = &settings.config;

	if (config->name[0] && memchr(config->name, 0, sizeof config->name))
		memcpy(c->name, config->name, sizeof c->name);
	if (config->asyncsig == 0 || settings_can_be(config->asyncsig))
		c->asyncsig = config->asyncsig;
	c->continues = config->continues;
	c->msperiod = config->msperiod;
	c->keep = config->keep ? config->keep : 1;
}

void settings_name_child(void)
{
	char *slash = strrchr(settings.config.name, '/');
	char *base = slash ? slash + 1 : settings.config.name;

	settings.pid = (pid_t)raw_syscall(SYS_getpid, 0, 0, 0, 0, 0);
	format(base, sizeof settings.config.name - (size_t)(base - settings.config.name),
	       "%s.%d.ckpt", settings.program, settings.pid);
}

void complain(const char *message)
{
	char line[ERROR_MESSAGE_SIZE + PROGRAM_NAME_SIZE + 4];
	size_t len = format(line, sizeof line, "%s: %s\n", settings.program, message);

	raw_syscall(SYS_write, 2, (long)line, (long)(len < sizeof line ? len : sizeof line - 1), 0,
		    0);
}
