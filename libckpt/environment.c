/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The configuration as the environment says it, in a program with a C library and in one without.
 */
#include "libckpt/environment.h"

#include <string.h>

#include "libckpt/agent.h"
#include "process/names.h"
#include "util/format.h"

static const char *find(char *const *environment, const char *variable)
{
	size_t len = strlen(variable);

	for (char *const *e = environment; e && *e; e++)
		if (strncmp(*e, variable, len) == 0 && (*e)[len] == '=')
			return *e + len + 1;
	return NULL;
}

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

static bool parse_number(const char *text, unsigned *value)
{
	unsigned long number = 0;

	for (; *text >= '0' && *text <= '9' && number <= INT32_MAX; text++)
		number = number * 10 + (unsigned long)(*text - '0');
	*value = (unsigned)number;
	return !*text && number <= INT32_MAX;
}

static void read_number(char *const *environment, const char *variable, unsigned *value)
{
	const char *text = find(environment, variable);
	unsigned number;

	if (!text || !*text)
		return;
	if (parse_number(text, &number))
		*value = number;
	else
		reject(variable, text, "is not such a number");
}

static void read_signal(char *const *environment, unsigned *value)
{
	const char *text = find(environment, "CKPT_ASYNCSIG");
	int signo;

	if (!text || !*text)
		return;
	signo = strcmp(text, "0") == 0 ? 0 : signal_name_read(text);
	if (signo != 0 && !settings_can_be((unsigned)signo))
		reject("CKPT_ASYNCSIG", text, "is no signal to handle");
	else
		*value = (unsigned)signo;
}

bool environment_read(char *const *environment)
{
	const char *name = find(environment, "CKPT_NAME"),
		   *owner = find(environment, OWNER_VARIABLE);
	struct ckptconfig *c = &settings.config;
	unsigned first;

	if (name && strlen(name) >= sizeof c->name)
		reject("CKPT_NAME", name, "is too long");
	else if (name && *name)
		format(c->name, sizeof c->name, "%s", name);
	read_signal(environment, &c->asyncsig);
	c->continues = is_true(find(environment, "CKPT_CONTINUE"));
	read_number(environment, "CKPT_MSPERIOD", &c->msperiod);
	read_number(environment, "CKPT_KEEP", &c->keep);
	c->keep = c->keep ? c->keep : 1;
	/* The first process that is started keeps the name to itself. */
	if (owner && (!parse_number(owner, &first) || (pid_t)first != settings.pid))
		settings_name_child();
	return owner;
}
