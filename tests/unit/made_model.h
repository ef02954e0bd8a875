/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Models to be written as cores, with their memory in an array; and reading them back.
 */
#ifndef TESTS_UNIT_MADE_MODEL_H
#define TESTS_UNIT_MADE_MODEL_H

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/user.h>
#include <unistd.h>

#include "elf/core_read.h"
#include "elf/core_write.h"
#include "process/arch.h"
#include "tests/unit/check.h"
#include "tests/unit/same_core.h"
#include "util/io.h"

enum { PAGE = 4096, MIB = 1 << 20 };

static char dir[] = "/tmp/core_write_test.XXXXXX";
static char core_path[64], other_path[64];

/* ---- Models ----------------------------------------------------------------------------- */

/* A model whose memory is an array: the bytes of all SAVED mappings, one behind the other. */
struct made {
	struct process p;
	char *memory;
	size_t memory_size;
};

static uint64_t random_state = 1;

static inline uint64_t random_number(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state * 0x2545f4914f6cdd1dul;
}

static inline size_t below(size_t n)
{
	return (random_number() >> 20) % n;
}

static inline void *random_bytes(struct process *p, size_t size)
{
	char *bytes = arena_alloc(&p->arena, size);

	for (size_t i = 0; i < size; i++)
		bytes[i] = (char)random_number();
	return bytes;
}

/* Where the bytes at ADDR of a SAVED mapping are in memory; *LEFT is how many follow. */
static inline char *saved_bytes(const struct made *m, addr_t addr, size_t *left)
{
	char *at = m->memory;

	for (size_t i = 0; i < m->p.mapping_count; i++) {
		const struct mapping *map = &m->p.mappings[i];

		if (map->bytes != BYTES_SAVED)
			continue;
		if (map->start <= addr && addr < map->end) {
			*left = map->end - addr;
			return at + (addr - map->start);
		}
		at += map->end - map->start;
	}
	return NULL;
}

static inline int read_made(void *context, addr_t addr, void *buf, size_t len, struct error *err)
{
	size_t left;
	char *bytes = saved_bytes(context, addr, &left);

	if (!bytes || left < len)
		return error_set(err, EFAULT, "read of %zu bytes at %#lx", len, addr);
	memcpy(buf, bytes, len);
	return 0;
}

/* Runs of at most 3 pages, so that many runs touch; pages that are zero are left out, or in. */
static inline int next_made(void *context, addr_t from, addr_t end, addr_t *start, addr_t *stop,
			    struct error *err)
{
	size_t left;
	const char *bytes = saved_bytes(context, from, &left);

	if (!bytes || left < end - from)
		return error_set(err, EFAULT, "next at %#lx", from);
	while (from < end && *bytes == 0 && below(4)) {
		from += PAGE;
		bytes += PAGE;
	}
	*start = from;
	*stop = end - from < 3 * PAGE ? end : from + 3 * PAGE;
	return from < end;
}

static inline void begin_model(struct made *m)
{
	memset(m, 0, sizeof *m);
	process_init(&m->p);
	m->p.arch = arch_host();
	m->p.source = "process 7";
	m->p.pid = 7;
	m->p.memory = (struct memory){ read_made, m };
}

static inline void end_model(struct made *m)
{
	process_free(&m->p);
	free(m->memory);
}

static inline void add_regset(struct process *p, struct thread *t, uint32_t type, size_t size)
{
	t->regsets[t->regset_count++] = (struct regset){
		.type = type, .size = (uint32_t)size, .data = random_bytes(p, size),
	};
}

static inline struct thread *add_thread(struct process *p, pid_t tid)
{
	struct thread *t = process_add_thread(p);

	t->tid = tid;
	add_regset(p, t, NT_PRSTATUS, sizeof(struct user_regs_struct));
	return t;
}

static inline struct mapping *add_mapping(struct made *m, addr_t start, size_t pages, uint32_t prot,
					  enum bytes bytes)
{
	struct mapping *map = process_add_mapping(&m->p);

	map->start = start;
	map->end = start + pages * PAGE;
	map->prot = prot;
	map->prot_known = true;
	map->bytes = bytes;
	if (bytes == BYTES_SAVED)
		m->memory_size += pages * PAGE;
	return map;
}

static inline struct mapping *add_file(struct made *m, addr_t start, size_t pages, enum bytes bytes,
				       const char *path, uint64_t offset, bool deleted)
{
	struct mapping *map = add_mapping(m, start, pages, PROT_READ, bytes);

	map->path = path;
	map->file_offset = offset;
	map->deleted = deleted;
	return map;
}

/* A page is zero when its first byte is: next_made() relies on it. */
static inline void make_memory(struct made *m, unsigned zero_of_ten)
{
	m->memory = calloc(m->memory_size + 1, 1);
	for (size_t i = 0; i < m->memory_size; i += PAGE)
		if (below(10) >= zero_of_ten) {
			m->memory[i] = 1 + (char)below(100);
			m->memory[i + 1 + below(PAGE - 1)] = (char)random_number();
		}
}

#define TEXT_ADDR 0x400000ul
#define DATA_ADDR 0x600000ul
#define STACK_ADDR 0x7ff0000f0000ul
#define VDSO_ADDR 0x7ff000012000ul

static uint64_t auxv[] = {
	AT_SYSINFO_EHDR, VDSO_ADDR, AT_ENTRY, TEXT_ADDR + 0x1010, AT_RANDOM, STACK_ADDR + 0x100,
	AT_NULL, 0,
};

static inline void make_threads(struct process *p)
{
	struct thread *t = add_thread(p, 7);

	t->blocked = 0x8000000000000201ul;
	add_regset(p, t, NT_FPREGSET, 512);
	add_regset(p, t, NT_X86_XSTATE, 2696);
	t = add_thread(p, 9);
	t->signal = 3;
	t->siginfo = random_bytes(p, 128);
	add_regset(p, t, NT_X86_XSTATE, 577);
	add_thread(p, 8);
}

/*
 * One of everything.  The first page of the program was saved, the others are its file's: one
 * mapping of the kernel.
 */
static inline void make_model(struct made *m)
{
	struct process *p = &m->p;

	begin_model(m);
	p->ppid = 90;
	p->pgrp = 91;
	p->sid = 92;
	p->uid = 1000;
	p->gid = 1001;
	strcpy(p->comm, "fifteen letters");
	p->command_line = "program -x one";
	p->auxv = auxv;
	p->auxv_size = sizeof auxv;
	p->xsave_layout = "24 bytes of its layout..";
	p->xsave_layout_size = 24;
	make_threads(p);
	add_file(m, TEXT_ADDR, 1, BYTES_SAVED, "/nowhere/program", 0, false);
	add_file(m, TEXT_ADDR + PAGE, 2, BYTES_FILE, "/nowhere/program", PAGE, false);
	add_file(m, TEXT_ADDR + 3 * PAGE, 1, BYTES_FILE, "/nowhere/program", 3 * PAGE, false)
		->prot = PROT_READ | PROT_EXEC;
	add_mapping(m, DATA_ADDR, 4, PROT_READ | PROT_WRITE, BYTES_SAVED);
	add_mapping(m, DATA_ADDR + 4 * PAGE, 1, 0, BYTES_ZERO);
	add_mapping(m, DATA_ADDR + 5 * PAGE, 7, PROT_READ | PROT_WRITE, BYTES_ZERO);
	add_file(m, 0x700000, 1, BYTES_MISSING, "/tmp/gone", 7 * PAGE, true);
	add_file(m, 0x701000, 1, BYTES_SAVED, "/dev/zero", 0, true)->shared = true;
	add_mapping(m, 0x7ff000010000, 2, PROT_READ, BYTES_ZERO)->label = LABEL_VVAR;
	add_mapping(m, VDSO_ADDR, 1, PROT_READ | PROT_EXEC, BYTES_SAVED)->label = LABEL_VDSO;
	struct mapping *stack = add_mapping(m, STACK_ADDR, 2, PROT_READ | PROT_WRITE, BYTES_SAVED);

	stack->label = LABEL_STACK;
	stack->grows_down = true;
	make_memory(m, 0);
	memset(saved_bytes(m, DATA_ADDR + PAGE, &(size_t){ 0 }), 0, PAGE);
}

/* ---- Writing and reading ---------------------------------------------------------------- */

static inline int open_new(const char *path, int flags)
{
	int fd;

	unlink(path);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | flags, 0600);
	if (fd < 0)
		abort();
	return fd;
}

/* Writes M to FD, which it closes. */
static inline int write_made(struct made *m, const char *state, int fd,
			     struct core_write_stats *stats, struct error *err)
{
	struct core_source memory = { next_made, read_made, m };
	struct core_write_options options = { .name = "the core", .kernel = "6.1.0-13-amd64" };
	int result = core_write(&m->p, &memory, state, state ? strlen(state) : 0, fd, &options,
				stats, err);

	close(fd);
	return result;
}

static inline bool written(struct made *m, const char *state)
{
	struct error err = { .message = "" };
	int result = write_made(m, state, open_new(core_path, 0), NULL, &err);

	return CHECK(result == 0, "the core is written%s%s", result ? ": " : "", err.message);
}

/* A core that was read. */
struct reading {
	struct process p;
	struct core *core;
	const char *state;
	size_t state_size;
	struct error err;
};

static inline bool open_reading(struct reading *r, const char *path)
{
	process_init(&r->p);
	r->core = core_read(&r->p, path, &r->state, &r->state_size, &r->err);
	return r->core || CHECK(false, "the core is read: %s", r->err.message);
}

static inline void close_reading(struct reading *r)
{
	core_close(r->core);
	process_free(&r->p);
}

static inline const char *difference(const struct made *m, const char *path)
{
	struct reading r;
	const char *what = "unreadable";

	if (open_reading(&r, path))
		what = different_core(&m->p, &r.p);
	close_reading(&r);
	return what;
}

static inline char *whole_file(const char *path, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *bytes;

	if (fd < 0 || fstat(fd, &st) < 0)
		abort();
	*size = (size_t)st.st_size;
	bytes = malloc(*size + 1);
	if (!bytes || pread_full(fd, bytes, *size, 0) != st.st_size)
		abort();
	close(fd);
	return bytes;
}

static inline bool same_files(const char *a, const char *b)
{
	size_t n, k;
	char *x = whole_file(a, &n), *y = whole_file(b, &k);
	bool same = n == k && memcmp(x, y, n) == 0;

	free(x);
	free(y);
	return same;
}

static inline bool sound(const char *path)
{
	struct error err;

	if (core_check(path, &err) == 0)
		return true;
	printf("# %s\n", err.message);
	return false;
}

/* The folder that the tests write in. */
static inline void make_dir(void)
{
	if (!mkdtemp(dir))
		abort();
	snprintf(core_path, sizeof core_path, "%s/core", dir);
	snprintf(other_path, sizeof other_path, "%s/other", dir);
}

static inline void remove_dir(void)
{
	unlink(core_path);
	unlink(other_path);
	rmdir(dir);
}

#endif
