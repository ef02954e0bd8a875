/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lines of memory that has no file to come back from: `view`, `segment`. */
#include <stdlib.h>
#include <string.h>

#include "process/statelog_out.h"
#include "process/statelog_parse.h"

/* ---- Writing --------------------------------------------------------------------------------- */

void put_views(struct out *o, const struct process *p)
{
	for (size_t i = 0; i < p->mapping_count; i++) {
		const struct mapping *m = &p->mappings[i];

		if (!m->deleted || !m->file.inode)
			continue;
		print(o, "view : %lx-%lx : ", (unsigned long)m->start, (unsigned long)m->end);
		put_id(o, m->file);
		print(o, "\n");
	}
	for (size_t i = 0; i < p->segment_count; i++) {
		const struct segment *s = &p->segments[i];

		print(o, "segment : %u : %#x : %lu : %03o%s\n", s->id, s->key,
		      (unsigned long)s->size, s->mode, s->removed ? " : removed" : "");
	}
}

enum { SEGMENTS_MAX = 32768 };  /* the kernel's IPCMNI */

/* ---- Reading --------------------------------------------------------------------------------- */

/* Its map line may come later. */
int take_view(struct parser *s)
{
	struct pending *pending = &s->pending;
	struct mapping_view v = { .at = field_place(s, s->line.fields[1]) }, *array;

	if (number_range(s, s->line.fields[1], "range", s->address_limit, &v.start, &v.end) != 0 ||
	    field_id(s, s->line.fields[2], &v.id) != 0)
		return -1;
	if (!v.id.inode)
		return field_error(s, s->line.fields[2], "inode: no file has 0");
	array = arena_grow(&s->p->arena, pending->views, pending->view_count,
			   &pending->view_capacity, sizeof *array);
	if (!array)
		return parser_no_memory(s);
	pending->views = array;
	array[pending->view_count++] = v;
	return 0;
}

int take_segment(struct parser *s)
{
	const struct field *f = s->line.fields;
	uint64_t id, key, size, mode;

	if (number_decimal(s, f[1], "id", INT32_MAX, &id) != 0 ||
	    number_hex(s, f[2], "key", UINT32_MAX, &key) != 0 ||
	    number_decimal(s, f[3], "size", s->address_limit, &size) != 0 ||
	    number_octal(s, f[4], "mode", 0777, &mode) != 0)
		return -1;
	if (!size)
		return field_error(s, f[3], "size: no segment has 0 bytes");
	if (s->line.count > 5 && !field_is(f[5], "removed"))
		return field_error(s, f[5], "'%s' is not 'removed'", field_quote(f[5]).text);
	for (size_t i = 0; i < s->p->segment_count; i++)
		if (s->p->segments[i].id == id)
			return field_error(s, f[1], "segment %lu has a line already",
					   (unsigned long)id);
	if (s->p->segment_count == SEGMENTS_MAX)
		return field_error(s, f[1], "there are more than %d segments", SEGMENTS_MAX);
	struct segment *segment = process_add_segment(s->p);

	if (!segment)
		return parser_no_memory(s);
	*segment = (struct segment){
		.id = (uint32_t)id, .key = (uint32_t)key, .size = size, .mode = (uint32_t)mode,
		.removed = s->line.count > 5,
	};
	return 0;
}

/* When the map lines are sorted. */
int finish_views(struct parser *s)
{
	for (size_t i = 0; i < s->pending.view_count; i++) {
		const struct mapping_view *v = &s->pending.views[i];
		const struct mapping *found = process_mapping_at(s->p, v->start);
		struct mapping *m = found ? &s->p->mappings[found - s->p->mappings] : NULL;

		if (!m || m->start != v->start || m->end != v->end || !m->deleted)
			return place_error(s, v->at, "there is no map line of this range and a "
					   "deleted file");
		if (m->file.inode)
			return place_error(s, v->at, "the range has a view line already");
		m->file = v->id;
	}
	return 0;
}
