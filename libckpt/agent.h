/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The agent: the part of the project that lives in a program and has it checkpointed.
 *
 *   settings.c    the configuration, and the names that follow from it
 *   engine.c      starts the engine (the command ckpt, as a file in our memory), a process that
 *                 nobody has to wait for
 *   checkpoint.c  one checkpoint, from the first hook to the last
 *   handler.c     the checkpoint signal
 *   period.c      the timer
 *   environment.c the environment
 *
 * and in libckpt.so, not in a program that was linked statically (static/):
 *
 *   start.c       the constructor
 *   hooks.c       functions of the program's
 *   api.c         ckpt.h
 *   interpose.c   sigaction() and signal(), so that the checkpoint signal stays ours
 *   children.c    fork(), and the environment of children
 *   exec.c        execve() and its like
 *
 * The agent is a guest.  It makes system calls past the C library, whose errno and thread-local
 * storage it does not touch; what runs in the handler is async-signal-safe.
 *
 * Its memory is in the checkpoint and comes back in the middle of checkpoint().  It learns that it
 * was restarted from `alive`, a page that the checkpoint leaves out, and so is zeros then.
 */
#ifndef LIBCKPT_AGENT_H
#define LIBCKPT_AGENT_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "libckpt/ckpt.h"
#include "process/remembered.h"
#include "util/error.h"

/* ---- settings.c ---- */

enum { EXCLUDED_MAX = 256, PROGRAM_NAME_SIZE = 64 };

struct settings {
	struct ckptconfig config;
	char program[PROGRAM_NAME_SIZE];  /* for names and messages */
	/*
	 * The process that config.name is for: a child's checkpoint must not replace its parent's.
	 */
	pid_t pid;
	int fds[EXCLUDED_MAX];
	size_t fd_count;
	struct { uintptr_t start, end; } memory[EXCLUDED_MAX];
	size_t memory_count;
};

extern struct settings settings;

/* PATH is that of the program, and what it is called after. */
void settings_set_program(const char *path);

/* Takes over what makes sense in CONFIG; "" is no name. */
void settings_take(const struct ckptconfig *config);

/* The name becomes that of a child: PROGRAM.PID.ckpt, in the directory where it was to be. */
void settings_name_child(void);

/* Whether SIGNO may be the checkpoint signal. */
bool settings_can_be(unsigned signo);

/* Prints "PROGRAM: MESSAGE" on standard error. */
void complain(const char *message);

/* ---- terminal.c ---- */

/* Remembers the modes of the terminal, as the program begins. */
void terminal_remember(void);

/* Two hexadecimal digits for each byte of the kernel's struct termios; or NULL. */
const char *terminal_modes(void);

/* ---- engine.c ---- */

/* The bytes of the engine. */
extern struct engine_file {
	const char *start, *end;
} engine_file;

struct engine_request {
	const char *name;
	bool ends;       /* the program ends when it is saved */
	bool unwatched;  /* nobody may be waiting for the end: the engine says what goes wrong */
};

/*
 * Starts the engine on this process.  *FD is where it reports, a descriptor that is not in the
 * checkpoint.
 */
MUST_CHECK int engine_start(const struct engine_request *r, int *fd, struct error *err);

/* After its last report; or in the program that was RESTARTED, which has no engine. */
void engine_forget(bool restarted);

/* ---- checkpoint.c ---- */

enum occasion { BY_SIGNAL, BY_PERIOD, BY_CALL };
enum outcome { CHECKPOINTED, RESTARTED, DROPPED, FAILED };

/* The stages at which hooks are called. */
enum stage { BEFORE, AFTER, RESTART };

/*
 * How the program's hooks are called; NULL: there are none.  Whether there are any for the stage.
 */
extern void (*run_hooks)(enum stage stage);
extern bool (*has_hooks)(enum stage stage);

/* What else there is to do in a program that was restarted; may be NULL. */
extern void (*mend_restarted)(void);

/*
 * A checkpoint of this process, in NAME or, when it is NULL, where the configuration says.  All
 * signals are blocked.  A failure has been told.
 */
enum outcome checkpoint(enum occasion occasion, const char *name, int *code);

/* The page that comes back as zeros. */
extern struct alive {
	uint32_t not_restarted;
	char rest[4096 - sizeof(uint32_t)];
} alive;

/* In the child of a fork: what its parent was about does not concern it. */
void checkpoint_forget(void);

/* Takes the one right to make a checkpoint; *BY_US: this very thread has it. */
bool agent_take(bool wait, bool *by_us);
void agent_release(void);

/* ---- handler.c ---- */

/* Makes the signals of the configuration ours. */
void handler_install(void);

/* Gives them back to the program. */
void handler_remove(void);

/* Whether SIGNO is one of them. */
bool handler_owns(int signo);

/* What the program has wanted to have done at such a signal, which it is told when it asks. */
extern struct kernel_sigaction wanted_actions[REMEMBERED_SIGNALS];

uint64_t block_signals(void);
void restore_signals(uint64_t mask);

/* ---- period.c ---- */

/* Begins the period anew, if there is one; ends it. */
void period_start(void);
void period_stop(void);

/* Whether INFO is the end of a period. */
bool period_ended(const siginfo_t *info);

/* The signal that it comes by, or 0. */
int period_signal(void);

/* ---- api.c ---- */

/*
 * The constructor calls it; in a program that is linked from libckpt.a without one, each call does.
 */
void agent_begin(void);

/* ---- hooks.c ---- */

/* Calls the hooks of the stage in their order, and keeps errno. */
void hooks_run(enum stage stage);
bool hooks_are_there(enum stage stage);

/* ---- children.c ---- */

/* Has children that fork() makes begin anew. */
void children_follow(void);

/*
 * In a program that was restarted: children are not to take themselves for it, nor to look for
 * a library that is not there.
 */
void children_mend_environment(void);
bool children_library_is_gone(void);

/* Takes our library, where it is not there, out of the VARIABLE "LD_PRELOAD=...", in place. */
void children_drop_library(char *variable);

/* ---- exec.c ---- */

/* Finds the C library's own functions. */
void exec_follow(void);

#endif
