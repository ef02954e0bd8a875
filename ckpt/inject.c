/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the helper puts into the program, in one new mapping:
 *
 *	base		the agent, relocated
 *	+ agent		struct static_start
 *	+ a page	the engine: this program, without what it may hold
 *
 * System calls are made by the thread at a `syscall` of its vdso, which every program has.
 * Nothing has run in it yet, so all of its registers are put back afterwards and nothing else has
 * changed.
 */
#define _GNU_SOURCE
#include "ckpt/inject.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ckpt/tracee.h"
#include "elf/embedded.h"
#include "libckpt/static/static.h"
#include "util/cleanup.h"
#include "util/format.h"
#include "util/io.h"

enum { PAGE = 4096, SYSCALL_STOP = SIGTRAP | 0x80, EXEC_STOP = SIGTRAP | PTRACE_EVENT_EXEC << 8 };

extern const uint8_t agent_image[], agent_image_end[];

static size_t whole_pages(size_t size)
{
	return (size + PAGE - 1) / PAGE * PAGE;
}

/* ---- The bytes ------------------------------------------------------------------------------- */

/* Ours, built by us: it is not checked. */
static const Elf64_Phdr *agent_segments(size_t *count)
{
	const Elf64_Ehdr *ehdr = (const Elf64_Ehdr *)agent_image;

	*count = ehdr->e_phnum;
	return (const Elf64_Phdr *)(agent_image + ehdr->e_phoff);
}

static size_t agent_size(void)
{
	size_t count, end = 0;
	const Elf64_Phdr *h = agent_segments(&count);

	for (size_t i = 0; i < count; i++)
		if (h[i].p_type == PT_LOAD)
			end = h[i].p_vaddr + h[i].p_memsz;
	return whole_pages(end);
}

/* The agent at BYTES, as it is to stand at BASE: all relocations are R_X86_64_RELATIVE. */
static void load_agent(uint8_t *bytes, addr_t base)
{
	size_t count;
	const Elf64_Phdr *h = agent_segments(&count);
	const Elf64_Dyn *dynamic = NULL;
	const Elf64_Rela *rela = NULL;
	size_t size = 0;

	for (size_t i = 0; i < count; i++) {
		if (h[i].p_type == PT_LOAD)
			memcpy(bytes + h[i].p_vaddr, agent_image + h[i].p_offset, h[i].p_filesz);
		if (h[i].p_type == PT_DYNAMIC)
			dynamic = (const Elf64_Dyn *)(agent_image + h[i].p_offset);
	}
	for (; dynamic && dynamic->d_tag != DT_NULL; dynamic++) {
		if (dynamic->d_tag == DT_RELA)
			rela = (const Elf64_Rela *)(bytes + dynamic->d_un.d_ptr);
		if (dynamic->d_tag == DT_RELASZ)
			size = dynamic->d_un.d_val;
	}
	for (size_t i = 0; rela && i < size / sizeof *rela; i++) {
		uint64_t value = base + (uint64_t)rela[i].r_addend;

		memcpy(bytes + rela[i].r_offset, &value, sizeof value);
	}
}

/* The engine as a file in memory. */
static int open_engine(uint64_t *size, struct error *err)
{
	int fd = memfd_create("engine", MFD_CLOEXEC);

	if (fd < 0)
		return error_sys(err, errno, "memfd");
	if (embedded_begin(fd, "memfd", size, err) == 0)
		return fd;
	close(fd);
	return -1;
}

/* ---- In the program -------------------------------------------------------------------------- */

/* A `syscall` instruction of the vdso. */
static addr_t find_syscall(pid_t pid, struct error *err)
{
	enum { VDSO_SIZE = 2 * PAGE };
	struct arena arena = { 0 };
	uint8_t code[VDSO_SIZE];
	char path[40];
	size_t len = 0;
	addr_t vdso = 0;

	format(path, sizeof path, "/proc/%d/auxv", pid);
	const Elf64_auxv_t *auxv = (const Elf64_auxv_t *)read_file(&arena, path, 65536, &len, err);
	for (size_t i = 0; auxv && i < len / sizeof *auxv; i++)
		if (auxv[i].a_type == AT_SYSINFO_EHDR)
			vdso = auxv[i].a_un.a_val;
	arena_free(&arena);
	if (vdso && traced_read(pid, vdso, code, sizeof code, err) < 0 &&
	    traced_read(pid, vdso, code, sizeof code / 2, err) < 0)
		return 0;
	for (size_t i = 0; vdso && i + 1 < sizeof code; i++)
		if (code[i] == 0x0f && code[i + 1] == 0x05)
			return vdso + i;
	error_set(err, ENOTSUP, "it has no vdso");
	return 0;
}

struct place {
	pid_t pid;
	addr_t syscall, base;
	struct user_regs_struct regs;  /* at its first instruction */
};

static int call(const struct place *p, long *result, struct error *err, long nr, uint64_t a,
		uint64_t b, uint64_t c, uint64_t d)
{
	if (tracee_call_in(p->pid, p->syscall, p->regs.rsp, NULL, result, err, nr, a, b, c, d,
			   (uint64_t)-1, 0) < 0)
		return -1;
	return *result < 0 && *result > -4096 ? error_sys(err, (int)-*result, "its memory") : 0;
}

static int protect_agent(const struct place *p, struct error *err)
{
	size_t count;
	const Elf64_Phdr *h = agent_segments(&count);
	long result;

	for (size_t i = 0; i < count; i++)
		if (h[i].p_type == PT_LOAD && h[i].p_flags & PF_X)
			return call(p, &result, err, SYS_mprotect,
				    p->base + h[i].p_vaddr / PAGE * PAGE,
				    whole_pages(h[i].p_vaddr % PAGE + h[i].p_memsz),
				    PROT_READ | PROT_EXEC, 0);
	return 0;
}

static int place_agent(struct place *p, struct error *err)
{
	uint64_t engine_size = 0;
	cleanup_fd int engine = open_engine(&engine_size, err);
	size_t agent = agent_size(), size = agent + PAGE + engine_size;
	cleanup_free uint8_t *bytes = engine >= 0 ? calloc(1, size) : NULL;
	struct static_start start = { .stack = p->regs.rsp, .engine_size = engine_size };
	long result;

	if (engine < 0)
		return -1;
	if (!bytes ||
	    pread_full(engine, bytes + agent + PAGE, engine_size, 0) != (ssize_t)engine_size)
		return error_set(err, ENOMEM, "not enough memory");
	if (call(p, &result, err, SYS_mmap, 0, size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS) < 0)
		return -1;
	p->base = (addr_t)result;
	load_agent(bytes, p->base);
	start.engine = p->base + agent + PAGE;
	memcpy(bytes + agent, &start, sizeof start);
	return traced_write(p->pid, p->base, bytes, size, err) < 0 ? -1 : protect_agent(p, err);
}

/* Runs the agent's entry until its breakpoint.  A signal that comes meanwhile is in *HELD. */
static int run_agent(const struct place *p, int *held, struct error *err)
{
	enum { UNUSED_STACK = 512 };
	const Elf64_Ehdr *ehdr = (const Elf64_Ehdr *)agent_image;
	struct user_regs_struct regs = p->regs;
	int status;

	regs.rip = p->base + ehdr->e_entry;
	regs.rdi = p->base + agent_size();
	regs.rsp = (regs.rsp - UNUSED_STACK) & ~(uint64_t)15;
	regs.orig_rax = (unsigned long long)-1;
	if (traced_set_registers(p->pid, &regs, err) < 0)
		return -1;
	for (;;) {
		if (ptrace(PTRACE_CONT, p->pid, 0, 0) < 0 || waitpid(p->pid, &status, __WALL) < 0 ||
		    !WIFSTOPPED(status))
			return error_set(err, ESRCH, "it has been killed");
		if (status >> 8 == SIGTRAP)
			return 0;
		if (!(status >> 16))
			*held = WSTOPSIG(status);
	}
}

static int enable(pid_t pid, struct error *err)
{
	struct place p = { .pid = pid };
	uint64_t mask, after;
	int held = 0, result;

	if (traced_registers(pid, &p.regs, err) < 0)
		return -1;
	if (ptrace(PTRACE_GETSIGMASK, pid, sizeof mask, &mask) < 0)
		return error_sys(err, errno, "process %d", pid);
	p.syscall = find_syscall(pid, err);
	if (!p.syscall || tracee_set_mask(pid, UINT64_MAX, err) < 0)
		return -1;
	result = place_agent(&p, err);
	if (result == 0)
		result = run_agent(&p, &held, err);
	/* The agent has unblocked its signals. */
	if (ptrace(PTRACE_GETSIGMASK, pid, sizeof after, &after) < 0)
		after = UINT64_MAX;
	if (traced_set_registers(pid, &p.regs, err) < 0 ||
	    tracee_set_mask(pid, mask & after, err) < 0)
		return -1;
	if (held)
		kill(pid, held);
	return result;
}

/* ---- The helper ------------------------------------------------------------------------------ */

/* Lets PID go on until STOP.  Returns -1 when it has ended. */
static int wait_for_stop(pid_t pid, long how, int stop)
{
	int status;

	for (;;) {
		if (waitpid(pid, &status, __WALL) < 0 || !WIFSTOPPED(status))
			return -1;
		if (status >> 8 == stop)
			return 0;
		int event = status >> 16, signo = WSTOPSIG(status);
		bool group_stop = event == PTRACE_EVENT_STOP && signo != SIGTRAP;
		if (ptrace(group_stop ? PTRACE_LISTEN : (enum __ptrace_request)how, pid, 0,
			   event ? 0 : signo) < 0)
			return -1;
	}
}

static int follow(pid_t pid, struct error *err)
{
	if (wait_for_stop(pid, PTRACE_CONT, EXEC_STOP) < 0)
		return 0;  /* it executed nothing */
	ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD);
	/* Not before the call has ended may its registers be changed. */
	if (ptrace(PTRACE_SYSCALL, pid, 0, 0) < 0 ||
	    wait_for_stop(pid, PTRACE_SYSCALL, SYSCALL_STOP) < 0)
		return 0;
	int result = enable(pid, err);
	ptrace(PTRACE_DETACH, pid, 0, 0);
	return result;
}

static void helper(pid_t pid, int ready)
{
	static const int ignored[] = { SIGINT, SIGQUIT, SIGTSTP, SIGHUP };
	struct error err;

	for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
		signal(ignored[i], SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	if (ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD) < 0)
		_exit(1);
	if (write(ready, "", 1) != 1)
		_exit(1);
	close(ready);
	if (follow(pid, &err) < 0)
		fprintf(stderr, "ckpt: the program runs without checkpointing: %s\n", err.message);
	_exit(0);
}

int inject_at_exec(struct error *err)
{
	pid_t self = getpid(), middle;
	int ends[2];
	char byte;

	if (pipe(ends) < 0)
		return error_sys(err, errno, "pipe");
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	middle = fork();
	if (middle == 0) {
		close(ends[0]);
		if (fork() == 0)
			helper(self, ends[1]);
		_exit(0);
	}
	close(ends[1]);
	while (middle > 0 && waitpid(middle, NULL, 0) < 0 && errno == EINTR)
		;
	ssize_t got = read_full(ends[0], &byte, 1);
	close(ends[0]);
	prctl(PR_SET_PTRACER, 0, 0, 0, 0);
	return got == 1 ? 0 : error_set(err, EPERM, "cannot be enabled for checkpointing: it is "
					"linked statically, and ptrace is not permitted here");
}
