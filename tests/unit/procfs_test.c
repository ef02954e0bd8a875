/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What /proc tells of this very program, and of its children. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process/procfs.h"
#include "tests/unit/check.h"

static char directory[] = "/tmp/procfs_test.XXXXXX";

static struct process *read_self(void)
{
	static struct process p;
	struct error err;

	process_free(&p);
	if (!CHECK(procfs_read(&p, 0, &err) == 0, "the own process can be read"))
		printf("# %s\n", err.message);
	return &p;
}

static const struct description *description_of(const struct process *p, int fd)
{
	static const struct description none = { .kind = FILE_OTHER, .name = "(no such)" };
	const struct descriptor *d = process_descriptor(p, fd);

	return d ? &p->descriptions[d->description] : &none;
}

static bool shares(const struct process *p, int a, int b)
{
	return description_of(p, a) == description_of(p, b);
}

static bool is(const struct process *p, int fd, enum file_kind kind, const char *name)
{
	const struct description *d = description_of(p, fd);

	if (d->kind == kind && strcmp(d->name, name) == 0)
		return true;
	printf("# descriptor %d: kind %d, name %s\n", fd, d->kind, d->name);
	return false;
}

static const char *path_of(const char *name)
{
	static char path[200];

	snprintf(path, sizeof path, "%s/%s", directory, name);
	return path;
}

/* ---- Identity ------------------------------------------------------------------------------- */

static void test_identity(void)
{
	struct process *p;
	char exe[4096] = "";

	prctl(PR_SET_NAME, "a) R (1 2");
	p = read_self();
	CHECK(readlink("/proc/self/exe", exe, sizeof exe - 1) > 0, "the program has a path");
	CHECK_TEXT(p->exe, exe, "which is found");
	CHECK(p->pid == getpid() && p->ppid == getppid(), "a name like a stat line is no trap");
	CHECK(p->pgrp == getpgrp() && p->sid == getsid(0), "group and session are right");
	CHECK_TEXT(p->comm, "a) R (1 2", "the name itself is right");
	CHECK(p->uid == getuid() && p->gid == getgid(), "user and group are right");
	CHECK(p->origin == ORIGIN_LIVE, "its origin is a live process");
	prctl(PR_SET_NAME, "procfs_test");
}

static void test_surroundings(void)
{
	struct rlimit limit = { .rlim_cur = 1234, .rlim_max = RLIM_INFINITY };
	struct process *p;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = 234;
	setrlimit(RLIMIT_NOFILE, &limit);
	umask(027);
	signal(SIGUSR1, SIG_IGN);
	signal(SIGUSR2, _exit);
	p = read_self();
	CHECK(p->have == (HAVE_DESCRIPTORS | HAVE_DISPOSITIONS | HAVE_CWD | HAVE_UMASK |
			  HAVE_MAPPING_FLAGS | HAVE_BRK | HAVE_MM | HAVE_LIMITS | HAVE_ROOT |
			  HAVE_TIMERS),
	      "every kind of state is there");
	CHECK(p->umask == 027, "the umask is octal");
	CHECK_TEXT(p->cwd, directory, "the working directory is known");
	CHECK_TEXT(p->root, "/", "the root directory is known");
	CHECK(p->limits[RLIMIT_NOFILE].known && p->limits[RLIMIT_NOFILE].soft == 234 &&
	      p->limits[RLIMIT_NOFILE].hard == limit.rlim_max, "limits are known");
	CHECK(p->limits[RLIMIT_RTTIME].known, "to the last of them");
	CHECK(p->dispositions[SIGUSR1].kind == DISPOSITION_IGNORE, "an ignored signal is");
	CHECK(p->dispositions[SIGUSR2].kind == DISPOSITION_CAUGHT, "a caught signal is caught");
	CHECK(p->dispositions[SIGTERM].kind == DISPOSITION_DEFAULT, "others have their default");
	CHECK(p->mm.start_code <= (uintptr_t)test_surroundings &&
	      (uintptr_t)test_surroundings < p->mm.end_code, "this code is in the code range");
	CHECK(process_auxv(p, AT_RANDOM, 0) == getauxval(AT_RANDOM),
	      "the auxiliary vector is known");
}

/* ---- Descriptors ---------------------------------------------------------------------------- */

static void test_files(void)
{
	int file = open("file", O_RDWR | O_CREAT | O_APPEND, 0600);
	int twin = dup(file), other = open("file", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int gone = open("gone", O_RDWR | O_CREAT, 0600);
	int named = open("named (deleted)", O_RDWR | O_CREAT, 0600);
	int folder = open(".", O_RDONLY | O_DIRECTORY), null = open("/dev/null", O_WRONLY);
	int odd = open("a\nb : c", O_RDWR | O_CREAT, 0600);
	struct process *p;

	CHECK(write(file, "12345", 5) == 5 && lseek(other, 3, SEEK_SET) == 3, "a file is written");
	unlink("gone");
	p = read_self();
	CHECK(is(p, file, FILE_PATH, path_of("file")), "a file has its path");
	CHECK(description_of(p, file)->offset == 5, "and its offset");
	CHECK(description_of(p, file)->flags == (O_RDWR | O_APPEND), "and its flags");
	CHECK(shares(p, file, twin), "a duplicate shares the description");
	CHECK(!shares(p, file, other), "the same file opened again does not");
	CHECK(description_of(p, other)->offset == 3 &&
	      description_of(p, other)->flags == (O_RDONLY | O_NOFOLLOW), "and has its own state");
	CHECK(process_descriptor(p, other)->close_on_exec &&
	      !process_descriptor(p, twin)->close_on_exec, "close-on-exec is the descriptor's");
	CHECK(is(p, gone, FILE_PATH, path_of("gone")) && description_of(p, gone)->deleted,
	      "a deleted file is told by its former path");
	CHECK(is(p, named, FILE_PATH, path_of("named (deleted)")) &&
	      !description_of(p, named)->deleted,
	      "a file may be called so without being deleted");
	CHECK(is(p, folder, FILE_PATH, directory), "a directory has its path");
	CHECK(is(p, null, FILE_PATH, "/dev/null"), "a device has its path");
	CHECK(is(p, odd, FILE_PATH, path_of("a\nb : c")), "a name may hold a newline");

	/* Its last name is another one now. */
	CHECK(link("named (deleted)", "hard link") == 0 && unlink("named (deleted)") == 0,
	      "a file gets another name");
	p = read_self();
	CHECK(description_of(p, named)->deleted, "then the old one is deleted");
	unlink("hard link");
	unlink("file");
	unlink("a\nb : c");
	for (int fd = file; fd <= odd; fd++)
		close(fd);
}

static void test_terminal(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave = -1;
	struct process *p;

	if (master >= 0 && unlockpt(master) == 0)
		slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	if (slave < 0) {
		printf("# no terminals here\n");
		return;
	}
	p = read_self();
	CHECK(is(p, slave, FILE_TERMINAL, ptsname(master)), "a terminal is known as one");
	CHECK(description_of(p, master)->kind == FILE_PATH, "its master side is not one");
	close(slave);
	close(master);
}

static void test_pipes(void)
{
	int one[2], two[2];
	struct process *p;
	char name[40];

	CHECK(pipe(one) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, two) == 0, "pipes are made");
	p = read_self();
	snprintf(name, sizeof name, "pipe:[%llu]",
		 (unsigned long long)description_of(p, one[0])->pipe_id);
	CHECK(is(p, one[0], FILE_PIPE, name) && is(p, one[1], FILE_PIPE, name) &&
	      description_of(p, one[0])->pipe_id == description_of(p, one[1])->pipe_id,
	      "both ends of a pipe tell the same number");
	CHECK(!shares(p, one[0], one[1]), "but do not share their description");
	CHECK(description_of(p, one[0])->flags == O_RDONLY &&
	      description_of(p, one[1])->flags == O_WRONLY, "they differ in their flags");
	CHECK(description_of(p, two[0])->kind == FILE_SOCKET, "a socket is one");
	for (int i = 0; i < 2; i++) {
		close(one[i]);
		close(two[i]);
	}
}

/* What is on its way, seen from inside and from outside, and still there afterwards. */
static void test_pipe_data(void)
{
	int small[2], large[2], elsewhere[2], pair[2], hung_up[2];
	enum { LARGE = 100000 };
	static char sent[LARGE], received[LARGE];
	struct process *p;

	for (size_t i = 0; i < LARGE; i++)
		sent[i] = (char)(i * 31 + i / 251);
	CHECK(pipe(small) == 0 && pipe(large) == 0 && pipe(elsewhere) == 0 &&
	      socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 &&
	      socketpair(AF_UNIX, SOCK_STREAM, 0, hung_up) == 0, "pipes and sockets are made");
	close(elsewhere[1]);
	close(hung_up[1]);
	CHECK(write(small[1], "a\0", 2) == 2 && write(small[1], "b", 1) == 1, "three bytes wait");
	CHECK(fcntl(large[1], F_SETPIPE_SZ, 2 * LARGE) >= LARGE &&
	      write(large[1], sent, LARGE) == LARGE, "more than a new pipe holds wait");
	p = read_self();
	CHECK(description_of(p, small[0])->queued_size == 3 &&
	      !memcmp(description_of(p, small[0])->queued, "a\0b", 3), "the bytes are known");
	CHECK(!description_of(p, small[1])->queued_size, "at the reading end");
	CHECK(description_of(p, large[0])->queued_size == LARGE &&
	      !memcmp(description_of(p, large[0])->queued, sent, LARGE), "many, too");
	CHECK(!description_of(p, elsewhere[0])->queued_size, "nothing waits in an empty pipe");
	CHECK(read(small[0], received, LARGE) == 3 && read(large[0], received, LARGE) == LARGE &&
	      !memcmp(sent, received, LARGE), "they were not taken out");
	CHECK(description_of(p, hung_up[0])->hung_up, "a socket without a peer is known");
	CHECK(!description_of(p, pair[0])->hung_up, "so is one with a peer");
	for (int fd = small[0]; fd <= hung_up[0]; fd++)
		close(fd);
}

static void test_anonymous(void)
{
	int event = eventfd(0x123, EFD_SEMAPHORE), plain = eventfd(0, EFD_NONBLOCK);
	int epoll = epoll_create1(EPOLL_CLOEXEC), timer = timerfd_create(CLOCK_MONOTONIC, 0);
	int notify = inotify_init(), memory = memfd_create("my memory", 0);
	struct epoll_event watch = { .events = EPOLLIN | EPOLLET, .data.u64 = 0xfedcba9876543210 };
	const struct description *d;
	struct process *p;
	sigset_t none;

	sigemptyset(&none);
	int signals = signalfd(-1, &none, 0);

	CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, event, &watch) == 0, "an event is watched");
	p = read_self();
	CHECK(is(p, event, FILE_EVENTFD, "eventfd") && description_of(p, event)->count == 0x123,
	      "an eventfd has its count");
	CHECK(description_of(p, event)->semaphore && !description_of(p, plain)->semaphore,
	      "and is a semaphore or not");
	CHECK(description_of(p, plain)->flags == (O_RDWR | O_NONBLOCK), "it may be non-blocking");
	d = description_of(p, epoll);
	CHECK(is(p, epoll, FILE_EPOLL, "epoll") && d->watch_count == 1 &&
	      d->watches[0].fd == event && d->watches[0].data == 0xfedcba9876543210,
	      "an epoll knows what it watches");
	/* The kernel adds two events that are always reported. */
	CHECK(d->watch_count && d->watches[0].events == (EPOLLIN | EPOLLET | EPOLLERR | EPOLLHUP),
	      "and for which events");
	CHECK(process_descriptor(p, epoll)->close_on_exec, "and is close-on-exec");
	CHECK(is(p, timer, FILE_TIMERFD, "timerfd"), "a timerfd has its name");
	CHECK(is(p, notify, FILE_INOTIFY, "inotify"), "an inotify has its name");
	CHECK(is(p, signals, FILE_SIGNALFD, "signalfd"), "a signalfd has its name");
	CHECK(is(p, memory, FILE_MEMFD, "memfd:my memory"), "a memfd has the name it was given");
	for (int fd = event; fd <= signals; fd++)
		close(fd);
}

static int count_open(void)
{
	int count = 0;

	for (int fd = 0; fd < 5000; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* Every second one shares its description with its predecessor; all have the same file. */
static void test_many(void)
{
	enum { PAIRS = 1000 };
	struct rlimit limit;
	struct process *p;
	bool right = true;
	static int fds[2 * PAIRS];

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_max < 2 * PAIRS + 20) {
		printf("# not so many descriptors are allowed here\n");
		return;
	}
	for (int i = 0; i < 2 * PAIRS; i += 2) {
		fds[i] = open("/dev/null", O_RDONLY);
		fds[i + 1] = dup(fds[i]);
	}
	p = read_self();
	for (int i = 0; i < 2 * PAIRS; i += 2)
		right = right && shares(p, fds[i], fds[i + 1]) &&
			(i == 0 || !shares(p, fds[i], fds[i - 1]));
	CHECK(right, "among %d descriptors of one file the shared ones are found", 2 * PAIRS);
	CHECK((int)p->descriptor_count == count_open(),
	      "what was opened to read them is not among them");
	for (int i = 0; i < 2 * PAIRS; i++)
		close(fds[i]);
}

/* ---- Memory --------------------------------------------------------------------------------- */

static void test_mappings(void)
{
	enum { SIZE = 3 * 4096 };
	int fd = open("line\nbreak", O_RDWR | O_CREAT, 0600);
	int gone = open("gone", O_RDWR | O_CREAT, 0600);
	struct process *p;
	const struct mapping *m;
	bool sorted = true;

	CHECK(ftruncate(fd, 65536) == 0 && ftruncate(gone, 65536) == 0, "files are made");
	void *none = mmap(NULL, SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *shared = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	void *file = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 4096);
	void *copy = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, gone, 0);
	void *heap = sbrk(10000);

	unlink("gone");
	p = read_self();
	m = process_mapping_at(p, (uintptr_t)none);
	CHECK(m && m->prot == 0 && m->prot_known && !m->shared, "memory without access is private");
	m = process_mapping_at(p, (uintptr_t)shared);
	CHECK(m && m->shared && m->prot == (PROT_READ | PROT_WRITE) && m->deleted &&
	      strcmp(m->path, "/dev/zero") == 0, "shared anonymous memory is shared");
	m = process_mapping_at(p, (uintptr_t)file);
	CHECK(m && m->shared && m->prot == PROT_READ && m->file_offset == 4096 && !m->deleted &&
	      m->end - m->start == SIZE && strcmp(m->path, path_of("line\nbreak")) == 0,
	      "a mapped file has its name, offset and size");
	m = process_mapping_at(p, (uintptr_t)copy);
	CHECK(m && !m->shared && m->deleted && strcmp(m->path, path_of("gone")) == 0,
	      "a deleted file that is mapped is known as such");
	m = process_mapping_at(p, (uintptr_t)heap);
	CHECK(m && m->label == LABEL_HEAP && p->start_brk <= (uintptr_t)heap &&
	      p->brk >= (uintptr_t)heap + 10000, "the heap lies between start_brk and brk");
	m = process_mapping_at(p, (uintptr_t)&m);
	CHECK(m && m->label == LABEL_STACK && m->grows_down, "the stack grows down");
	m = process_mapping_at(p, getauxval(AT_SYSINFO_EHDR));
	CHECK(m && m->label == LABEL_VDSO && !m->path, "the vdso has its label");
	for (size_t i = 1; i < p->mapping_count; i++)
		sorted = sorted && p->mappings[i - 1].end <= p->mappings[i].start;
	CHECK(sorted, "mappings are sorted and disjoint");
	CHECK(p->mappings[p->mapping_count - 1].end < (addr_t)1 << 47,
	      "the kernel's vsyscall page is not the process's");
	unlink("line\nbreak");
	close(fd);
	close(gone);
}

/* ---- Threads, other processes --------------------------------------------------------------- */

static void *named_thread(void *barrier)
{
	prctl(PR_SET_NAME, "worker");
	pthread_barrier_wait(barrier);
	pthread_barrier_wait(barrier);
	return NULL;
}

static void refuse(pid_t pid, const char *want)
{
	struct process p;
	struct error err;

	process_init(&p);
	if (CHECK(procfs_read(&p, pid, &err) < 0, "process %d is refused", pid))
		CHECK_TEXT(err.message, want, "and the message says why");
	process_free(&p);
}

static void test_threads(void)
{
	pthread_barrier_t barrier;
	struct process *p;
	char want[200];
	pthread_t t;

	pthread_barrier_init(&barrier, NULL, 2);
	pthread_create(&t, NULL, named_thread, &barrier);
	pthread_barrier_wait(&barrier);
	p = read_self();
	CHECK(p->thread_count == 2 && p->threads[0].tid == getpid(), "the leader comes first");
	CHECK_TEXT(p->threads[1].name, "worker", "the other thread has its own name");
	snprintf(want, sizeof want, "%d: it is a thread of process %d; name that",
		 p->threads[1].tid, getpid());
	refuse(p->threads[1].tid, want);
	pthread_barrier_wait(&barrier);
	pthread_join(t, NULL);
}

static void test_child(void)
{
	int ready[2], status;
	struct process p;
	struct error err;
	char byte, want[200];

	CHECK(pipe(ready) == 0, "a pipe is made");
	pid_t child = fork();
	if (!child) {
		close(ready[0]);
		if (chdir("/dev") < 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	CHECK(read(ready[0], &byte, 1) == 1, "a child is ready");
	process_init(&p);
	CHECK(procfs_read(&p, child, &err) == 0 && p.pid == child && p.ppid == getpid(),
	      "another process can be read");
	CHECK_TEXT(p.cwd, "/dev", "in its own working directory");
	CHECK(!process_descriptor(&p, ready[0]) && process_descriptor(&p, ready[1]),
	      "with its own descriptors");
	process_free(&p);

	siginfo_t ended;

	kill(child, SIGKILL);
	waitid(P_PID, (id_t)child, &ended, WEXITED | WNOWAIT);
	snprintf(want, sizeof want, "process %d: it has ended already", child);
	refuse(child, want);
	waitpid(child, &status, 0);
	snprintf(want, sizeof want, "process %d: there is no such process (any more)", child);
	refuse(child, want);
	close(ready[0]);
	close(ready[1]);
}

static void test_permission(void)
{
	pid_t parent = getpid();
	struct process p;
	struct error err;
	int status;

	if (getuid()) {
		printf("# only root can become somebody else\n");
		return;
	}
	pid_t child = fork();
	if (!child) {
		char want[200];

		process_init(&p);
		snprintf(want, sizeof want,
			 "process %d: not allowed to look into it; be its owner or root", parent);
		_exit(setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0 &&
		      procfs_read(&p, parent, &err) < 0 && strcmp(err.message, want) == 0 ? 0 : 1);
	}
	waitpid(child, &status, 0);
	CHECK(status == 0, "the process of somebody else is refused, saying so");
}

int main(void)
{
	if (!mkdtemp(directory) || chdir(directory) < 0)
		return 1;
	test_identity();
	test_surroundings();
	test_files();
	test_terminal();
	test_pipes();
	test_pipe_data();
	test_anonymous();
	test_many();
	test_mappings();
	test_threads();
	test_child();
	test_permission();
	CHECK(rmdir(directory) == 0, "nothing is left behind");
	return CHECK_DONE();
}
