/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Everything in a core file is hostile: each count, offset and size is compared with the file's
 * real size before it is used.  Only headers and notes are read, so the time does not depend on the
 * size of the memory in it.
 */
#define _GNU_SOURCE
#include "elf/core_read.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "elf/core_check.h"
#include "elf/core_headers.h"
#include "elf/core_mappings.h"
#include "elf/embedded.h"
#include "elf/notes.h"
#include "elf/open.h"
#include "elf/spool.h"
#include "process/arch.h"
#include "util/cleanup.h"
#include "util/copy.h"
#include "util/io.h"

struct core {
	int fd;
	struct core_range range;  /* of the core in the file: all of it, unless embedded */
	const struct process *p;  /* whose mappings tell where the bytes are */
	bool embedded;            /* in a program that resumes it */
	bool spooled;             /* the file is a copy, without a name */
	bool streamed;            /* and nobody else has what it is a copy of */
	const char *machine;
	struct core_sums sums;
	int mapped_fd;            /* the mapped file that was read last, or -1 */
	char *mapped_path;
	uint64_t mapped_size;
};

int core_fd(const struct core *c)
{
	return c->fd;
}

bool core_is_embedded(const struct core *c)
{
	return c->embedded;
}

bool core_is_streamed(const struct core *c)
{
	return c->streamed;
}

int core_extract(const struct core *c, int fd, struct error *err)
{
	return copy_sparse(c->fd, c->range.offset, c->range.size, fd) < 0 ?
	       error_sys(err, errno, "copying the core of %s", c->p->source) : 0;
}

const char *core_machine(const struct core *c)
{
	return c->machine;
}

const struct core_sums *core_sums(const struct core *c)
{
	return &c->sums;
}

static void forget_mapped(struct core *c)
{
	if (c->mapped_fd >= 0)
		close(c->mapped_fd);
	c->mapped_fd = -1;
	free(c->mapped_path);
	c->mapped_path = NULL;
}

void core_close(struct core *c)
{
	if (!c)
		return;
	forget_mapped(c);
	close(c->fd);
	free(c);
}

/* ---- Notes ------------------------------------------------------------------------------ */

static int read_segment_notes(struct core *c, struct core_notes *to, struct core_range range,
			      struct error *err)
{
	cleanup_free char *notes = malloc(range.size ? range.size : 1);
	struct note n;
	size_t at = 0;
	int more;

	if (!notes)
		return error_sys(err, ENOMEM, "%s", c->p->source);
	if (pread_full(c->fd, notes, range.size, range.offset) != (ssize_t)range.size)
		return error_set(err, EIO, "%s: cannot be read at %#lx; is it being written?",
				 c->p->source, range.offset);
	while ((more = note_next(notes, range.size, 4, &at, &n)) > 0) {
		if (!n.owner_size)
			return error_set(err, EINVAL, "%s: damaged: a note without an owner before "
					 "%#lx; dump the process again", c->p->source,
					 range.offset + at);
		if (note_fill(to, &n, err) < 0)
			return -1;
	}
	if (more < 0)
		return error_set(err, EINVAL, "%s: damaged: a note at %#lx is longer than its "
				 "segment; dump the process again", c->p->source,
				 range.offset + at);
	return 0;
}

static int read_notes(struct core *c, struct core_notes *to, const struct core_headers *h,
		      struct error *err)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < h->note_count; i++) {
		if (h->notes[i].size > CORE_NOTES_MAX - sum)
			return error_set(err, E2BIG, "%s: damaged: more than %u bytes of notes; "
					 "dump the process again", c->p->source,
					 (unsigned)CORE_NOTES_MAX);
		sum += h->notes[i].size;
		if (read_segment_notes(c, to, h->notes[i], err) < 0)
			return -1;
	}
	return notes_finish(to, err);
}

/*
 * The unit of the offsets in NT_FILE tells the writers apart: the kernel counts in pages, gdb in
 * bytes.  Without that note, it is where the segments lie in the file: the kernel aligns them.
 */
static enum origin origin_of(const struct core_notes *notes, const struct core_headers *h,
			     const struct arch *arch)
{
	if (notes->ours)
		return ORIGIN_OURS;
	if (notes->file_unit == arch->page_size)
		return ORIGIN_KERNEL;
	if (notes->file_unit == 1)
		return ORIGIN_GDB;
	return h->offsets_aligned ? ORIGIN_KERNEL : ORIGIN_GDB;
}

/* ---- The program ------------------------------------------------------------------------ */

/* The string at ADDR, if it ends within its mapping and PATH_MAX bytes; or NULL. */
static const char *read_string(struct process *p, addr_t addr)
{
	const struct mapping *m = process_mapping_at(p, addr);
	struct error ignored;
	char text[4096];
	size_t len;

	if (!m)
		return NULL;
	len = m->end - addr < sizeof text ? m->end - addr : sizeof text;
	if (m->bytes != BYTES_SAVED || process_read(p, addr, text, len, &ignored) < 0)
		return NULL;
	len = strnlen(text, len);
	return len && len < sizeof text ? arena_strndup(&p->arena, text, len) : NULL;
}

/*
 * The file that the program headers, or else the entry point, are mapped from: the true path, where
 * AT_EXECFN is what the caller of execve() wrote.  The code of a process that was restarted lazily
 * is mapped from its old core; the page of the headers is not.
 */
static const char *find_exe(struct process *p)
{
	const struct mapping *entry = process_mapping_at(p, process_auxv(p, AT_ENTRY, 0));
	const struct mapping *phdr = process_mapping_at(p, process_auxv(p, AT_PHDR, 0));

	if (phdr && phdr->path)
		return phdr->path;
	if (entry && entry->path)
		return entry->path;
	return read_string(p, process_auxv(p, AT_EXECFN, 0));
}

/* ---- Reading memory --------------------------------------------------------------------- */

static int open_mapped(struct core *c, const char *path, struct error *err)
{
	struct stat st;

	if (c->mapped_path && strcmp(c->mapped_path, path) == 0)
		return 0;
	forget_mapped(c);
	c->mapped_fd = open_regular(path, &st, err);
	if (c->mapped_fd < 0)
		return error_prefix(err, "%s: a file that was mapped", c->p->source);
	c->mapped_path = strdup(path);
	if (!c->mapped_path)
		return error_sys(err, ENOMEM, "%s", path);
	c->mapped_size = (uint64_t)st.st_size;
	return 0;
}

/* The rest of a file's last page reads as zeros; beyond it there is nothing. */
static int read_mapped(struct core *c, const char *path, uint64_t offset, char *buf, size_t len,
		       struct error *err)
{
	uint64_t page = c->p->arch->page_size, last;
	ssize_t n;

	if (open_mapped(c, path, err) < 0)
		return -1;
	last = (c->mapped_size + page - 1) & ~(page - 1);
	if (offset > last || len > last - offset)
		return error_set(err, ENODATA, "%s: ends before byte %lu, which was mapped; put "
				 "back the file that %s was dumped with", path, offset + len,
				 c->p->source);
	n = pread_full(c->mapped_fd, buf, len, offset);
	if (n < 0)
		return error_sys(err, errno, "%s", path);
	memset(buf + n, 0, len - (size_t)n);
	return 0;
}

static int read_piece(struct core *c, const struct mapping *m, addr_t addr, char *buf, size_t len,
		      struct error *err)
{
	uint64_t at = addr - m->start;

	switch (m->bytes) {
	case BYTES_SAVED:
		if (pread_full(c->fd, buf, len, m->core_offset + at) != (ssize_t)len)
			return error_set(err, EIO, "%s: became shorter while it was read",
					 c->p->source);
		return 0;
	case BYTES_FILE:
		return read_mapped(c, m->path, m->file_offset + at, buf, len, err);
	case BYTES_ZERO:
		memset(buf, 0, len);
		return 0;
	case BYTES_MISSING:
		break;
	}
	return error_set(err, ENODATA, "%s: memory at %#lx was not dumped%s%s", c->p->source, addr,
			 m->path ? ", and is of a file that is gone: " : "",
			 m->path ? m->path : "");
}

static int read_memory(void *context, addr_t addr, void *buf, size_t len, struct error *err)
{
	struct core *c = context;

	for (char *to = buf; len;) {
		const struct mapping *m = process_mapping_at(c->p, addr);
		size_t n;

		if (!m)
			return error_set(err, EFAULT, "%s: nothing is mapped at %#lx",
					 c->p->source, addr);
		n = m->end - addr < len ? m->end - addr : len;
		if (read_piece(c, m, addr, to, n, err) < 0)
			return -1;
		addr += n;
		to += n;
		len -= n;
	}
	return 0;
}

/* ---- The whole -------------------------------------------------------------------------- */

/* The core is the file, or what a program of ours holds. */
static int find_core(struct core *c, const char *name, struct error *err)
{
	struct embedded e;
	struct stat st;

	if (fstat(c->fd, &st) < 0)
		return error_sys(err, errno, "%s", name);
	c->range = (struct core_range){ 0, (uint64_t)st.st_size };
	int holds = c->spooled ? 0 : embedded_find(c->fd, name, &e, err);
	if (holds > 0 && e.kind == EMBEDDED_CORE) {
		c->range = (struct core_range){ e.offset, e.size };
		c->embedded = true;
	}
	return holds < 0 ? -1 : 0;
}

static struct core *open_core(struct process *p, const char *path, struct error *err)
{
	struct core *c = calloc(1, sizeof *c);
	struct stat st;

	p->source = arena_strdup(&p->arena, spool_name(path));
	if (!c || !p->source) {
		error_sys(err, ENOMEM, "%s", path);
		free(c);
		return NULL;
	}
	c->fd = spool_open(path, &st, &c->spooled, err);
	if (c->fd < 0 || find_core(c, p->source, err) < 0) {
		if (c->fd >= 0)
			close(c->fd);
		free(c);
		return NULL;
	}
	c->p = p;
	c->streamed = c->spooled && !S_ISREG(st.st_mode);
	c->mapped_fd = -1;
	p->when = st.st_mtim;
	return c;
}

static int fill(struct core *c, struct process *p, struct core_notes *notes, struct error *err)
{
	struct core_headers h;

	if (core_headers_read(&h, p, c->fd, c->range, err) < 0 ||
	    read_notes(c, notes, &h, err) < 0 ||
	    core_mappings(p, h.segments, h.segment_count, notes, err) < 0)
		return -1;
	core_labels(p);
	p->origin = origin_of(notes, &h, p->arch);
	c->machine = notes->machine;
	c->sums = (struct core_sums){
		.p = p, .fd = c->fd, .base = c->range.offset, .size = c->range.size,
		.note = notes->checksums,
		.segments = h.segments, .segment_count = h.segment_count,
	};
	if (core_sums_whole(&c->sums, err) < 0)
		return -1;
	p->memory = (struct memory){ .read = read_memory, .context = c };
	p->exe = find_exe(p);
	return 0;
}

struct core *core_read(struct process *p, const char *path, const char **state,
		       size_t *state_size, struct error *err)
{
	struct core_notes notes = { .p = p };
	struct core *c = open_core(p, path, err);

	if (!c)
		return NULL;
	if (fill(c, p, &notes, err) < 0) {
		core_close(c);
		p->memory = (struct memory){ 0 };
		return NULL;
	}
	*state = notes.state;
	*state_size = notes.state_size;
	return c;
}
