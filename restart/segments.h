/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * System V segments of the process, and what becomes of each here.
 */
#ifndef RESTART_SEGMENTS_H
#define RESTART_SEGMENTS_H

#include "restart/restore.h"

enum segment_fate {
	SEGMENT_NEW,     /* made again with its key; its id as well where that may be chosen */
	SEGMENT_REUSED,  /* it is still there and nobody uses it */
	SEGMENT_COPIED,  /* it is in use, or another has its key */
};

/* Sorted by the id that the segment had. */
struct segment_case {
	const struct segment *segment;
	enum segment_fate fate;
	int id;     /* now; until it is made, the old one */
	bool made;  /* by us */
};

/* Looks at what is there: before anything is checked. */
MUST_CHECK int index_segments(struct restore *r, struct error *err);

/* That M shows, or NULL: M is none, or too little is known of it. */
const struct segment_case *segment_of(const struct restore *r, const struct mapping *m);

/* Before the launch: makes those that have to be; where no process comes of it, removes them. */
MUST_CHECK int segments_make(struct restore *r, struct error *err);
void segments_remove(const struct restore *r);

#endif
