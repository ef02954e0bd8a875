/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * restart knows what it cannot restore.  It is in this program too, and is asked about a core that
 * lacks the memory, which does not matter here.
 */
#define _GNU_SOURCE
#include "ckpt/losses.h"

#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ckpt/restart.h"
#include "elf/core_write.h"
#include "util/cleanup.h"
#include "util/format.h"

static int no_memory_next(void *context, addr_t from, addr_t end, addr_t *start, addr_t *stop,
			  struct error *err)
{
	(void)context, (void)from, (void)end, (void)start, (void)stop, (void)err;
	return 0;
}

static int write_without_memory(const struct process *p, const char *state, size_t size, int fd,
				struct error *err)
{
	const struct core_source source = { .next = no_memory_next };
	const struct core_write_options how = { .name = "memory" };

	return core_write(p, &source, state, size, fd, &how, NULL, err);
}

__attribute__((noreturn)) static void ask(int core, int out)
{
	char self[] = "restart", mode[] = "--check=alive", name[40];
	char *argv[] = { self, mode, name, NULL };
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	format(name, sizeof name, "/proc/self/fd/%d", core);
	if (dup2(out, STDOUT_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0)
		_exit(1);
	optind = 0;  /* options have been read in this process */
	exit(restart_main(3, argv));
}

/* The first line that comes from FD; the writer is not made to wait for the others. */
static void read_line(int fd, char line[ERROR_MESSAGE_SIZE])
{
	size_t used = 0;
	ssize_t n;
	char rest[512];

	while (used < ERROR_MESSAGE_SIZE - 1 &&
	       (n = read(fd, line + used, ERROR_MESSAGE_SIZE - 1 - used)) > 0)
		used += (size_t)n;
	while (read(fd, rest, sizeof rest) > 0)
		;
	line[used] = '\0';
	line[strcspn(line, "\n")] = '\0';
}

void losses_find(const struct process *p, const char *state, size_t state_size,
		 char line[ERROR_MESSAGE_SIZE])
{
	cleanup_fd int core = memfd_create("core", MFD_CLOEXEC);
	struct error unused;
	int answer[2], status;

	line[0] = '\0';
	if (core < 0 || write_without_memory(p, state, state_size, core, &unused) < 0 ||
	    pipe2(answer, O_CLOEXEC) < 0)
		return;
	fflush(NULL);
	pid_t child = fork();

	if (child == 0)
		ask(core, answer[1]);
	close(answer[1]);
	read_line(answer[0], line);
	close(answer[0]);
	if (child < 0 || waitpid(child, &status, 0) != child || status)
		line[0] = '\0';
}
