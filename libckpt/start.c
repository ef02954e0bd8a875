/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The constructor: reads the environment, once. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "libckpt/agent.h"
#include "libckpt/environment.h"
#include "process/names.h"
#include "util/format.h"

static void reject(const char *variable, const char *value, const char *what)
{
	char message[200];

	format(message, sizeof message, "%s=%.60s: %s; ignored", variable, value, what);
	complain(message);
}

static bool is_true(const char *text)
{
	static const char *const no[] = { "", "0", "false", "FALSE", "False", "no", "NO", "No" };

	for (size_t i = 0; text && i < sizeof no / sizeof no[0]; i++)
		if (strcmp(text, no[i]) == 0)
			return false;
	return text;
}

static void read_number(const char *variable, unsigned *value)
{
	const char *text = secure_getenv(variable);
	unsigned long number;
	char *end;

	if (!text || !*text)
		return;
	errno = 0;
	number = strtoul(text, &end, 10);
	if (*end || errno || *text == '-' || number > 0x7fffffff)
		reject(variable, text, "is not such a number");
	else
		*value = (unsigned)number;
}

static void read_signal(unsigned *value)
{
	const char *text = secure_getenv("CKPT_ASYNCSIG");
	int signo;

	if (!text || !*text)
		return;
	signo = strcmp(text, "0") == 0 ? 0 : signal_name_read(text);
	if (signo != 0 && !settings_can_be((unsigned)signo))
		reject("CKPT_ASYNCSIG", text, "is no signal to handle");
	else
		*value = (unsigned)signo;
}

static void read_environment(void)
{
	struct ckptconfig *c = &settings.config;
	const char *name = secure_getenv("CKPT_NAME");

	if (name && strlen(name) >= sizeof c->name)
		reject("CKPT_NAME", name, "is too long");
	else if (name && *name)
		format(c->name, sizeof c->name, "%s", name);
	read_signal(&c->asyncsig);
	c->continues = is_true(secure_getenv("CKPT_CONTINUE"));
	read_number("CKPT_MSPERIOD", &c->msperiod);
	read_number("CKPT_KEEP", &c->keep);
	c->keep = c->keep ? c->keep : 1;
}

/* The first process that is started keeps the name to itself. */
static void find_owner(void)
{
	static char owner[OWNER_LENGTH + 1];
	const char *first = secure_getenv(OWNER_VARIABLE);

	if (first && strtol(first, NULL, 10) != getpid())
		settings_name_child();
	if (first)
		return;
	format(owner, sizeof owner, OWNER_FORMAT, getpid());
	if (putenv(owner) != 0)
		complain("children cannot be told from their parent: not enough memory");
}

__attribute__((constructor)) static void start(void)
{
	exec_follow();
	/* In a set-uid program whoever starts it must not decide what is written where. */
	if (getauxval(AT_SECURE))
		return;
	settings_set_program(program_invocation_name);
	read_environment();
	find_owner();
	run_hooks = hooks_run;
	has_hooks = hooks_are_there;
	mend_restarted = children_mend_environment;
	children_follow();
	handler_install();
	period_start();
}
