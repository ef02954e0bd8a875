// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Sets up one kind of state, says `ready', and when it
 * has read a byte checks that the state is still there.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <ucontext.h>

#include "tests/programs/restart_victim.h"

enum { SIZE = 64 << 10, THREADS = 4 };

static void wait_for_byte(void)
{
	char byte;

	CHECK(write(1, "ready\n", 6) == 6 && read(0, &byte, 1) == 1);
}

static unsigned char *make(int flags, int fd, unsigned char value)
{
	unsigned char *m = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, flags, fd, 0);

	CHECK(m != MAP_FAILED);
	memset(m, value, SIZE / 2);
	m[SIZE - 1] = value;
	return m;
}

static void has(const unsigned char *m, unsigned char value)
{
	for (int i = 0; i < SIZE / 2; i++)
		CHECK(m[i] == value && m[SIZE / 2 + i] == (i == SIZE / 2 - 1 ? value : 0));
}

static void memory(void)
{
	unsigned char *private = make(MAP_PRIVATE | MAP_ANONYMOUS, -1, 1);
	unsigned char *shared = make(MAP_SHARED | MAP_ANONYMOUS, -1, 2);
	unsigned char *uncopied = make(MAP_PRIVATE | MAP_ANONYMOUS, -1, 3);
	unsigned char *wiped = make(MAP_PRIVATE | MAP_ANONYMOUS, -1, 4);
	unsigned char *sealed = make(MAP_PRIVATE | MAP_ANONYMOUS, -1, 5);

	CHECK(madvise(uncopied, SIZE, MADV_DONTFORK) == 0 &&
	      madvise(wiped, SIZE, MADV_WIPEONFORK) == 0);
	CHECK(mprotect(sealed, SIZE, PROT_NONE) == 0);
	wait_for_byte();
	CHECK(mprotect(sealed, SIZE, PROT_READ) == 0);
	has(private, 1);
	has(shared, 2);
	has(uncopied, 3);
	has(wiped, 4);
	has(sealed, 5);
}

static void deleted(void)
{
	int file = open("file", O_RDWR | O_CREAT, 0600), mem = memfd_create("mem", 0);

	CHECK(file >= 0 && mem >= 0 && ftruncate(file, SIZE) == 0 && ftruncate(mem, SIZE) == 0);
	unsigned char *of_file = make(MAP_SHARED, file, 1), *of_mem = make(MAP_SHARED, mem, 2);
	unsigned char *copy = make(MAP_PRIVATE, file, 3);

	unlink("file");
	close(file);
	close(mem);
	wait_for_byte();
	has(of_file, 1);
	has(of_mem, 2);
	has(copy, 3);
}

static __thread char *my_stack;
static __thread volatile int handled;
static pthread_barrier_t barrier;

static void on_signal(int signo, siginfo_t *info, void *context)
{
	char *here = __builtin_frame_address(0);

	(void)info, (void)context;
	CHECK(!my_stack || (here > my_stack && here < my_stack + SIZE));
	handled = signo;
}

static void *with_stack(void *unused)
{
	stack_t stack = { .ss_sp = my_stack = malloc(SIZE), .ss_size = SIZE };

	CHECK(sigaltstack(&stack, NULL) == 0);
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	CHECK(raise(SIGUSR1) == 0 && handled == SIGUSR1);
	return unused;
}

static void install(int flags)
{
	struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | flags };

	sigaddset(&action.sa_mask, SIGTERM);
	CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
	action.sa_flags |= SA_RESETHAND;
	CHECK(sigaction(SIGRTMAX, &action, NULL) == 0);
}

static void signals(void)
{
	struct sigaction now;
	pthread_t threads[THREADS];

	install(SA_ONSTACK);
	pthread_barrier_init(&barrier, NULL, THREADS + 1);
	for (int i = 0; i < THREADS; i++)
		CHECK(pthread_create(&threads[i], NULL, with_stack, NULL) == 0);
	pthread_barrier_wait(&barrier);
	wait_for_byte();
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < THREADS; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	CHECK(sigaction(SIGRTMAX, NULL, &now) == 0 && now.sa_sigaction == on_signal);
	/* libc adds a flag of its own, SA_RESTORER. */
	CHECK((now.sa_flags & ~0x04000000) == (int)(SA_SIGINFO | SA_ONSTACK | SA_RESETHAND));
	CHECK(sigismember(&now.sa_mask, SIGTERM) && !sigismember(&now.sa_mask, SIGINT));
}

/* As a coroutine, or a goroutine, that runs in the first thread. */
static void elsewhere(void)
{
	static ucontext_t main_context, other;

	install(0);
	CHECK(getcontext(&other) == 0);
	other.uc_stack = (stack_t){ .ss_sp = malloc(SIZE), .ss_size = SIZE };
	other.uc_link = &main_context;
	makecontext(&other, wait_for_byte, 0);
	CHECK(swapcontext(&main_context, &other) == 0);
	CHECK(raise(SIGUSR1) == 0 && handled == SIGUSR1);
}

/* Only read, write and exit: any other call kills. */
static void strict(void)
{
	CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0);
	wait_for_byte();
}

int main(int argc, char **argv)
{
	static const struct { const char *name; void (*run)(void); } kinds[] = {
		{ "memory", memory }, { "deleted", deleted }, { "signals", signals },
		{ "elsewhere", elsewhere }, { "seccomp", strict },
	};

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		if (argc != 2 || strcmp(argv[1], kinds[i].name) != 0)
			continue;
		kinds[i].run();
		CHECK(write(1, "ok\n", 3) == 3);
		syscall(60 /* exit, which strict seccomp allows */, 0);
	}
	return 1;
}
