/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "ckpt/tcp.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ckpt/guard.h"
#include "util/cleanup.h"

/* Of include/net/tcp_states.h: in these one of the two sides is open still. */
enum { ESTABLISHED = 1, FIN_WAIT1 = 4, FIN_WAIT2 = 5, CLOSE_WAIT = 8 };

static int set_number(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof value);
}

/* ---- Which ones ------------------------------------------------------------------------------ */

static bool is_candidate(const struct description *d)
{
	const struct socket *s = d->socket;

	return s && (s->family == AF_INET || s->family == AF_INET6) && s->type == SOCK_STREAM &&
	       s->protocol == IPPROTO_TCP && s->state == SOCKET_CONNECTED && s->local.size &&
	       s->peer.size;
}

static bool can_be_continued(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t size = sizeof info;

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
	       (info.tcpi_state == ESTABLISHED || info.tcpi_state == FIN_WAIT1 ||
		info.tcpi_state == FIN_WAIT2 || info.tcpi_state == CLOSE_WAIT);
}

/* The kernel counts a filter by instructions (sk_get_filter()). */
static int read_filter(struct held_tcp *t, struct error *err)
{
	socklen_t count = 0;
	int locked = 0;
	socklen_t size = sizeof locked;

	if (getsockopt(t->fd, SOL_SOCKET, SO_GET_FILTER, NULL, &count) < 0 ||
	    getsockopt(t->fd, SOL_SOCKET, SO_LOCK_FILTER, &locked, &size) < 0 || locked)
		return error_set(err, ENOTSUP,
				 "descriptor %d is a TCP connection with a filter that cannot be "
				 "replaced (checkpoint without --tcp-established)",
				 t->number);
	if (!count)
		return 0;
	t->filter = calloc(count, sizeof *t->filter);
	if (!t->filter)
		return error_set(err, ENOMEM, "not enough memory");
	if (getsockopt(t->fd, SOL_SOCKET, SO_GET_FILTER, t->filter, &count) < 0)
		return error_sys(err, errno, "the filter of descriptor %d", t->number);
	t->filter_count = (unsigned short)count;
	return 0;
}

/* kTLS and the like keep state of their own above TCP. */
static int check_plain(const struct held_tcp *t, struct error *err)
{
	char name[16] = "";
	socklen_t size = sizeof name;

	if (getsockopt(t->fd, IPPROTO_TCP, TCP_ULP, name, &size) == 0 && size && name[0])
		return error_set(err, ENOTSUP,
				 "descriptor %d is a TCP connection below %.15s, which cannot "
				 "be saved (checkpoint without --tcp-established)",
				 t->number, name);
	return 0;
}

static int add(struct tcp_hold *h, int fd, int number, struct description *d, struct error *err)
{
	struct held_tcp *t = &h->list[h->count++];
	socklen_t size = sizeof t->reuse;

	*t = (struct held_tcp){ .fd = fd, .number = number, .id = d->pipe_id, .socket = d->socket };
	if (getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &t->reuse, &size) < 0)
		return error_sys(err, errno, "SO_REUSEADDR of descriptor %d", number);
	return check_plain(t, err) < 0 ? -1 : read_filter(t, err);
}

static int collect(struct tcp_hold *h, struct process *p, pid_t pid, struct error *err)
{
	cleanup_fd int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	cleanup_free bool *seen = calloc(p->description_count + 1, sizeof *seen);

	h->list = calloc(p->description_count + 1, sizeof *h->list);
	if (!h->list || !seen)
		return error_set(err, ENOMEM, "not enough memory");
	for (size_t i = 0; i < p->descriptor_count; i++) {
		size_t which = p->descriptors[i].description;
		int number = p->descriptors[i].fd;

		if (seen[which] || !is_candidate(&p->descriptions[which]))
			continue;
		seen[which] = true;
		int fd = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);
		if (fd < 0)
			return error_sys(err, errno, "descriptor %d, a TCP connection", number);
		if (!can_be_continued(fd))
			close(fd);
		else if (add(h, fd, number, &p->descriptions[which], err) < 0)
			return -1;
	}
	return 0;
}

/* ---- Holding --------------------------------------------------------------------------------- */

static int drop_all(int fd)
{
	struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = { .len = 1, .filter = &nothing };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

static int begin_repair(const struct held_tcp *t, struct error *err)
{
	if (set_number(t->fd, IPPROTO_TCP, TCP_REPAIR, TCP_REPAIR_ON) == 0)
		return 0;
	if (errno == EPERM)
		return error_set(err, EPERM,
				 "descriptor %d is a TCP connection, which takes CAP_NET_ADMIN to "
				 "save (checkpoint without --tcp-established)",
				 t->number);
	return error_sys(err, errno, "TCP_REPAIR of descriptor %d", t->number);
}

/* Should a step fail, none of the others would mend it. */
static void end_repair(const struct held_tcp *t)
{
	if (set_number(t->fd, IPPROTO_TCP, TCP_REPAIR, TCP_REPAIR_OFF_NO_WP) < 0)
		(void)!set_number(t->fd, IPPROTO_TCP, TCP_REPAIR, TCP_REPAIR_OFF);
	(void)!set_number(t->fd, SOL_SOCKET, SO_REUSEADDR, t->reuse);
}

static int hold(const struct held_tcp *t, struct process *p, struct error *err)
{
	int result = begin_repair(t, err);

	if (result == 0 && drop_all(t->fd) < 0)
		result = error_sys(err, errno, "a filter for descriptor %d", t->number);
	if (result == 0)
		result = tcp_read(t, p, err);
	end_repair(t);
	return result;
}

/* Of a connection that is not held, too. */
static void put_right(const struct held_tcp *t)
{
	struct sock_fprog own = { .len = t->filter_count, .filter = t->filter };

	end_repair(t);
	if (t->filter)
		(void)!setsockopt(t->fd, SOL_SOCKET, SO_ATTACH_FILTER, &own, sizeof own);
	else
		(void)!set_number(t->fd, SOL_SOCKET, SO_DETACH_FILTER, 0);
}

static void put_all_right(const struct tcp_hold *h)
{
	for (size_t i = 0; i < h->count; i++)
		put_right(&h->list[i]);
}

/* ---- Standing by ----------------------------------------------------------------------------- */

enum { WORD_KILL = 'k', WORD_DONE = 'd' };

/* A process that we were about to kill may have been killed, and needs a moment to end. */
static bool ends(int pidfd)
{
	enum { MOMENT_MS = 1000 };
	struct pollfd end = { .fd = pidfd, .events = POLLIN };

	return poll(&end, 1, MOMENT_MS) == 1;
}

/* Nothing that a terminal sends may end it before its time. */
__attribute__((noreturn)) static void stand_by(const struct tcp_hold *h, int pidfd, int words)
{
	bool killing = false;
	sigset_t all;
	char word = 0;
	ssize_t n;

	setsid();
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	while ((n = read(words, &word, 1)) > 0 && word == WORD_KILL)
		killing = true;
	if (n <= 0 && !(killing && ends(pidfd)))
		put_all_right(h);
	_exit(0);
}

static int begin_standby(struct tcp_hold *h, pid_t pid, struct error *err)
{
	cleanup_fd int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	int pipe_ends[2];

	if (pidfd < 0 || pipe2(pipe_ends, O_CLOEXEC) < 0)
		return error_sys(err, errno, "standing by the TCP connections");
	h->helper = fork();
	if (h->helper == 0) {
		close(pipe_ends[1]);
		stand_by(h, pidfd, pipe_ends[0]);
	}
	close(pipe_ends[0]);
	h->end = pipe_ends[1];
	if (h->helper > 0)
		return 0;
	error_sys(err, errno, "fork");
	close(h->end);
	h->helper = 0;
	return -1;
}

static void tell(const struct tcp_hold *h, char word)
{
	if (h->helper > 0 && write(h->end, &word, 1) < 0)
		return;  /* it has been killed */
}

static void end_standby(struct tcp_hold *h)
{
	if (h->helper <= 0)
		return;
	tell(h, WORD_DONE);
	close(h->end);
	while (waitpid(h->helper, NULL, 0) < 0 && errno == EINTR)
		;
	h->helper = 0;
}

/* ---- All of them ----------------------------------------------------------------------------- */

void tcp_forget(struct tcp_hold *h)
{
	end_standby(h);
	for (size_t i = 0; i < h->count; i++) {
		close(h->list[i].fd);
		free(h->list[i].filter);
	}
	free(h->list);
	*h = (struct tcp_hold){ 0 };
}

void tcp_release(struct tcp_hold *h)
{
	/* A second time would do no harm, should we be killed in between. */
	if (h->helper > 0)
		put_all_right(h);
	tcp_forget(h);
}

int tcp_kill(struct tcp_hold *h, struct error *err)
{
	int result = 0;

	if (!h->count)
		return 0;
	if (!guard_hold())
		result = error_set(err, EINTR, "killed");
	for (size_t i = 0; i < h->count && result == 0; i++)
		result = begin_repair(&h->list[i], err);
	h->killing = result == 0;
	if (h->killing)
		tell(h, WORD_KILL);
	else
		tcp_release(h);
	return result;
}

static int hold_all(struct tcp_hold *h, struct process *p, pid_t pid, struct error *err)
{
	if (collect(h, p, pid, err) < 0)
		return -1;
	if (!h->count)
		return 0;
	if (tcp_check_shared(h, pid, err) < 0 || begin_standby(h, pid, err) < 0)
		return -1;
	int result = guard_hold() ? 0 : error_set(err, EINTR, "killed");

	for (size_t i = 0; i < h->count && result == 0; i++)
		result = hold(&h->list[i], p, err);
	guard_ease();
	return result;
}

int tcp_hold(struct tcp_hold *h, struct process *p, pid_t pid, struct error *err)
{
	*h = (struct tcp_hold){ 0 };
	if (hold_all(h, p, pid, err) == 0)
		return 0;
	tcp_release(h);
	return -1;
}
