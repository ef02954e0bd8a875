/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Becomes the subreaper, runs the program that the arguments name, sends it SIGQUIT when it has
 * printed something, and waits for children until there are none.  Prints of what each has died:
 * whatever the program leaves behind comes here.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int ready[2], status;
	pid_t program, pid;
	char byte;

	if (argc < 2 || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0 || pipe(ready) < 0)
		return 1;
	program = fork();
	if (!program) {
		dup2(ready[1], STDOUT_FILENO);
		close(ready[0]);
		close(ready[1]);
		execvp(argv[1], argv + 1);
		_exit(127);
	}
	if (read(ready[0], &byte, 1) != 1)
		return 1;
	kill(program, SIGQUIT);
	while ((pid = waitpid(-1, &status, __WALL)) > 0)
		printf("%s: signal %d, core %d\n", pid == program ? "program" : "stranger",
		       WTERMSIG(status), WCOREDUMP(status) != 0);
	return 0;
}
