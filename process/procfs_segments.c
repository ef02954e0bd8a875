/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* System V shared memory: which segments are attached, and what the kernel tells of them. */
#define _GNU_SOURCE
#include <string.h>
#include <sys/shm.h>

#include "process/arch.h"
#include "process/procfs.h"
#include "process/procfs_private.h"

static struct segment *segment_of(struct process *p, uint32_t id)
{
	for (size_t i = p->segment_count; i > 0; i--)
		if (p->segments[i - 1].id == id)
			return &p->segments[i - 1];
	return NULL;
}

/* "/SYSV" and the key in eight hexadecimal digits. */
static uint32_t key_of(const struct mapping *m)
{
	const char *digits = m->path + strlen("/SYSV");

	return (uint32_t)parse_number(&digits, 16);
}

/*
 * The kernel is asked by the id, which in another namespace may
 * be that of another segment: then the mapping alone has to tell.
 */
static void ask(struct segment *s, uint32_t key)
{
	uint64_t page = arch_host()->page_size;
	struct shmid_ds state;

	if (shmctl((int)s->id, IPC_STAT, &state) < 0 || state.shm_segsz + page <= s->size)
		return;
	bool removed = state.shm_perm.mode & SHM_DEST;
	if (!removed && (uint32_t)state.shm_perm.__key != key)
		return;
	s->removed = removed;
	s->key = removed ? 0 : key;
	s->size = state.shm_segsz;
	s->mode = state.shm_perm.mode & 0777;
}

int procfs_read_segments(struct process *p, struct error *err)
{
	for (size_t i = 0; i < p->mapping_count; i++) {
		const struct mapping *m = &p->mappings[i];

		if (!mapping_is_segment(m))
			continue;
		struct segment *s = segment_of(p, (uint32_t)m->file.inode);

		if (!s) {
			s = process_add_segment(p);
			if (!s)
				return no_memory(err);
			*s = (struct segment){ .id = (uint32_t)m->file.inode,
					       .key = key_of(m),
					       .mode = 0600 };
		}
		if (m->file_offset + (m->end - m->start) > s->size)
			s->size = m->file_offset + (m->end - m->start);
		ask(s, key_of(m));
	}
	return 0;
}
