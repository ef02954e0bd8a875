/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ckpt/options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "elf/compress.h"
#include "process/process.h"
#include "util/command_line.h"

static const char usage[] =
"Usage: ckpt [OPTIONS] PROGRAM ARGS...\n"
"   or: ckpt -p PID [-o FILE | -n NAME] [OPTIONS]\n"
"\n"
"The first runs a program that is checkpointed when it gets SIGTSTP (Ctrl-Z): into an executable,\n"
"PROGRAM.ckpt, which continues it.\n"
"\n"
"  -n, --name=NAME     the checkpoint is NAME\n"
"  -c, --continue      the program goes on after a checkpoint, instead of ending\n"
"  -a, --signal=SIGNAL checkpoint at this signal; 0: at none\n"
"  -z, --period=MILLISECONDS  checkpoint each so many milliseconds, and go on\n"
"      --keep=N        keep the last N checkpoints: NAME, NAME.1, ...\n"
"      --resume        continue from the checkpoint if there is one, else start the program\n"
"\n"
"The second checkpoints the running process PID into a core file, which restart resumes and\n"
"gdb opens, or into a program NAME that continues it when it is run.\n"
"\n"
"  -p, --pid=PID       the process\n"
"  -o, --output=FILE   the core (default: core.PID here); - is standard output\n"
"  -n, --name=NAME     write an executable: it continues the process, on any machine of this kind\n"
"      --keep=N        keep the last N checkpoints of that name, as FILE.1, FILE.2, ...\n"
"  -z, --compress[=LEVEL]\n"
"                      compress it (zstd, 1 to 19; default: 1 and core.PID.zst)\n"
"  -k, --kill          end the process once the checkpoint is safe on disk; when it could not be\n"
"                      restarted as it was it goes on, and one line says why\n"
"      --accept-loss   end it all the same\n"
"      --stop          hold the process until its memory is saved, instead of making a\n"
"                      copy-on-write snapshot\n"
"      --unlinked-max=SIZE  keep up to SIZE bytes of unlinked files and memfds (default: 64M)\n"
"      --tcp-established  save TCP connections so that restart --tcp-established can carry them\n"
"                      on; with -k their peers see nothing.  Takes CAP_NET_ADMIN\n"
"      --log=FILE      also write the state text to FILE, to be edited and given to restart -f\n"
"      --stats         print what it took, as key=value\n"
"      --json          print that as JSON\n"
"  -v, --verbose       say what is being done\n"
"  -h, --help   -V, --version\n"
"\n"
"For libckpt, which has its own process checkpointed:\n"
"      --exit          as -k, but the process ends by exit_group(0)\n"
"      --status-fd=FD  write to FD, a line each: snapshot, then done or failed: MESSAGE\n"
"      --terminal-modes=HEX  of the terminal when the process began, for its end\n"
"      --spare-memory=START-END (hexadecimal)\n"
"                      memory that the process does not use\n"
"      --leave-out-fd=FD, --leave-out-memory=START-END (hexadecimal)\n"
"\n"
"Exit status: 0 when the checkpoint is complete, 1 otherwise; the process goes on unharmed.  125\n"
"when the command line is wrong, and of PROGRAM also when it cannot be started.\n";

enum { OPT_STOP = 256, OPT_LOG, OPT_STATS, OPT_JSON, OPT_KEEP, OPT_EXIT, OPT_STATUS_FD,
       OPT_LEAVE_OUT_FD, OPT_LEAVE_OUT_MEMORY, OPT_SPARE_MEMORY, OPT_TERMINAL_MODES,
       OPT_UNLINKED_MAX, OPT_TCP_ESTABLISHED, OPT_ACCEPT_LOSS, OPT_OF_PROGRAM };

static const struct option longopts[] = {
	{ "pid", required_argument, NULL, 'p' },
	{ "output", required_argument, NULL, 'o' },
	{ "name", required_argument, NULL, 'n' },
	{ "keep", required_argument, NULL, OPT_KEEP },
	{ "exit", no_argument, NULL, OPT_EXIT },
	{ "status-fd", required_argument, NULL, OPT_STATUS_FD },
	{ "leave-out-fd", required_argument, NULL, OPT_LEAVE_OUT_FD },
	{ "leave-out-memory", required_argument, NULL, OPT_LEAVE_OUT_MEMORY },
	{ "terminal-modes", required_argument, NULL, OPT_TERMINAL_MODES },
	{ "spare-memory", required_argument, NULL, OPT_SPARE_MEMORY },
	{ "compress", optional_argument, NULL, 'z' },
	{ "kill", no_argument, NULL, 'k' },
	{ "accept-loss", no_argument, NULL, OPT_ACCEPT_LOSS },
	{ "stop", no_argument, NULL, OPT_STOP },
	{ "unlinked-max", required_argument, NULL, OPT_UNLINKED_MAX },
	{ "tcp-established", no_argument, NULL, OPT_TCP_ESTABLISHED },
	{ "log", required_argument, NULL, OPT_LOG },
	{ "stats", no_argument, NULL, OPT_STATS },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "verbose", no_argument, NULL, 'v' },
	{ "continue", no_argument, NULL, OPT_OF_PROGRAM },
	{ "signal", required_argument, NULL, OPT_OF_PROGRAM },
	{ "period", required_argument, NULL, OPT_OF_PROGRAM },
	{ "resume", no_argument, NULL, OPT_OF_PROGRAM },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ 0 },
};

static int wrong_use(const char *what, const char *arg)
{
	fprintf(stderr, "ckpt: %s%s%s (try ckpt --help)\n", what, arg ? ": " : "", arg ? arg : "");
	return WRONG_USE;
}

static bool parse_number(const char *text, int least, int *number)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	*number = (int)value;
	return *text && !*end && !errno && value >= least && value <= INT_MAX;
}

/* A number of bytes, KiB, MiB: as much as the text that holds them in the core may have. */
static bool parse_size(const char *text, uint64_t *size)
{
	static const char units[] = "kKmMgG";
	const uint64_t most = 512 << 20;
	char *end;

	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	const char *unit = *end ? strchr(units, *end) : NULL;
	int shift = unit ? 10 * (1 + (int)(unit - units) / 2) : 0;

	*size = value << shift;
	return *text >= '0' && *text <= '9' && !errno && !end[unit != NULL] &&
	       value <= most >> shift;
}

static bool parse_level(const char *text, int *level)
{
	*level = COMPRESS_DEFAULT;
	return !text || (parse_number(text, COMPRESS_MIN, level) && *level <= COMPRESS_MAX);
}

/* What is wrong with the whole of it, or NULL. */
static const char *wrong_together(const struct options *o, bool core)
{
	if (!o->pid)
		return "which process?  -p PID is missing; a program takes only -n, -c, -a, -z "
		       "MILLISECONDS, --keep and --resume";
	if ((o->output && !*o->output) || (o->log && !*o->log))
		return "the name of a file is missing: -o, -n, --log";
	if (o->executable && core)
		return "a core or an executable, not both: -o, -n";
	if (o->executable && o->compress)
		return "a checkpoint that continues itself cannot be compressed: -n, -z";
	return NULL;
}

static int unexpected(const struct options *o, const char *argument)
{
	int level;

	if (o->compress && parse_level(argument, &level))
		return wrong_use("the level stands right behind -z, as in -z19, and not alone",
				 argument);
	return wrong_use("unexpected argument", argument);
}

int options_parse(struct options *o, int argc, char **argv)
{
	bool core = false;
	char wrong[256];
	int keep, got;

	memset(o, 0, sizeof *o);
	o->status_fd = -1;
	o->unlinked_max = CONTENTS_MAX;
	for (;;) {
		switch (got = getopt_long(argc, argv, ":p:o:n:z::kvhVca:", longopts, NULL)) {
		case -1: goto done;
		case 'p':
			if (!parse_number(optarg, 1, &o->pid))
				return wrong_use("not a process id", optarg);
			break;
		case 'o':
			o->output = optarg;
			core = true;
			break;
		case 'n':
			o->output = optarg;
			o->executable = true;
			break;
		case OPT_KEEP:
			if (!parse_number(optarg, 1, &keep))
				return wrong_use("not a number of checkpoints", optarg);
			o->keep = (unsigned)keep - 1;
			break;
		case 'z':
			if (!parse_level(optarg, &o->compress))
				return wrong_use("not a level of compression, 1 to 19", optarg);
			break;
		case 'k': o->kill = true; break;
		case OPT_EXIT: o->exit = true; break;
		case OPT_STATUS_FD:
			if (!parse_number(optarg, 0, &o->status_fd))
				return wrong_use("not a descriptor", optarg);
			break;
		case OPT_LEAVE_OUT_FD:
			if (!leave_out_fd(&o->leave_out, optarg))
				return wrong_use("not a descriptor", optarg);
			break;
		case OPT_TERMINAL_MODES:
			o->has_modes = terminal_parse(o->modes, optarg);
			if (!o->has_modes)
				return wrong_use("not the modes of a terminal", optarg);
			break;
		case OPT_SPARE_MEMORY:
			if (!parse_range(&o->spare, optarg))
				return wrong_use("not a range of addresses", optarg);
			break;
		case OPT_LEAVE_OUT_MEMORY:
			if (!leave_out_memory(&o->leave_out, optarg))
				return wrong_use("not a range of addresses", optarg);
			break;
		case OPT_ACCEPT_LOSS: o->accept_loss = true; break;
		case OPT_STOP: o->stop = true; break;
		case OPT_UNLINKED_MAX:
			if (!parse_size(optarg, &o->unlinked_max))
				return wrong_use("not a size, 0 to 512M", optarg);
			break;
		case OPT_TCP_ESTABLISHED: o->tcp_established = true; break;
		case OPT_LOG: o->log = optarg; break;
		case OPT_STATS: o->stats = true; break;
		case OPT_JSON: o->json = true; break;
		case 'v': o->verbose = true; break;
		case 'h': fputs(usage, stdout); return 0;
		case 'V': puts("ckpt " VERSION); return 0;
		case 'c': case 'a': case OPT_OF_PROGRAM:
			return wrong_use("-c, -a, --period and --resume are for a program, not for "
					 "-p PID", NULL);
		default:
			wrong_option(wrong, sizeof wrong, got, optopt, argv[optind - 1], longopts);
			return wrong_use(wrong, NULL);
		}
	}
done:
	if (o->pid && optind < argc)
		return unexpected(o, argv[optind]);
	if (wrong_together(o, core))
		return wrong_use(wrong_together(o, core), NULL);
	if (!o->output) {
		snprintf(o->default_output, sizeof o->default_output, "core.%d%s", o->pid,
			 o->compress ? ".zst" : "");
		o->output = o->default_output;
	}
	return -1;
}
