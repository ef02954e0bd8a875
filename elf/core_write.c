/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "elf/core_write.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "elf/checksum.h"
#include "elf/core_layout.h"
#include "elf/core_locks.h"
#include "elf/core_machine.h"
#include "elf/core_sink.h"
#include "process/arch.h"
#include "process/locks.h"

struct writer {
	const struct process *p;
	const struct core_source *memory;
	const struct core_write_options *o;
	struct core_sink sink;
	struct note_source notes;
	struct core_layout layout;
	struct checksum checksum;
	struct checksum_entry *entries;  /* the table */
	size_t entry_count;
	uint64_t done;                   /* bytes of memory dealt with */
	struct core_write_stats stats;

	/* The room that bytes are collected in, which goes to the file at offset. */
	char *room;
	size_t room_size, filled;
	uint64_t offset;
	struct locks locks;      /* that threads hold, found on the way */
	bool look_for_locks;
};

/* ---- Pages: of the head and of segments ------------------------------------------------- */

/* Puts the SIZE bytes at the start of the room, whole pages: those of range E, AT bytes into it. */
static void put_pages(struct writer *w, const struct checksum_entry *e, uint64_t at,
		      const char *room, size_t size)
{
	for (size_t i = 0; i < size;) {
		size_t n = leading_zeros(room + i, size - i);

		w->stats.pages_zero += n / CHECKSUM_PAGE;
		i += n;
		n = leading_data(room + i, size - i);
		if (!n)
			continue;
		w->stats.pages_saved += n / CHECKSUM_PAGE;
		checksum_add(&w->checksum, at + i, room + i, n);
		sink_put(&w->sink, e->offset + at + i, i, n);
		i += n;
	}
	sink_advance(&w->sink, size);
}

static struct checksum_entry *begin_range(struct writer *w, addr_t start, uint64_t offset,
					  uint64_t size)
{
	struct checksum_entry *e = &w->entries[w->entry_count++];

	*e = (struct checksum_entry){ .start = start, .size = size, .offset = offset };
	checksum_begin(&w->checksum);
	return e;
}

static void end_range(struct writer *w, struct checksum_entry *e)
{
	e->hash = checksum_end(&w->checksum);
}

/* ---- Bytes: of the head and the table --------------------------------------------------- */

static int get_room(struct writer *w, struct error *err)
{
	w->filled = 0;
	w->room = sink_room(&w->sink, &w->room_size, err);
	return w->room ? 0 : -1;
}

/* Writes out what has been collected. */
static void put_room(struct writer *w, const struct checksum_entry *range)
{
	size_t size = w->filled;

	if (range) {
		size = (size + CHECKSUM_PAGE - 1) & ~(size_t)(CHECKSUM_PAGE - 1);
		memset(w->room + w->filled, 0, size - w->filled);
		put_pages(w, range, w->offset, w->room, size);
	} else if (size) {
		sink_put(&w->sink, w->offset, 0, size);
		sink_advance(&w->sink, size);
	}
	w->offset += size;
}

static int put_bytes(struct writer *w, const struct checksum_entry *range, const void *bytes,
		     size_t size, struct error *err)
{
	for (const char *from = bytes; size;) {
		size_t n = w->room_size - w->filled;

		n = size < n ? size : n;
		memcpy(w->room + w->filled, from, n);
		w->filled += n;
		from += n;
		size -= n;
		if (w->filled < w->room_size)
			break;
		put_room(w, range);
		if (get_room(w, err) < 0)
			return -1;
	}
	return 0;
}

static int put_head_bytes(void *context, const void *bytes, size_t size, struct error *err)
{
	struct writer *w = context;

	return put_bytes(w, &w->entries[0], bytes, size, err);
}

static int put_note(void *context, const struct note *n, struct error *err)
{
	return note_put(n, put_head_bytes, context, err);
}

static int write_head(struct writer *w, struct error *err)
{
	struct core_layout *l = &w->layout;
	struct checksum_entry *e = begin_range(w, 0, 0, l->head_size);

	w->offset = 0;
	if (get_room(w, err) < 0 ||
	    put_head_bytes(w, &l->ehdr, sizeof l->ehdr, err) < 0 ||
	    put_head_bytes(w, l->phdrs, l->phdr_count * sizeof *l->phdrs, err) < 0 ||
	    put_head_bytes(w, &l->first_section, l->ehdr.e_shnum * sizeof l->first_section,
			   err) < 0 ||
	    notes_make(&w->notes, put_note, w, err) < 0)
		return -1;
	put_room(w, e);
	end_range(w, e);
	w->stats.pages_saved = w->stats.pages_zero = 0;  /* these were not of memory */
	return 0;
}

static int write_table(struct writer *w, struct error *err)
{
	size_t size = w->entry_count * sizeof *w->entries;
	uint64_t hash = checksum_bytes(w->entries, size);

	w->offset = w->notes.checksums.offset;
	if (get_room(w, err) < 0 || put_bytes(w, NULL, w->entries, size, err) < 0 ||
	    put_bytes(w, NULL, &hash, sizeof hash, err) < 0)
		return -1;
	put_room(w, NULL);
	return 0;
}

/* Behind the table: see elf/core_locks.h. */
static int write_locks(struct writer *w, struct error *err)
{
	uint64_t count = w->locks.overflow ? CORE_LOCKS_UNKNOWN : w->locks.count;
	size_t size = w->locks.overflow ? 0 : w->locks.count * sizeof *w->locks.words;
	uint64_t hash = core_locks_hash(count, w->locks.words);

	if (get_room(w, err) < 0 || put_bytes(w, NULL, &count, sizeof count, err) < 0 ||
	    put_bytes(w, NULL, w->locks.words, size, err) < 0 ||
	    put_bytes(w, NULL, &hash, sizeof hash, err) < 0)
		return -1;
	put_room(w, NULL);
	w->stats.size = w->offset;
	return 0;
}

/* ---- Memory ----------------------------------------------------------------------------- */

static void told(struct writer *w, uint64_t bytes)
{
	w->done += bytes;
	if (w->o->progress)
		w->o->progress(w->o->context, w->done, w->layout.saved);
}

static int write_run(struct writer *w, const struct checksum_entry *e, addr_t start, addr_t stop,
		     struct error *err)
{
	const struct memory source = { w->memory->read, w->memory->context };

	while (start < stop) {
		size_t size;
		char *room = sink_room(&w->sink, &size, err);

		if (!room)
			return -1;
		size = stop - start < size ? stop - start : size;
		if (w->memory->read(w->memory->context, start, room, size, err) < 0)
			return -1;
		if (w->look_for_locks)
			locks_scan(&w->locks, start, room, size, &source);
		put_pages(w, e, start - e->start, room, size);
		start += size;
		told(w, size);
	}
	return 0;
}

static int write_segment(struct writer *w, const Elf64_Phdr *h, struct error *err)
{
	struct checksum_entry *e = begin_range(w, h->p_vaddr, h->p_offset, h->p_filesz);
	addr_t at = h->p_vaddr, end = at + h->p_filesz, start, stop;
	int more;

	w->look_for_locks = h->p_flags & PF_W;
	while (at < end) {
		more = w->memory->next(w->memory->context, at, end, &start, &stop, err);
		if (more < 0)
			return -1;
		if (!more)
			start = stop = end;
		else if (start < at || stop <= start || stop > end ||
			 (start | stop) % CHECKSUM_PAGE)
			return error_set(err, EINVAL, "%s: its memory cannot be told: a run of "
					 "pages %#lx to %#lx", w->p->source, start, stop);
		w->stats.pages_zero += (start - at) / CHECKSUM_PAGE;
		told(w, start - at);
		if (write_run(w, e, start, stop, err) < 0)
			return -1;
		at = stop;
	}
	end_range(w, e);
	return 0;
}

static int write_memory(struct writer *w, struct error *err)
{
	const struct core_layout *l = &w->layout;

	for (size_t i = 1; i < l->phdr_count; i++)
		if (l->phdrs[i].p_filesz && write_segment(w, &l->phdrs[i], err) < 0)
			return -1;
	return 0;
}

static int next_of_model(void *context, addr_t from, addr_t end, addr_t *start, addr_t *stop,
			 struct error *err)
{
	(void)context;
	(void)err;
	*start = from;
	*stop = end;
	return 1;
}

static int read_of_model(void *context, addr_t addr, void *buf, size_t len, struct error *err)
{
	return process_read(context, addr, buf, len, err);
}

struct core_source core_source_of(const struct process *p)
{
	return (struct core_source){ next_of_model, read_of_model, (void *)(uintptr_t)p };
}

/* ---- The whole -------------------------------------------------------------------------- */

static int prepare(struct writer *w, struct error *err)
{
	if (w->p->arch->page_size != CHECKSUM_PAGE)
		return error_set(err, ENOTSUP, "%s: cores of architecture %s cannot be written",
				 w->p->source, w->p->arch->name);
	if (notes_prepare(&w->notes, err) < 0 || core_layout(&w->layout, &w->notes, err) < 0)
		return -1;
	w->entries = calloc(w->notes.checksums.count, sizeof *w->entries);
	if (!w->entries || checksum_open(&w->checksum) < 0)
		return error_sys(err, ENOMEM, "%s", w->p->source);
	return locks_open(&w->locks, w->p, err);
}

static int write_all(struct writer *w, int fd, struct error *err)
{
	if (prepare(w, err) < 0 || sink_open(&w->sink, fd, w->o->name, w->o->compress, err) < 0)
		return -1;
	if (write_head(w, err) < 0 || write_memory(w, err) < 0 || write_table(w, err) < 0 ||
	    write_locks(w, err) < 0 ||
	    sink_flush(&w->sink, err) < 0)
		return -1;
	w->stats.written = w->sink.written;
	w->stats.segments = w->layout.phdr_count - 1;
	return 0;
}

int core_write(const struct process *p, const struct core_source *memory, const char *state,
	       size_t state_size, int fd, const struct core_write_options *o,
	       struct core_write_stats *stats, struct error *err)
{
	struct writer w = { .p = p, .memory = memory, .o = o };
	char machine[CORE_MACHINE_SIZE];
	int result;

	core_machine_write(machine, p, o->kernel, o->cpu);
	w.notes = (struct note_source){
		.p = p, .state = state, .state_size = state_size, .machine = machine,
	};
	result = write_all(&w, fd, err);
	sink_close(&w.sink);
	checksum_close(&w.checksum);
	locks_close(&w.locks);
	core_layout_free(&w.layout);
	free(w.entries);
	free(w.notes.files);
	if (stats)
		*stats = w.stats;
	return result;
}
