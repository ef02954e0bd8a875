/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "restart/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "restart/exit.h"
#include "util/command_line.h"

static const char usage[] =
"Usage: restart [OPTIONS] [PROG] CORE\n"
"Resumes the process whose core file is CORE; PROG is its program, by default the one CORE names.\n"
"CORE may be compressed (zstd); - is standard input.\n"
"\n"
"  -f, --filedes[=FILE]   restore open files and other state from FILE (default: filedescriptors)\n"
"  -n, --nostop           let it run at once; otherwise it is left stopped until SIGCONT\n"
"  -w, --wait             wait for it, pass on signals and the terminal, exit with its status\n"
"      --map=OLD=NEW      paths that begin with OLD begin with NEW now; may be repeated\n"
"      --pid=POLICY       keep: the old process and thread ids; new: new ones; ns: the old ones\n"
"                         in a namespace of their own (default: keep if possible, else new)\n"
"      --lazy             map malloc's memory from CORE, which must stay, instead of copying it\n"
"      --accept-loss      go on without what cannot be restored\n"
"      --tcp-established  carry on TCP connections, which ckpt --tcp-established has saved; takes\n"
"                         CAP_NET_ADMIN\n"
"      --strict           refuse when an open file has changed since, instead of saying how\n"
"  -b, --breakpoint=ADDR  let PROG run up to ADDR before restoring\n"
"  -s, --select           ask for each memory region whether to restore it\n"
"  -V, --verbose          say what is being done\n"
"\n"
"Instead of restarting:\n"
"      --show             what CORE holds and what it lacks\n"
"      --check            would it restart here?  every obstacle and every loss\n"
"      --plan             the operations that would restore it\n"
"      --log              the state text inside CORE\n"
"      --core             the core alone, when CORE is an executable checkpoint or compressed,\n"
"                         for gdb\n"
"\n"
"  -h, --help   -v, --version\n"
"\n"
"Exit status: 125 when restart itself fails, 126 when PROG cannot be executed, 127 when it is not\n"
"found; with -w otherwise the program's own, 128+N when signal N ended it.\n";

enum { OPT_SHOW = 256, OPT_CHECK, OPT_PLAN, OPT_LOG, OPT_ACCEPT_LOSS, OPT_MAP, OPT_PID,
       OPT_LAZY, OPT_STRICT, OPT_CORE, OPT_TCP_ESTABLISHED };

static const struct option longopts[] = {
	{ "breakpoint", required_argument, NULL, 'b' },
	{ "filedes", optional_argument, NULL, 'f' },
	{ "map", required_argument, NULL, OPT_MAP },
	{ "nostop", no_argument, NULL, 'n' },
	{ "pid", required_argument, NULL, OPT_PID },
	{ "select", no_argument, NULL, 's' },
	{ "verbose", no_argument, NULL, 'V' },
	{ "wait", no_argument, NULL, 'w' },
	{ "accept-loss", no_argument, NULL, OPT_ACCEPT_LOSS },
	{ "lazy", no_argument, NULL, OPT_LAZY },
	{ "strict", no_argument, NULL, OPT_STRICT },
	{ "tcp-established", no_argument, NULL, OPT_TCP_ESTABLISHED },
	{ "show", no_argument, NULL, OPT_SHOW },
	{ "check", optional_argument, NULL, OPT_CHECK },
	{ "plan", no_argument, NULL, OPT_PLAN },
	{ "log", no_argument, NULL, OPT_LOG },
	{ "core", no_argument, NULL, OPT_CORE },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'v' },
	{ 0 },
};

/* Where the options come from, for messages. */
static const char *source = "restart";

static int wrong_use(const char *what, const char *arg)
{
	fprintf(stderr, "%s: %s%s%s (try restart --help)\n", source, what, arg ? ": " : "",
		arg ? arg : "");
	return WRONG_USE;
}

static bool parse_pid_policy(struct options *o, const char *arg)
{
	static const struct { const char *name; enum pid_policy policy; } names[] = {
		{ "new", PID_NEW }, { "keep", PID_KEEP }, { "ns", PID_NAMESPACE },
	};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (strcmp(arg, names[i].name) == 0) {
			o->pid = names[i].policy;
			return true;
		}
	}
	return false;
}

static bool parse_address(struct options *o, const char *arg)
{
	char *end;

	errno = 0;
	o->breakpoint_at = strtoull(arg, &end, 0);
	o->breakpoint = true;
	return *arg && !*end && !errno;
}

static bool parse_map(struct options *o, const char *arg)
{
	const char *equals = strchr(arg, '=');
	struct path_map *maps;

	if (!equals || equals == arg)
		return false;
	maps = realloc(o->maps, (o->map_count + 1) * sizeof *maps);
	if (!maps)
		return false;
	o->maps = maps;
	o->maps[o->map_count++] = (struct path_map){
		.old = arg, .old_len = (size_t)(equals - arg), .new = equals + 1,
	};
	return true;
}

/* One thing at a time. */
static bool choose_mode(struct options *o, enum mode mode)
{
	bool free = o->mode == MODE_RESTART || o->mode == mode;

	o->mode = mode;
	return free;
}

int options_parse(struct options *o, int argc, char **argv)
{
	bool single = true;
	char wrong[256];
	int got;

	memset(o, 0, sizeof *o);
	for (;;) {
		switch (got = getopt_long(argc, argv, "+:b:f::nsVwhv", longopts, NULL)) {
		case -1: goto done;
		case 'b':
			if (!parse_address(o, optarg))
				return wrong_use("not an address", optarg);
			break;
		case 'f': o->filedes = optarg ? optarg : "filedescriptors"; break;
		case OPT_MAP:
			if (!parse_map(o, optarg))
				return wrong_use("--map takes OLD=NEW", optarg);
			break;
		case 'n': o->nostop = true; break;
		case OPT_PID:
			if (!parse_pid_policy(o, optarg))
				return wrong_use("--pid takes new, keep or ns", optarg);
			break;
		case 's': o->select = true; break;
		case 'V': o->verbose = true; break;
		case 'w': o->wait = true; break;
		case OPT_ACCEPT_LOSS: o->accept_loss = true; break;
		case OPT_LAZY: o->lazy = true; break;
		case OPT_STRICT: o->strict = true; break;
		case OPT_TCP_ESTABLISHED: o->tcp_established = true; break;
		case OPT_SHOW: single &= choose_mode(o, MODE_SHOW); break;
		case OPT_CHECK:
			single &= choose_mode(o, MODE_CHECK);
			o->alive = optarg != NULL;
			if (optarg && strcmp(optarg, "alive") != 0)
				return wrong_use("--check takes nothing, or alive", optarg);
			break;
		case OPT_PLAN: single &= choose_mode(o, MODE_PLAN); break;
		case OPT_LOG: single &= choose_mode(o, MODE_LOG); break;
		case OPT_CORE: single &= choose_mode(o, MODE_CORE); break;
		case 'h': fputs(usage, stdout); return 0;
		case 'v': puts("restart " VERSION); return 0;
		default:
			wrong_option(wrong, sizeof wrong, got, optopt, argv[optind - 1], longopts);
			return wrong_use(wrong, NULL);
		}
	}
done:
	if (!single)
		return wrong_use("only one of --show, --check, --plan, --log and --core", NULL);
	if (o->strict && o->accept_loss)
		return wrong_use("--strict or --accept-loss, not both", NULL);
	argv += optind;
	argc -= optind;
	if (argc == 0 && o->filedes && strcmp(o->filedes, "filedescriptors") != 0)
		return wrong_use("no core file given; -fFILE is the text, and the core a word of "
				 "its own", NULL);
	if (argc == 0)
		return wrong_use("no core file given", NULL);
	if (argc > 2)
		return wrong_use("too many arguments", argv[2]);
	o->core = argv[argc - 1];
	o->program = argc == 2 ? argv[0] : NULL;
	return -1;
}

int options_of_self(struct options *o, const char *self)
{
	enum { WORDS = 64 };
	static char words[4096];
	const char *given = getenv("CKPT_OPTIONS");
	const char *argv[WORDS + 4] = { "restart" };
	char *next;
	int argc = 1, status;

	source = "CKPT_OPTIONS";
	if (given && strlen(given) >= sizeof words)
		return wrong_use("too long", NULL);
	strcpy(words, given ? given : "");
	for (char *word = strtok_r(words, " \t\n", &next); word && argc <= WORDS;
	     word = strtok_r(NULL, " \t\n", &next))
		argv[argc++] = word;
	if (getenv("CKPT_SHOW"))
		argv[argc++] = "--show";
	argv[argc++] = self;
	status = options_parse(o, argc, (char **)(uintptr_t)argv);
	if (status >= 0)
		return status;
	if (o->program)
		return wrong_use("holds options only, not", o->program);
	o->become = o->nostop = o->lazy = true;
	return -1;
}

void options_free(struct options *o)
{
	free(o->maps);
}
