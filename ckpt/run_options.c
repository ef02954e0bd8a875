/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ckpt/run.h"
#include "process/names.h"

enum { OPT_KEEP = 256, OPT_RESUME };

static const struct option longopts[] = {
	{ "name", required_argument, NULL, 'n' },
	{ "continue", no_argument, NULL, 'c' },
	{ "signal", required_argument, NULL, 'a' },
	{ "period", required_argument, NULL, 'z' },
	{ "keep", required_argument, NULL, OPT_KEEP },
	{ "resume", no_argument, NULL, OPT_RESUME },
	{ 0 },
};

static bool is_number(const char *text, unsigned long least)
{
	char *end;

	errno = 0;
	return *text && *text != '-' && strtoul(text, &end, 10) >= least && !*end && !errno &&
	       strtoul(text, NULL, 10) <= INT_MAX;
}

static bool is_signal(const char *text)
{
	int signo = signal_name_read(text);

	return strcmp(text, "0") == 0 ||
	       (signo > 0 && signo != SIGKILL && signo != SIGSTOP && signo != 32 && signo != 33);
}

/* What is wrong, and the VALUE that is, if it can be shown; or NULL. */
static const char *wrong_value(const struct run_options *o, const char *keep, const char **value)
{
	if (o->name && (!*o->name || strlen(o->name) >= PATH_MAX))
		return "-n: not the name of a file";
	*value = o->signal;
	if (o->signal && !is_signal(o->signal))
		return "-a: not a signal that a program can handle";
	*value = keep;
	if (keep && !is_number(keep, 1))
		return "--keep: not a number of checkpoints";
	*value = NULL;
	if (o->period && !is_number(o->period, 0))
		return "-z: not a number of milliseconds; to compress: ckpt -p PID -z";
	return NULL;
}

bool run_options_parse(struct run_options *o, int argc, char **argv, int *status)
{
	const char *keep = NULL, *value = NULL, *wrong;
	int option;

	memset(o, 0, sizeof *o);
	while ((option = getopt_long(argc, argv, "+:n:ca:z:", longopts, NULL)) != -1) {
		switch (option) {
		case 'n': o->name = optarg; break;
		case 'c': o->continues = true; break;
		case 'a': o->signal = optarg; break;
		case 'z': o->period = optarg; break;
		case OPT_KEEP: keep = optarg; break;
		case OPT_RESUME: o->resume = true; break;
		default: goto other_use;
		}
	}
	o->program = argv + optind;
	wrong = wrong_value(o, keep, &value);
	if (!wrong && optind == argc)
		wrong = "name a program, or a process: -p PID";
	if (wrong)
		fprintf(stderr, "ckpt: %s%s%s (try ckpt --help)\n", wrong, value ? ": " : "",
			value ? value : "");
	else
		o->keep = keep ? (unsigned)strtoul(keep, NULL, 10) : 0;
	*status = wrong ? RUN_FAILED : -1;
	return true;
other_use:
	/* What is not known here, the other use may know. */
	optind = 0;
	return false;
}
