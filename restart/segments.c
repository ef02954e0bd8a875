/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * System V segments: what becomes of each, and making those that are not there.  restart makes them
 * itself, before there is a new process: so it can remove them when it gives up, whatever that
 * process died of, and a second try finds what the first one found.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

#include "restart/segments.h"
#include "restart/shared.h"
#include "restart/traits.h"
#include "util/cleanup.h"
#include "util/format.h"
#include "util/io.h"

/* An id can be chosen by who may write here. */
static const char next_id[] = "/proc/sys/kernel/shm_next_id";

static enum segment_fate fate_of(const struct segment *s)
{
	struct shmid_ds state;
	bool there = shmctl((int)s->id, IPC_STAT, &state) == 0;

	if (s->removed)
		return SEGMENT_NEW;
	if (there && (uint32_t)state.shm_perm.__key == s->key && state.shm_segsz == s->size &&
	    state.shm_perm.uid == geteuid() && !(state.shm_perm.mode & SHM_DEST))
		return state.shm_nattch ? SEGMENT_COPIED : SEGMENT_REUSED;
	return s->key && shmget((key_t)s->key, 0, 0) >= 0 ? SEGMENT_COPIED : SEGMENT_NEW;
}

static int by_id(const void *a, const void *b)
{
	const struct segment_case *x = a, *y = b;

	return (x->segment->id > y->segment->id) - (x->segment->id < y->segment->id);
}

int index_segments(struct restore *r, struct error *err)
{
	const struct process *p = r->process;

	r->segments = calloc(p->segment_count + 1, sizeof *r->segments);
	if (!r->segments)
		return error_set(err, ENOMEM, "not enough memory");
	for (size_t i = 0; i < p->segment_count; i++)
		r->segments[i] = (struct segment_case){
			.segment = &p->segments[i], .fate = fate_of(&p->segments[i]),
			.id = (int)p->segments[i].id,
		};
	if (p->segment_count)
		qsort(r->segments, p->segment_count, sizeof *r->segments, by_id);
	return 0;
}

static struct segment_case *find(const struct restore *r, const struct mapping *m)
{
	const struct segment wanted = { .id = (uint32_t)m->file.inode };
	const struct segment_case key = { .segment = &wanted };

	if (!r->process->segment_count || !mapping_is_segment(m) || m->file.inode != wanted.id)
		return NULL;
	return bsearch(&key, r->segments, r->process->segment_count, sizeof *r->segments, by_id);
}

const struct segment_case *segment_of(const struct restore *r, const struct mapping *m)
{
	return find(r, m);
}

bool is_segment(const struct restore *r, const struct mapping *m)
{
	return segment_of(r, m);
}

void check_segments(const struct restore *r, struct findings *f)
{
	for (size_t i = 0; i < r->process->segment_count; i++) {
		const struct segment *s = r->segments[i].segment;
		enum segment_fate fate = r->segments[i].fate;

		if (fate == SEGMENT_COPIED && !r->options->alive)
			findings_add_loss(f, "shared memory segment %u (key %#x) is in use: the "
					  "process would have a copy that it shares with nobody",
					  s->id, s->key);
		else if (fate == SEGMENT_NEW && !s->removed && access(next_id, W_OK) < 0)
			findings_add(f, LOSS, "shared memory segment %u (key %#x) gets a new id",
				     s->id, s->key);
	}
}

/* ---- Making and removing --------------------------------------------------------------------- */

/* Where it fails, the segment gets another id, as check_segments() has told. */
static void choose_id(uint32_t id)
{
	cleanup_fd int fd = open(next_id, O_WRONLY | O_CLOEXEC);
	char text[16];
	size_t len = format(text, sizeof text, "%u", id);

	if (fd >= 0 && write_full(fd, text, len) < 0)
		return;
}

static int make_segment(const struct restore *r, struct segment_case *c, const struct mapping *m,
			struct error *err)
{
	const struct segment *s = c->segment;
	bool keyed = c->fate == SEGMENT_NEW && !s->removed;
	unsigned huge = trait_map_flags(r, m);

	/* SHM_HUGETLB and the size of the pages have the values of mmap's flags shifted alike. */
	huge = huge & MAP_HUGETLB ? SHM_HUGETLB | (huge & ~0x3ffffffu) : 0;
	if (keyed)
		choose_id(s->id);
	c->id = shmget(keyed ? (key_t)s->key : IPC_PRIVATE, s->size,
		       (int)(IPC_CREAT | IPC_EXCL | 0600 | huge));
	if (c->id < 0)
		return error_sys(err, errno, "making shared memory segment %u (key %#x) again, of "
				 "%llu bytes", s->id, s->key, (unsigned long long)s->size);
	c->made = true;
	return 0;
}

int segments_make(struct restore *r, struct error *err)
{
	for (size_t i = 0; i < r->view_count; i++) {
		struct segment_case *c = find(r, r->views[i]);

		if (!c || c->made || c->fate == SEGMENT_REUSED)
			continue;
		if (make_segment(r, c, r->views[i], err) < 0) {
			segments_remove(r);
			return -1;
		}
	}
	return 0;
}

void segments_remove(const struct restore *r)
{
	for (size_t i = 0; i < r->process->segment_count; i++)
		if (r->segments[i].made)
			shmctl(r->segments[i].id, IPC_RMID, NULL);
}
