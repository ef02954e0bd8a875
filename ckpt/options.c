/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ckpt/options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
"Usage: ckpt -p PID [-o FILE] [OPTIONS]\n"
"Checkpoints the running process PID into a core file, which restart resumes and gdb opens.\n"
"\n"
"  -p, --pid=PID       the process\n"
"  -o, --output=FILE   the core (default: core.PID here); - is standard output\n"
"  -k, --kill          end the process once the checkpoint is safe on disk\n"
"      --stop          hold the process until its memory is saved, instead of making a\n"
"                      copy-on-write snapshot\n"
"      --log=FILE      also write the state text to FILE, to be edited and given to restart -f\n"
"      --stats         print what it took, as key=value\n"
"      --json          print that as JSON\n"
"  -v, --verbose       say what is being done\n"
"  -h, --help   -V, --version\n"
"\n"
"Exit status: 0 when the checkpoint is complete, 1 otherwise; the process goes on unharmed.\n";

enum { OPT_STOP = 256, OPT_LOG, OPT_STATS, OPT_JSON, WRONG_USE = 2 };

static const struct option longopts[] = {
	{ "pid", required_argument, NULL, 'p' },
	{ "output", required_argument, NULL, 'o' },
	{ "kill", no_argument, NULL, 'k' },
	{ "stop", no_argument, NULL, OPT_STOP },
	{ "log", required_argument, NULL, OPT_LOG },
	{ "stats", no_argument, NULL, OPT_STATS },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ 0 },
};

static int wrong_use(const char *what, const char *arg)
{
	fprintf(stderr, "ckpt: %s%s%s (try ckpt --help)\n", what, arg ? ": " : "", arg ? arg : "");
	return WRONG_USE;
}

static bool parse_pid(const char *text, pid_t *pid)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	*pid = (pid_t)value;
	return *text && !*end && !errno && value > 0 && value <= INT_MAX;
}

int options_parse(struct options *o, int argc, char **argv)
{
	memset(o, 0, sizeof *o);
	for (;;) {
		switch (getopt_long(argc, argv, "p:o:kvhV", longopts, NULL)) {
		case -1: goto done;
		case 'p':
			if (!parse_pid(optarg, &o->pid))
				return wrong_use("not a process id", optarg);
			break;
		case 'o': o->output = optarg; break;
		case 'k': o->kill = true; break;
		case OPT_STOP: o->stop = true; break;
		case OPT_LOG: o->log = optarg; break;
		case OPT_STATS: o->stats = true; break;
		case OPT_JSON: o->json = true; break;
		case 'v': o->verbose = true; break;
		case 'h': fputs(usage, stdout); return 0;
		case 'V': puts("ckpt " VERSION); return 0;
		default: fputs("Try ckpt --help.\n", stderr); return WRONG_USE;
		}
	}
done:
	if (optind < argc)
		return wrong_use("unexpected argument", argv[optind]);
	if (!o->pid)
		return wrong_use("no process given: -p PID", NULL);
	if (!o->output) {
		snprintf(o->default_output, sizeof o->default_output, "core.%d", o->pid);
		o->output = o->default_output;
	}
	return -1;
}
