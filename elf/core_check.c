/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The table is believed only after its own hash; and it must tell of the very segments that the
 * core has.
 */
#include "elf/core_check.h"

#include <errno.h>
#include <stdlib.h>

#include "elf/checksum.h"
#include "elf/core_locks.h"
#include "util/cleanup.h"
#include "util/io.h"
#include "util/sparse.h"

#define REMEDY "use another copy or an older checkpoint"

enum { CHUNK = 1 << 20 };

struct checker {
	const struct core_sums *sums;
	struct checksum checksum;
	char *chunk;  /* CHUNK bytes */
	struct checksum_entry *entries;
};

bool core_has_checksums(const struct core *c)
{
	return core_sums(c)->note.version != 0;
}

/* ---- The table -------------------------------------------------------------------------- */

static uint64_t table_size(const struct note_checksums *note)
{
	return note->count * sizeof(struct checksum_entry);
}

uint64_t core_sums_size(const struct note_checksums *note)
{
	return table_size(note) + sizeof(uint64_t);
}

static int cut_off(const struct core_sums *sums, uint64_t end, struct error *err)
{
	return error_set(err, ENODATA, "%s: truncated: the last %lu of its %lu bytes are missing, "
			 "its checksums among them; " REMEDY, sums->p->source, end - sums->size,
			 end);
}

int core_sums_whole(const struct core_sums *sums, struct error *err)
{
	const struct note_checksums *note = &sums->note;
	uint64_t end;

	if (note->version != CHECKSUMS_VERSION)
		return 0;
	if (note->count > INT64_MAX / sizeof(struct checksum_entry) - 1 ||
	    __builtin_add_overflow(note->offset, core_sums_size(note), &end) || end > INT64_MAX / 2)
		return error_set(err, EINVAL, "%s: damaged: its checksums lie beyond the end of "
				 "any file; " REMEDY, sums->p->source);
	end += core_locks_least();
	if (end > sums->size)
		return cut_off(sums, end, err);
	end += core_locks_more(sums);
	return end > sums->size ? cut_off(sums, end, err) : 0;
}

static int no_match(const struct checker *k, struct error *err)
{
	return error_set(err, EBADMSG, "%s: corrupted: its checksums are not those of its "
			 "segments; " REMEDY, k->sums->p->source);
}

/* Their number is known, so a hostile one costs no memory. */
static bool right_count(const struct core_sums *sums)
{
	uint64_t count = 1;

	for (size_t i = 0; i < sums->segment_count; i++)
		count += sums->segments[i].filesz != 0;
	return sums->note.count == count;
}

static int read_table(struct checker *k, struct error *err)
{
	const struct core_sums *sums = k->sums;
	uint64_t size = table_size(&sums->note), table = sums->base + sums->note.offset, hash;

	if (!right_count(sums))
		return no_match(k, err);
	k->entries = malloc(size);
	if (!k->entries)
		return error_sys(err, ENOMEM, "%s", sums->p->source);
	if (pread_full(sums->fd, k->entries, size, table) != (ssize_t)size ||
	    pread_full(sums->fd, &hash, sizeof hash, table + size) != sizeof hash)
		return error_set(err, EIO, "%s: its checksums cannot be read", sums->p->source);
	if (checksum_bytes(k->entries, size) != hash || !core_locks_sound(sums))
		return error_set(err, EBADMSG, "%s: corrupted: the table of its checksums; "
				 REMEDY, sums->p->source);
	return 0;
}

/* The first entry is the head, the others are the segments with bytes, by address. */
static int match_table(const struct checker *k, struct error *err)
{
	const struct core_sums *sums = k->sums;
	const struct checksum_entry *e = k->entries;
	bool same = e->start == 0 && e->offset == 0 && e->size <= sums->size &&
		    e->size % CHECKSUM_PAGE == 0;

	for (size_t i = 0; same && i < sums->segment_count; i++) {
		const struct core_segment *s = &sums->segments[i];

		if (!s->filesz)
			continue;
		e++;
		same = e->start == s->start && e->size == s->filesz &&
		       sums->base + e->offset == s->offset;
	}
	return same ? 0 : no_match(k, err);
}

/* ---- A range ---------------------------------------------------------------------------- */

static void add_pages(struct checker *k, uint64_t at, const char *pages, size_t size)
{
	for (size_t i = 0; i < size;) {
		size_t n = leading_data(pages + i, size - i);

		if (n)
			checksum_add(&k->checksum, at + i, pages + i, n);
		i += n;
		i += leading_zeros(pages + i, size - i);
	}
}

/* The data of the file, whole pages, in [FROM, END): false when there is none. */
static bool next_pages(int fd, uint64_t from, uint64_t end, uint64_t *start, uint64_t *stop)
{
	enum { UNSEARCHED = 1 << 20, IN_PAGE = CHECKSUM_PAGE - 1 };

	if (!next_data(fd, from, end, UNSEARCHED, start, stop))
		return false;
	*start &= ~(uint64_t)IN_PAGE;
	if (*stop < end)
		*stop = (*stop + IN_PAGE) & ~(uint64_t)IN_PAGE;
	return true;
}

static int hash_range(struct checker *k, const struct checksum_entry *e, struct error *err)
{
	uint64_t base = k->sums->base + e->offset, at = base, end = at + e->size, stop;

	checksum_begin(&k->checksum);
	while (at < end && next_pages(k->sums->fd, at, end, &at, &stop)) {
		while (at < stop) {
			size_t size = stop - at < CHUNK ? stop - at : CHUNK;

			if (pread_full(k->sums->fd, k->chunk, size, at) != (ssize_t)size)
				return error_set(err, EIO, "%s: cannot be read at %#lx",
						 k->sums->p->source, at);
			add_pages(k, at - base, k->chunk, size);
			at += size;
		}
	}
	return 0;
}

static int check_range(struct checker *k, const struct checksum_entry *e, struct error *err)
{
	const char *path = k->sums->p->source;

	if (hash_range(k, e, err) < 0)
		return -1;
	if (checksum_end(&k->checksum) == e->hash)
		return 0;
	if (e == k->entries)
		return error_set(err, EBADMSG, "%s: corrupted: its headers or notes; " REMEDY,
				 path);
	return error_set(err, EBADMSG, "%s: corrupted: memory somewhere in %#lx-%#lx (bytes "
			 "%#lx to %#lx of the file); " REMEDY, path, e->start, e->start + e->size,
			 e->offset, e->offset + e->size);
}

/* ---- The whole -------------------------------------------------------------------------- */

enum what { HEAD = 1, MEMORY = 2 };

static int check(struct checker *k, unsigned what, struct error *err)
{
	const struct core_sums *sums = k->sums;

	if (sums->note.version == 0)
		return error_set(err, ENODATA, "%s: has no checksums: only ckpt writes them",
				 sums->p->source);
	if (sums->note.version != CHECKSUMS_VERSION || sums->note.algorithm != CHECKSUMS_XXH3)
		return error_set(err, ENOTSUP, "%s: its checksums are of a newer kind (version %u, "
				 "algorithm %u); use the restart that belongs to its ckpt",
				 sums->p->source, sums->note.version, sums->note.algorithm);
	if (read_table(k, err) < 0 || match_table(k, err) < 0)
		return -1;
	if ((what & HEAD) && check_range(k, &k->entries[0], err) < 0)
		return -1;
	for (uint64_t i = 1; (what & MEMORY) && i < sums->note.count; i++)
		if (check_range(k, &k->entries[i], err) < 0)
			return -1;
	return 0;
}

static int check_core(const struct core *c, unsigned what, struct error *err)
{
	cleanup_free char *chunk = malloc(CHUNK);
	struct checker k = { .sums = core_sums(c), .chunk = chunk };
	int result = -1;

	if (!chunk || checksum_open(&k.checksum) < 0)
		error_sys(err, ENOMEM, "%s", k.sums->p->source);
	else
		result = check(&k, what, err);
	checksum_close(&k.checksum);
	free(k.entries);
	return result;
}

int core_check_head(const struct core *c, struct error *err)
{
	return check_core(c, HEAD, err);
}

int core_check_memory(const struct core *c, struct error *err)
{
	return check_core(c, MEMORY, err);
}

int core_check(const char *path, struct error *err)
{
	struct process p;
	const char *state;
	size_t state_size;
	struct core *c;
	int result;

	process_init(&p);
	c = core_read(&p, path, &state, &state_size, err);
	result = c ? check_core(c, HEAD | MEMORY, err) : -1;
	core_close(c);
	process_free(&p);
	return result;
}
