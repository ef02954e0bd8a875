/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "ckpt/output.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "elf/embedded.h"
#include "util/format.h"

static bool to_stdout(const struct output *o)
{
	return strcmp(o->name, "-") == 0;
}

/* ---- The file, while it has no name that anybody would look for ------------------------------ */

static struct output *unfinished;

/* Ended from outside. */
static void on_end(int signo)
{
	if (unfinished)
		replacement_abandon(&unfinished->file);
	signal(signo, SIG_DFL);
	raise(signo);
}

static void clean_up_at_end(struct output *o)
{
	static const int ends[] = { SIGHUP, SIGINT, SIGTERM };

	unfinished = o;
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
		if (signal(ends[i], on_end) == SIG_IGN)
			signal(ends[i], SIG_IGN);
}

int output_open(struct output *o, struct error *err)
{
	o->core = 0;
	if (to_stdout(o))
		return !isatty(STDOUT_FILENO) ? 0 : error_set(err, EINVAL, "standard output is a "
			"terminal; send the core to a file or a pipe");
	if (replacement_begin(&o->file, o->name, o->executable ? 0700 : 0600, err) < 0)
		return -1;
	clean_up_at_end(o);
	if (o->executable && embedded_begin(o->file.fd, o->name, &o->core, err) < 0) {
		output_abandon(o);
		return -1;
	}
	return 0;
}

int output_fd(const struct output *o)
{
	return to_stdout(o) ? STDOUT_FILENO : o->file.fd;
}

void output_abandon(struct output *o)
{
	if (to_stdout(o))
		return;
	unfinished = NULL;
	replacement_abandon(&o->file);
}

/* ---- The end --------------------------------------------------------------------------------- */

static void number(char *buf, size_t size, const char *name, unsigned n)
{
	if (n)
		format(buf, size, "%s.%u", name, n);
	else
		format(buf, size, "%s", name);
}

/*
 * NAME becomes NAME.1, and so on; the last one goes.  NAME stays as well until the new file takes
 * its place, so that there is a checkpoint of that name at every instant.
 */
static int keep_older(const struct output *o, struct error *err)
{
	const char *name = o->file.name;
	int dir = o->file.directory;
	char from[NAME_MAX + 16], to[NAME_MAX + 16];

	for (unsigned n = o->keep; n-- > 1;) {
		number(from, sizeof from, name, n);
		number(to, sizeof to, name, n + 1);
		if (renameat(dir, from, dir, to) < 0 && errno != ENOENT)
			return error_sys(err, errno, "%s: renaming it to %s", from, to);
	}
	number(to, sizeof to, name, 1);
	if (unlinkat(dir, to, 0) < 0 && errno != ENOENT)
		return error_sys(err, errno, "%s: cannot be replaced", to);
	/* Where the file system has no links there is an instant without. */
	if (linkat(dir, name, dir, to, 0) < 0 && errno != ENOENT &&
	    renameat(dir, name, dir, to) < 0)
		return error_sys(err, errno, "%s: keeping it as %s", name, to);
	return 0;
}

/* A pipe or a terminal cannot be synced. */
static int sync_stdout(struct error *err)
{
	if (fsync(STDOUT_FILENO) < 0 && errno != EINVAL && errno != EROFS)
		return error_sys(err, errno, "standard output");
	return 0;
}

int output_finish(struct output *o, uint64_t size, struct error *err)
{
	if (to_stdout(o))
		return sync_stdout(err);
	if ((o->executable &&
	     embedded_finish(o->file.fd, o->name, EMBEDDED_CORE, o->core, size, err) < 0) ||
	    (o->keep && keep_older(o, err) < 0)) {
		output_abandon(o);
		return -1;
	}
	unfinished = NULL;
	return replacement_commit(&o->file, err);
}
