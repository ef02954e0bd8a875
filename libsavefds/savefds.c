/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* savefds PID: writes the text of a process that is already running. */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "process/procfs.h"
#include "process/statelog.h"
#include "util/command_line.h"

static const char usage[] =
	"Usage: savefds [-o FILE] PID\n"
	"Writes what a core file leaves out of the running process PID (open files, working\n"
	"directory, signals, ...) to the text file `filedescriptors', for use with `restart -f'.\n"
	"\n"
	"  -o, --output=FILE  write FILE instead; `-' is standard output\n"
	"      --verbose      say what was written\n"
	"  -h, --help         show this and end\n"
	"  -v, --version      show the version and end\n"
	"\n"
	"The process should stand still meanwhile.  Text and core together:\n"
	"  gdb -p PID -batch -ex 'shell savefds PID' -ex 'gcore core.PID'\n";

static int fail(const struct error *err)
{
	fprintf(stderr, "savefds: %s\n", err->message);
	return 1;
}

static pid_t parse_pid(const char *text, struct error *err)
{
	char *end;

	errno = 0;
	long pid = strtol(text, &end, 10);

	if (end == text || *end || errno || pid <= 0 || pid > INT_MAX)
		return error_set(err, EINVAL, "%s: is not a process id", text);
	return (pid_t)pid;
}

static int write_text(const struct process *p, const char *path, struct error *err)
{
	return strcmp(path, "-") == 0 ? statelog_write(p, STDOUT_FILENO, err)
				      : statelog_save(p, path, err);
}

static int read_process(struct process *p, pid_t pid, struct error *err)
{
	if (procfs_read(p, pid, err) < 0 || procfs_read_pending(p, pid, err) < 0 ||
	    procfs_read_attributes(p, pid, err) < 0 || procfs_read_memory(p, pid, err) < 0)
		return -1;
	attributes_share(p);
	return 0;
}

static int run(const char *pid_text, const char *path, int verbose)
{
	struct process p;
	struct error err;
	int result = 0;
	pid_t pid = parse_pid(pid_text, &err);

	if (pid < 0)
		return fail(&err);
	process_init(&p);
	if (read_process(&p, pid, &err) < 0 || write_text(&p, path, &err) < 0)
		result = fail(&err);
	else if (verbose)
		fprintf(stderr, "savefds: %s: process %d, %zu descriptors, %zu mappings\n", path,
			pid, p.descriptor_count, p.mapping_count);
	process_free(&p);
	return result;
}

static int wrong_use(const char *what)
{
	fprintf(stderr, "savefds: %s (try savefds --help)\n", what);
	return WRONG_USE;
}

int main(int argc, char **argv)
{
	static int verbose;
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "verbose", no_argument, &verbose, 1 },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' },
		{ 0 },
	};
	const char *path = "filedescriptors";
	char wrong[256];
	int option;

	while ((option = getopt_long(argc, argv, ":o:hv", options, NULL)) != -1) {
		switch (option) {
		case 0: break;
		case 'o': path = optarg; break;
		case 'h': return fputs(usage, stdout) < 0;
		case 'v': return printf("savefds %s\n", VERSION) < 0;
		default:
			wrong_option(wrong, sizeof wrong, option, optopt, argv[optind - 1],
				     options);
			return wrong_use(wrong);
		}
	}
	if (argc - optind != 1)
		return wrong_use("name one process id");
	return run(argv[optind], path, verbose);
}
