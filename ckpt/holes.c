/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ckpt/holes.h"

#include <errno.h>

static int add(struct process *p, const struct mapping *from, addr_t start, addr_t end,
	       enum bytes bytes, struct error *err)
{
	struct mapping *m;

	if (start == end)
		return 0;
	m = process_add_part(p, from, start, end);
	if (!m)
		return error_set(err, ENOMEM, "not enough memory");
	m->bytes = bytes;
	return 0;
}

static int split(struct process *p, const struct mapping *m, const struct core_source *source,
		 struct error *err)
{
	addr_t done = m->start, at = m->start, start, stop;
	int more;

	while ((more = source->next(source->context, at, m->end, &start, &stop, err)) > 0) {
		if (start - at >= HOLE_LEAST) {
			if (add(p, m, done, at, BYTES_SAVED, err) < 0 ||
			    add(p, m, at, start, BYTES_ZERO, err) < 0)
				return -1;
			done = start;
		}
		at = stop;
	}
	if (more < 0)
		return -1;
	if (m->end - at < HOLE_LEAST)
		at = m->end;
	if (add(p, m, done, at, BYTES_SAVED, err) < 0)
		return -1;
	return add(p, m, at, m->end, BYTES_ZERO, err);
}

int leave_holes(struct process *p, const struct core_source *source, struct error *err)
{
	size_t count;
	const struct mapping *old = process_take_mappings(p, &count);

	for (size_t i = 0; i < count; i++) {
		const struct mapping *m = &old[i];
		bool whole = m->bytes != BYTES_SAVED || m->shared || m->path || m->label ||
			     m->end - m->start < HOLE_LEAST;

		if (whole ? add(p, m, m->start, m->end, m->bytes, err) < 0
			  : split(p, m, source, err) < 0)
			return -1;
	}
	return 0;
}
