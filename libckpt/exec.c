/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The calls by which a program executes another one, in front of those of the C library.
 *
 * After a restart on another machine the library may not be where LD_PRELOAD says, and the dynamic
 * linker would complain to each child.  children.c mends the environment of the program itself;
 * shells keep theirs elsewhere, and hand it over here.
 *
 * A child of vfork() calls this in its parent's memory: nothing is allocated or written but the
 * stack.
 */
#define _GNU_SOURCE
#include <alloca.h>
#include <dlfcn.h>
#include <spawn.h>
#include <string.h>
#include <unistd.h>

#include "libckpt/agent.h"
#include "libckpt/environment.h"
#include "util/export.h"

extern char **environ;

static struct {
	int (*execve)(const char *, char *const *, char *const *);
	int (*execvpe)(const char *, char *const *, char *const *);
	int (*posix_spawn)(pid_t *, const char *, const posix_spawn_file_actions_t *,
			   const posix_spawnattr_t *, char *const *, char *const *);
	int (*posix_spawnp)(pid_t *, const char *, const posix_spawn_file_actions_t *,
			    const posix_spawnattr_t *, char *const *, char *const *);
} next;

/* By a pointer to the pointer, as a function's address is none to an object (POSIX, dlsym). */
static void find(void *function, const char *name)
{
	*(void **)function = dlsym(RTLD_NEXT, name);
}

void exec_follow(void)
{
	find(&next.execve, "execve");
	find(&next.execvpe, "execvpe");
	find(&next.posix_spawn, "posix_spawn");
	find(&next.posix_spawnp, "posix_spawnp");
}

/* Constructors that run before ours may execute something, too. */
static void ready(void)
{
	if (!next.posix_spawnp)
		exec_follow();
}

static char **find_preload(char *const *environment)
{
	for (char *const *e = environment; e && *e; e++)
		if (strncmp(*e, PRELOAD_VARIABLE, sizeof PRELOAD_VARIABLE - 1) == 0)
			return (char **)e;
	return NULL;
}

static size_t count(char *const *environment)
{
	size_t n = 0;

	while (environment && environment[n])
		n++;
	return n;
}

/*
 * ENVIRONMENT, or where a library is named in it that is not there, a copy on the caller's stack.
 */
#define MENDED(environment) __extension__({						\
	char **preload = children_library_is_gone() ? find_preload(environment) : NULL;	\
	char *const *mended = (environment);						\
	if (preload) {									\
		size_t n = count(environment) + 1;					\
		char **copy = alloca(n * sizeof *copy);					\
		char *list = alloca(strlen(*preload) + 1);				\
		memcpy(copy, (environment), n * sizeof *copy);				\
		copy[preload - (char **)(environment)] = strcpy(list, *preload);	\
		children_drop_library(list);						\
		mended = copy;								\
	}										\
	mended;										\
})

EXPORT int execve(const char *path, char *const *argv, char *const *environment)
{
	ready();
	return next.execve(path, argv, MENDED(environment));
}

EXPORT int execv(const char *path, char *const *argv)
{
	ready();
	return next.execve(path, argv, MENDED(environ));
}

EXPORT int execvpe(const char *file, char *const *argv, char *const *environment)
{
	ready();
	return next.execvpe(file, argv, MENDED(environment));
}

EXPORT int execvp(const char *file, char *const *argv)
{
	ready();
	return next.execvpe(file, argv, MENDED(environ));
}

EXPORT int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
		       const posix_spawnattr_t *attributes, char *const *argv,
		       char *const *environment)
{
	ready();
	return next.posix_spawn(pid, path, actions, attributes, argv, MENDED(environment));
}

EXPORT int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
			const posix_spawnattr_t *attributes, char *const *argv,
			char *const *environment)
{
	ready();
	return next.posix_spawnp(pid, file, actions, attributes, argv, MENDED(environment));
}
