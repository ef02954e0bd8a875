/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Descriptors of files without a name: opened from the file that restart has made and lent. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>

#include "restart/plan_files.h"

/* How the file was made or opened then, and must not be repeated. */
enum { ONCE = O_CREAT | O_EXCL | O_TRUNC | O_TMPFILE };

bool is_nameless(const struct description *file)
{
	return file->kind == FILE_MEMFD || (file->kind == FILE_PATH && file->deleted);
}

void check_nameless(const struct restore *r, struct findings *f, const struct descriptor *d)
{
	const struct description *file = description_of(r->process, d);
	const struct nameless *n = process_nameless(r->process, file->stamp.id);
	struct text_place at = place_of(r, d);

	if (file->stamp.known && n && !n->saved)
		findings_add_loss(f, "%sdescriptor %d was %s, whose %llu bytes are not in the "
				  "checkpoint (ckpt --unlinked-max=SIZE keeps them), and would be "
				  "/dev/null", at.text,
				  d->fd, file->name, (unsigned long long)n->size);
	else
		findings_add_loss(f, "%sdescriptor %d was %s%s and would be /dev/null", at.text,
				  d->fd, file->name, file->deleted ? ", a deleted file," : "");
}

void plan_nameless(const struct restore *r, struct plan *plan, const struct descriptor *d)
{
	const struct description *file = description_of(r->process, d);
	char name[40];

	snprintf(name, sizeof name, "/proc/self/fd/%d", nameless_number(r, file->stamp.id));
	plan_syscall(plan, OP_KEEP, SYS_open, plan_string(plan, name),
		     file->flags_known ? file->flags & ~(uint32_t)ONCE : O_RDWR);
	plan_note(plan, "descriptor %d: %s", d->fd, file->name);
	if (file->offset && !(file->flags & O_PATH))
		plan_syscall(plan, OP_ARG0_IS_RESULT, SYS_lseek, 0, file->offset, SEEK_SET);
	plan_move_fd(plan, d);
}

/*
 * Once they are open and mapped: permissions may forbid what the program could do before they were
 * changed, and seals forbid for good.
 */
void plan_nameless_rest(const struct restore *r, struct plan *plan)
{
	const struct process *p = r->process;

	for (size_t i = 0; i < p->nameless_count; i++) {
		const struct nameless *n = &p->nameless[i];
		int fd = nameless_number(r, n->id);

		if (fd < 0)
			continue;
		plan_syscall(plan, 0, SYS_fchmod, fd, n->mode);
		if (n->seals)
			plan_syscall(plan, 0, SYS_fcntl, fd, F_ADD_SEALS, n->seals);
		plan_note(plan, "%s", n->name);
	}
}
