/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fuzz harness of the core reader: whatever the file holds, the model is sound, all that it points
 * to can be touched, and a refusal is one line.  The same input is read as a program, too.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elf/core_read.h"
#include "elf/elf_file.h"
#include "process/arch.h"
#include "util/io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile unsigned sum;

static void require(bool good, const char *what, const char *detail)
{
	if (good)
		return;
	fprintf(stderr, "fuzz_core: %s: %s\n", what, detail);
	abort();
}

static void require_line(const struct error *err)
{
	require(err->message[0] && !memchr(err->message, '\n', strlen(err->message)),
		"the message is not one line", err->message);
}

static void touch(const void *bytes, size_t size)
{
	for (size_t i = 0; bytes && i < size; i++)
		sum += ((const unsigned char *)bytes)[i];
}

static void touch_text(const char *text)
{
	touch(text, text ? strlen(text) : 0);
}

static void check_threads(const struct process *p)
{
	require(p->thread_count > 0, "no thread", p->source);
	for (size_t i = 0; i < p->thread_count; i++) {
		const struct thread *t = &p->threads[i];

		require(t->tid > 0 && process_thread(p, t->tid) == t, "thread id", p->source);
		require(thread_regset(t, NT_PRSTATUS), "no general registers", p->source);
		for (size_t r = 0; r < t->regset_count; r++)
			touch(t->regsets[r].data, t->regsets[r].size);
		touch(t->siginfo, t->siginfo ? 128 : 0);
		sum += (unsigned)(p->arch->pc(t) + p->arch->sp(t) + p->arch->tls(t));
	}
}

/* Reads a little at both ends of a mapping, and across its end. */
static void read_mapping(const struct process *p, const struct mapping *m)
{
	const addr_t places[] = { m->start, m->end - 16, m->end - 8 };
	struct build_id id;
	struct error err;
	char buf[16];

	for (size_t i = 0; i < 3; i++)
		if (process_read(p, places[i], buf, sizeof buf, &err) == 0)
			touch(buf, sizeof buf);
		else
			require_line(&err);
	elf_mapped_build_id(p, m->start, &id);
	require(id.size <= sizeof id.bytes, "build-ID", p->source);
	touch(id.bytes, id.size);
}

static void check_mappings(const struct process *p, uint64_t size)
{
	addr_t last = 0;

	for (size_t i = 0; i < p->mapping_count; i++) {
		const struct mapping *m = &p->mappings[i];

		require(m->start >= last && m->start < m->end &&
			m->end <= p->arch->address_limit, "mappings not in order", p->source);
		require((m->start | m->end) % p->arch->page_size == 0, "unaligned", p->source);
		require(m->bytes != BYTES_SAVED || (m->core_offset <= size &&
			m->end - m->start <= size - m->core_offset), "not in file", p->source);
		require(m->bytes != BYTES_FILE || (m->path && m->path[0] == '/' && !m->deleted),
			"no such file", p->source);
		require(process_mapping_at(p, m->start) == m, "cannot be found", p->source);
		touch_text(m->path);
		if (i < 64)
			read_mapping(p, m);
		last = m->end;
	}
}

/* The core may be compressed: its size is that of the file it was unpacked to. */
static uint64_t size_of(const struct core *core)
{
	struct stat st;

	require(core_fd(core) >= 0 && fstat(core_fd(core), &st) == 0, "no descriptor", "");
	return (uint64_t)st.st_size;
}

static void check_core(const char *path)
{
	struct error err = { 0 };
	struct process p;
	const char *state;
	size_t state_size;

	process_init(&p);
	struct core *core = core_read(&p, path, &state, &state_size, &err);

	if (!core) {
		require_line(&err);
	} else {
		check_threads(&p);
		check_mappings(&p, size_of(core));
		touch(p.auxv, p.auxv_size);
		touch(p.xsave_layout, p.xsave_layout_size);
		touch_text(p.exe);
		touch_text(p.command_line);
		touch_text(p.comm);
		touch(state, state ? state_size + 1 : 0);
	}
	core_close(core);
	process_free(&p);
}

static void check_program(const char *path)
{
	struct arena a = { 0 };
	struct error err = { 0 };
	struct elf_file f;
	uint64_t value, size;

	if (elf_file_read(&f, &a, path, &err) < 0) {
		require_line(&err);
	} else {
		touch(f.segments, f.segment_count * sizeof *f.segments);
		touch(f.build_id.bytes, f.build_id.size);
	}
	if (elf_file_symbol(path, "main", &value, &size, &err) < 0)
		require_line(&err);
	arena_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	char path[40];

	if (fd < 0)
		fd = memfd_create("core", MFD_CLOEXEC);
	require(fd >= 0 && ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0 &&
		write_full(fd, data, size) == 0, "memfd", "cannot be written");
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	check_core(path);
	check_program(path);
	return 0;
}
