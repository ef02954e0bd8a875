/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "restart/wait.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "restart/exit.h"

static sigset_t taken;

void wait_prepare(void)
{
	sigfillset(&taken);
	/* What the cpu raises in restart itself is not for the program. */
	const int ours[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT };
	for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
		sigdelset(&taken, ours[i]);
	/* A signal that we were started to ignore (nohup) is one that the program need not see. */
	for (int i = 1; i < SIGRTMAX; i++) {
		struct sigaction action;

		if (i != SIGCHLD && sigaction(i, NULL, &action) == 0 &&
		    action.sa_handler == SIG_IGN)
			sigdelset(&taken, i);
	}
	signal(SIGCHLD, SIG_DFL);
	sigprocmask(SIG_BLOCK, &taken, NULL);
}

/* Under a shell with job control: we have a terminal, and are in a group of our own there. */
static bool has_job_control(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (tcgetsid(fd) == getsid(0) && getpid() != getsid(0))
			return true;
	return false;
}

/*
 * The program has stopped.  When a shell has stopped it, the shell must see us stop too, and will
 * continue us both.
 */
static void stop_with_it(void)
{
	kill(getpid(), SIGSTOP);
}

/* All signals are blocked: SIGTTOU, too, which a group in the background would get for this. */
static void take_terminal(int terminal)
{
	if (terminal >= 0)
		tcsetpgrp(terminal, getpgrp());
}

/* After a `fg' we are in the foreground, and so is the program to be that goes on. */
static void hand_over_terminal(int terminal, pid_t pid)
{
	if (terminal >= 0 && tcgetpgrp(terminal) == getpgrp())
		tcsetpgrp(terminal, getpgid(pid));
}

/* Returns the exit status once the program has ended, else -1. */
static int reap(pid_t pid, int terminal)
{
	int status;
	pid_t got;

	while ((got = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
		if (got != pid)
			continue;
		if (WIFEXITED(status))
			return WEXITSTATUS(status);
		if (WIFSIGNALED(status))
			return EXIT_SIGNAL + WTERMSIG(status);
		if (WIFSTOPPED(status) && has_job_control()) {
			take_terminal(terminal);
			stop_with_it();
			hand_over_terminal(terminal, pid);
		}
	}
	return got < 0 && errno == ECHILD ? EXIT_FAILED : -1;
}

/*
 * The keys of the terminal and its end.  The kernel stops no member of an orphaned group by SIGTSTP
 * (get_signal()), and a session of its own is one.
 */
static void pass_on_from_terminal(pid_t pid, int signo)
{
	if (signo == SIGINT || signo == SIGQUIT || signo == SIGHUP || signo == SIGCONT)
		kill(pid, signo);
	else if (signo == SIGTSTP && has_job_control())
		kill(pid, SIGSTOP);
}

/*
 * A signal that the terminal sent went to the whole foreground group and comes from the kernel; one
 * from a process was meant for us alone.
 */
static void pass_on(pid_t pid, bool apart, const siginfo_t *info)
{
	if (info->si_code == SI_QUEUE)
		sigqueue(pid, info->si_signo, info->si_value);
	else if (info->si_code <= 0)
		kill(pid, info->si_signo);
	else if (apart)
		pass_on_from_terminal(pid, info->si_signo);
}

int wait_for_program(pid_t pid, bool apart, int terminal)
{
	for (;;) {
		int status = reap(pid, terminal);
		siginfo_t info;

		if (status >= 0) {
			take_terminal(terminal);
			return status;
		}
		if (sigwaitinfo(&taken, &info) > 0 && info.si_signo != SIGCHLD)
			pass_on(pid, apart, &info);
	}
}
