/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Shared memory that no file gives back: anonymous memory with several mappings, and System V
 * segments.  It is made, with its contents, before all other memory, while the addresses of a whole
 * segment, and those for a mapping that holds contents for a moment, are free.
 */
#ifndef RESTART_SHARED_H
#define RESTART_SHARED_H

#include "restart/restore.h"

/* Sorts the shared mappings, so that all of one memory are found at once. */
MUST_CHECK int index_views(struct restore *r, struct error *err);

/* ---- held.c: what the core has of it ---- */

/* Part of the above. */
MUST_CHECK int index_held(struct restore *r, struct error *err);

/* Whether mappings of M's memory, M or others, have in the core all that M shows. */
bool views_cover(const struct restore *r, const struct mapping *m);

/* Whether the core has, in the shared mappings of the file with this id, its first SIZE bytes. */
bool views_hold(const struct restore *r, struct file_id id, uint64_t size);

/* Reads what the core has of M to the address TO. */
void plan_read(const struct restore *r, struct plan *plan, const struct mapping *m, addr_t to);

/* ---- plan_views.c: shared anonymous memory ---- */

/* Whether M is one of several mappings of shared anonymous memory. */
bool is_view(const struct restore *r, const struct mapping *m);
void plan_views(const struct restore *r, struct plan *plan);

/* The lowest shared mapping of the file with this id, or NULL. */
const struct mapping *view_of(const struct restore *r, struct file_id id);

/* Writes what the core has of N, in its shared mappings, to FD. */
MUST_CHECK int views_write(const struct restore *r, const struct nameless *n, int fd,
			   struct error *err);

/* ---- nameless.c, plan_mapped.c: files without a name ---- */

/* As pwrite_full(), to files of huge pages as well. */
MUST_CHECK int nameless_write(int fd, const void *bytes, size_t len, uint64_t offset);

bool is_mapped_nameless(const struct restore *r, const struct mapping *m);
void plan_mapped_nameless(const struct restore *r, struct plan *plan, const struct mapping *m);

/* ---- System V: segments.c, plan_segments.c ---- */

/* Whether M is an attached segment of which enough is known. */
bool is_segment(const struct restore *r, const struct mapping *m);
void check_segments(const struct restore *r, struct findings *f);
void plan_segments(const struct restore *r, struct plan *plan);

#endif
