/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "ckpt/run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ckpt/inject.h"
#include "util/format.h"

static int fail(const struct error *err, int status)
{
	fprintf(stderr, "ckpt: %s\n", err->message);
	return status;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

/* The name that a checkpoint of the program will have, as far as we have a say in it; or "". */
static int choose_name(char name[PATH_MAX], const struct run_options *o, bool script,
		       struct error *err)
{
	const char *given = o->name, *inherited = getenv("CKPT_NAME");
	char here[PATH_MAX] = "";

	name[0] = '\0';
	if (!given && inherited && *inherited)
		return 0;
	/* A script's process has the name of its interpreter. */
	if (!given)
		return !script || format(name, PATH_MAX, "%s.ckpt", base_name(o->program[0])) <
					       PATH_MAX
			       ? 0
			       : error_sys(err, ENAMETOOLONG, "%s", o->program[0]);
	/*
	 * One that was asked for stays where it was asked for when the program changes its folder.
	 */
	if (given[0] != '/' && !getcwd(here, sizeof here))
		return error_sys(err, errno, "the current directory");
	return format(name, PATH_MAX, "%s%s%s", here, here[0] && here[1] ? "/" : "", given) <
			       PATH_MAX
		       ? 0
		       : error_sys(err, ENAMETOOLONG, "%s", given);
}

/*
 * A folder that cannot be written to would otherwise be told of when it is too late.  Only a
 * program that has no checkpoints but by its own calls, which may name them, needs no such name.
 */
static int check_name(const struct run_options *o, const char *chosen, struct error *err)
{
	const char *inherited = getenv("CKPT_NAME");
	char folder[PATH_MAX], usual[PATH_MAX];
	const char *name = *chosen ? chosen : inherited && *inherited ? inherited : usual;
	const char *slash;
	struct stat st;

	format(usual, sizeof usual, "%s.ckpt", base_name(o->program[0]));
	if (!*chosen && o->signal && strcmp(o->signal, "0") == 0 && !o->period)
		return 0;
	slash = strrchr(name, '/');
	format(folder, sizeof folder, "%.*s", !slash ? 1 : slash > name ? (int)(slash - name) : 1,
	       slash ? name : ".");
	if ((slash && !slash[1]) || (lstat(name, &st) == 0 && !S_ISREG(st.st_mode)))
		return error_set(err, EEXIST, "%s: is there and not a regular file; give another "
				 "name", name);
	if (faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) < 0)
		return error_set(err, errno, "%s: no checkpoint can be written there: %s%s", name,
				 strerrordesc_np(errno),
				 o->name ? "" : " (-n NAME writes it elsewhere)");
	return 0;
}

static int preload(const char *library)
{
	const char *others = getenv("LD_PRELOAD");
	char *list;
	int result;

	if (others && strstr(others, library))
		return 0;
	if (asprintf(&list, "%s%s%s", library, others && *others ? ":" : "", others ? others : "") <
	    0)
		return -1;
	result = setenv("LD_PRELOAD", list, 1);
	free(list);
	return result;
}

static int set_number(const char *variable, unsigned long value)
{
	char text[24];

	format(text, sizeof text, "%lu", value);
	return setenv(variable, text, 1);
}

static int set_environment(const struct run_options *o, const struct program_file *f,
			   const char *name, const char *library)
{
	char owner[24];

	/* libckpt/environment.h: who has this id is the program, and not a child of it. */
	format(owner, sizeof owner, "%010d", getpid());
	return (*name ? setenv("CKPT_NAME", name, 1) : 0) |
	       (o->continues ? setenv("CKPT_CONTINUE", "1", 1) : 0) |
	       (o->signal ? setenv("CKPT_ASYNCSIG", o->signal, 1) : 0) |
	       (o->period ? setenv("CKPT_MSPERIOD", o->period, 1) : 0) |
	       (o->keep ? set_number("CKPT_KEEP", o->keep) : 0) |
	       setenv("CKPT_OWNER", owner, 1) | setenv(PROGRAM_VARIABLE, f->found, 1) |
	       (library ? preload(library) : 0);
}

static int continue_from_checkpoint(const struct run_options *o, const struct program_file *f,
				    const char *name, struct error *err)
{
	const char *inherited = getenv("CKPT_NAME");
	char usual[PATH_MAX];

	if (*name)
		return resume(name, f, err);
	if (inherited && *inherited)
		return resume(inherited, f, err);
	format(usual, sizeof usual, "%s.ckpt", base_name(o->program[0]));
	return resume(usual, f, err);
}

/* Why the program cannot be checkpointed, or NULL. */
static const char *refusal(const struct program_file *f)
{
	return f->foreign ? "is not a 64-bit program of this machine, and cannot be checkpointed"
	     : f->set_uid ? "is set-uid, and cannot be checkpointed"
	     : NULL;
}

static int not_found(const struct run_options *o, const struct error *err)
{
	const char *name = o->program[0];
	struct error hint = *err;

	if (err->code == ENOENT && *name && !name[strspn(name, "0123456789")])
		error_set(&hint, ENOENT, "%s (the process of that number is ckpt -p %s)",
			  err->message, name);
	return fail(&hint, err->code == ENOENT ? RUN_NOT_FOUND : RUN_CANNOT);
}

int run_program(const struct run_options *o)
{
	char name[PATH_MAX], library[PATH_MAX];
	struct program_file f;
	struct error err;

	if (program_find(&f, o->program[0], &err) < 0 && !o->resume)
		return not_found(o, &err);
	if (choose_name(name, o, f.script, &err) < 0)
		return fail(&err, RUN_FAILED);
	if (o->resume && continue_from_checkpoint(o, &f, name, &err) < 0)
		return fail(&err, RUN_FAILED);
	/* Once more: there is no checkpoint, so now the program must be there. */
	if (program_find(&f, o->program[0], &err) < 0)
		return not_found(o, &err);
	if (refusal(&f)) {
		fprintf(stderr, "ckpt: %s: %s\n", o->program[0], refusal(&f));
		return RUN_CANNOT;
	}
	if (check_name(o, name, &err) < 0)
		return fail(&err, RUN_FAILED);
	if (!f.musl && library_place(library, &err) < 0)
		return fail(&err, RUN_FAILED);
	if (set_environment(o, &f, name, f.musl ? NULL : library) != 0) {
		fputs("ckpt: not enough memory\n", stderr);
		return RUN_FAILED;
	}
	if (f.is_static && inject_at_exec(&err) < 0) {
		error_prefix(&err, "%s", o->program[0]);
		return fail(&err, RUN_CANNOT);
	}
	execvp(o->program[0], o->program);
	error_sys(&err, errno, "%s", o->program[0]);
	return fail(&err, err.code == ENOENT ? RUN_NOT_FOUND : RUN_CANNOT);
}
