// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Waits in every call that a stop could end with EINTR, each in a thread
 * of its own, but the one that is named in the leader.  A byte on stdin
 * ends all of them: none may have ended before, or in another way.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/programs/restart_victim.h"

enum { HOUR = 3600 };

static int pipe_fd[2], pair[2], epoll, sem, queue, futex_word;
static sigset_t rt;
static volatile sig_atomic_t handled;
static int begun, over, ended;
static const struct timespec hour = { HOUR, 0 };

static int ready(void) { return __atomic_load_n(&over, __ATOMIC_SEQ_CST); }
static void handler(int signo) { handled = signo; }

static int w_epoll(void) { struct epoll_event e; return epoll_wait(epoll, &e, 1, -1) == 1; }
static int w_epoll_timed(void)
{
	struct epoll_event e;
	return epoll_wait(epoll, &e, 1, HOUR * 1000) == 1;
}
static int w_semop(void) { struct sembuf b = { 0, -1, 0 }; return semop(sem, &b, 1) == 0; }
static int w_semtimedop(void)
{
	struct sembuf b = { 1, -1, 0 };
	return semtimedop(sem, &b, 1, &hour) == 0;
}
static int w_sigwait(void) { return sigtimedwait(&rt, NULL, &hour) == SIGRTMIN; }
static int w_read(void) { char c; return read(pipe_fd[0], &c, 1) == 1; }
static int w_poll(void) { struct pollfd p = { pair[0], POLLHUP, 0 }; return poll(&p, 1, -1) == 1; }
static int w_recv(void) { char c; return recv(pair[0], &c, 1, 0) == 0; }
static int w_msgrcv(void) { struct { long t; char c; } m; return msgrcv(queue, &m, 1, 0, 0) == 1; }
static int w_futex(void)
{
	return syscall(SYS_futex, &futex_word, FUTEX_WAIT, 0, NULL) == 0 || errno == EAGAIN;
}
static int w_futex_timed(void)
{
	return syscall(SYS_futex, &futex_word, FUTEX_WAIT, 0, &hour) == 0 || errno == EAGAIN;
}
static int w_wait4(void)
{
	int s;
	return wait(&s) > 0 && WTERMSIG(s) == SIGKILL && wait(&s) < 0 && errno == ECHILD;
}
static int w_sleep(void) { while (!ready()) if (usleep(300)) return 0; return 1; }
static int w_sigsuspend(void) { return sigsuspend(&rt) < 0 && errno == EINTR && handled; }

static const struct wait { const char *name; int (*call)(void); } waits[] = {
	{ "epoll", w_epoll }, { "epoll_timed", w_epoll_timed }, { "semop", w_semop },
	{ "semtimedop", w_semtimedop }, { "sigwait", w_sigwait }, { "read", w_read },
	{ "poll", w_poll },
	{ "recv", w_recv }, { "msgrcv", w_msgrcv }, { "futex", w_futex },
	{ "futex_timed", w_futex_timed },
	{ "wait4", w_wait4 }, { "sleep", w_sleep }, { "sigsuspend", w_sigsuspend },
};
enum { COUNT = sizeof waits / sizeof waits[0] };

static void *run(void *arg)
{
	const struct wait *w = arg;

	__atomic_fetch_add(&begun, 1, __ATOMIC_SEQ_CST);
	if (!w->call() || !ready()) {
		dprintf(2, "%s ended %s: %m\n", w->name, ready() ? "wrongly" : "too early");
		_exit(1);
	}
	__atomic_fetch_add(&ended, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void *finish(void *arg)
{
	struct sembuf up[] = { { 0, 1, 0 }, { 1, 1, 0 } };
	struct { long type; char c; } message = { 1, 0 };
	char byte;

	while (__atomic_load_n(&begun, __ATOMIC_SEQ_CST) < COUNT)
		usleep(1000);
	CHECK(write(1, "ready\n", 6) == 6 && read(0, &byte, 1) == 1);
	__atomic_store_n(&over, 1, __ATOMIC_SEQ_CST);
	futex_word = 1;
	CHECK(write(pipe_fd[1], "x", 1) == 1 && semop(sem, up, 2) == 0 &&
	      msgsnd(queue, &message, 1, 0) == 0);
	syscall(SYS_futex, &futex_word, FUTEX_WAKE, 10, NULL);
	kill(*(pid_t *)arg, SIGKILL);
	kill(getpid(), SIGRTMIN);
	kill(getpid(), SIGUSR1);
	close(pair[1]);
	while (__atomic_load_n(&ended, __ATOMIC_SEQ_CST) < COUNT)
		usleep(1000);
	semctl(sem, 0, IPC_RMID);
	msgctl(queue, IPC_RMID, NULL);
	CHECK(write(1, "ok\n", 3) == 3);
	_exit(0);
}

int main(int argc, char **argv)
{
	struct epoll_event event = { .events = EPOLLRDHUP };
	struct sigaction action = { .sa_handler = handler };
	struct timeval timeout = { HOUR, 0 };
	const struct wait *mine = NULL;
	pthread_t thread;
	pid_t child;

	sigemptyset(&rt);
	sigaddset(&rt, SIGRTMIN);
	sigaddset(&rt, SIGUSR1);
	sigprocmask(SIG_BLOCK, &rt, NULL);
	sigdelset(&rt, SIGUSR1);
	sigaction(SIGUSR1, &action, NULL);
	sem = semget(IPC_PRIVATE, 2, 0600);
	queue = msgget(IPC_PRIVATE, 0600);
	epoll = epoll_create1(0);
	CHECK(pipe(pipe_fd) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && sem >= 0 &&
	      queue >= 0);
	CHECK(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) == 0);
	CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, pair[0], &event) == 0);
	if ((child = fork()) == 0)
		for (;;)
			pause();
	CHECK(argc == 2 && pthread_create(&thread, NULL, finish, &child) == 0);
	for (int i = 0; i < COUNT; i++)
		if (strcmp(waits[i].name, argv[1]) == 0)
			mine = &waits[i];
		else
			CHECK(pthread_create(&thread, NULL, run, (void *)&waits[i]) == 0);
	CHECK(mine);
	run((void *)mine);
	for (;;)
		pause();
}
