/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether the files that stand in for memory are those of then, and what of the memory is lost. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elf/elf_file.h"
#include "restart/memory_source.h"
#include "restart/shared.h"
#include "util/cleanup.h"
#include "util/io.h"

/* The mapping of M's file, at or below M, that begins at the file's first byte; or NULL. */
static const struct mapping *base_of(const struct process *p, const struct mapping *m)
{
	const char *path = m->path;

	for (; m >= p->mappings && m->path && strcmp(m->path, path) == 0; m--)
		if (m->file_offset == 0)
			return m;
	return NULL;
}

/* Without a build-ID, the page that the core kept tells. */
static void check_header(const struct restore *r, struct findings *f, const struct mapping *m)
{
	size_t size = m->end - m->start;
	cleanup_free char *then = calloc(2, size);
	cleanup_fd int fd = open(m->path, O_RDONLY | O_CLOEXEC);
	struct error err;

	if (!then || fd < 0 || process_read(r->process, m->start, then, size, &err) < 0 ||
	    pread_full(fd, then + size, size, 0) < 0 || memcmp(then, then + size, size) != 0)
		findings_add(f, OBSTACLE, "%s was replaced since the core was made: its first page "
			     "differs (put the old file back, or name it with --map OLD=NEW)",
			     m->path);
}

/*
 * A file that stands in for dumped memory must be the file of then: it has the same build-ID where
 * the core kept it.
 */
static void check_identity(const struct restore *r, struct findings *f, const struct mapping *m,
			   const struct stat *st)
{
	const struct mapping *base = base_of(r->process, m);
	const struct timespec *when = &r->process->when;
	struct arena arena = { 0 };
	struct build_id old = { 0 };
	struct elf_file file;
	struct error err;

	if (base)
		elf_mapped_build_id(r->process, base->start, &old);
	if (!old.size && base && is_saved_header(r, base)) {
		check_header(r, f, base);
	} else if (!old.size) {
		if (!m->shared && when->tv_sec && st->st_mtim.tv_sec > when->tv_sec)
			findings_add(f, LOSS, "%s was modified after the core was made, and the "
				     "core cannot tell whether its contents still fit", m->path);
	} else if (r->program && strcmp(m->path, r->program) == 0) {
		/* check_program() has compared it. */
	} else if (elf_file_read(&file, &arena, m->path, &err) < 0 ||
		   file.build_id.size != old.size ||
		   memcmp(file.build_id.bytes, old.bytes, old.size) != 0) {
		findings_add(f, OBSTACLE, "%s was replaced since the core was made: its build-ID "
			     "differs (put the old file back, or name it with --map OLD=NEW)",
			     m->path);
	}
	arena_free(&arena);
}

/* Returns whether the file can be used at all. */
static bool check_file(const struct restore *r, struct findings *f, const struct mapping *m)
{
	int need = m->shared && m->prot & PROT_WRITE ? R_OK | W_OK : R_OK;
	struct stat st;

	if (stat(m->path, &st) < 0) {
		findings_add(f, OBSTACLE, "%s was mapped into the process and is not here: %s (put "
			     "it back, or say where it is with --map OLD=NEW)", m->path,
			     strerror(errno));
		return false;
	}
	/* To open a fifo may last for ever. */
	if (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode) || S_ISDIR(st.st_mode)) {
		findings_add(f, OBSTACLE, "%s was mapped into the process and is no file any more "
			     "(put it back, or say where it is with --map OLD=NEW)", m->path);
		return false;
	}
	if (faccessat(AT_FDCWD, m->path, need, AT_EACCESS) < 0) {
		findings_add(f, OBSTACLE, "%s was mapped into the process and may not be %s: %s "
			     "(allow it, or name a copy with --map OLD=NEW)", m->path,
			     need & W_OK ? "written" : "read", strerror(errno));
		return false;
	}
	if (m->path != r->program)  /* which check_program() has compared */
		check_identity(r, f, m, &st);
	return true;
}

/* The kernel maps what lies behind the end of a file, but kills who touches it. */
static void check_size(struct findings *f, const struct mapping *m)
{
	struct stat st;

	if (stat(m->path, &st) == 0 && S_ISREG(st.st_mode) &&
	    (uint64_t)st.st_size <= m->file_offset)
		findings_add(f, OBSTACLE, "%s is shorter than what the process had mapped of it "
			     "(at offset %llu): put the old file back, or name it with --map "
			     "OLD=NEW",
			     m->path, (unsigned long long)m->file_offset);
}

void check_memory(const struct restore *r, struct findings *f)
{
	const struct process *p = r->process;
	const char *checked = NULL;
	bool usable = false;

	for (size_t i = 0; i < p->mapping_count; i++) {
		const struct mapping *m = &p->mappings[i];
		enum source source = source_of(r, i);

		if (source == SOURCE_FILE) {
			if (!checked || strcmp(checked, m->path) != 0)
				usable = check_file(r, f, m);
			checked = m->path;
			if (usable)
				check_size(f, m);
		}
		if (source == SOURCE_COPY && m->shared && !anonymous_or_gone(m))
			findings_add(f, LOSS, "%s was mapped into the process and is not here: its "
				     "contents of then are in memory, apart from any file",
				     m->path);
		if (m->deleted && m->path && strcmp(m->path, "/[aio]") == 0)
			findings_add_loss(f, "memory at %llx-%llx was the ring of io_setup(), "
					  "whose requests are lost, and would be ordinary memory",
					  (unsigned long long)m->start, (unsigned long long)m->end);
		if (m->bytes == BYTES_MISSING &&
		    (source == SOURCE_ANONYMOUS || (source == SOURCE_SHARED && !views_cover(r, m))))
			findings_add_loss(f, "memory at %llx-%llx%s%s is not in the core and would "
					  "be zeros", (unsigned long long)m->start,
					  (unsigned long long)m->end, m->path ? " of " : "",
					  m->path ? m->path : "");
	}
}
