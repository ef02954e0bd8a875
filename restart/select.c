/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "restart/select.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>

/* Yes, unless the answer begins with n.  -1: no more answers. */
static int ask(const struct mapping *m)
{
	char answer[64];

	fprintf(stderr, "%012llx-%012llx %c%c%c %s: restore it? [Y/n] ",
		(unsigned long long)m->start, (unsigned long long)m->end,
		m->prot & PROT_READ ? 'r' : '-', m->prot & PROT_WRITE ? 'w' : '-',
		m->prot & PROT_EXEC ? 'x' : '-', m->path ? m->path : "");
	if (!fgets(answer, sizeof answer, stdin))
		return -1;
	return answer[0] != 'n' && answer[0] != 'N';
}

int select_mappings(struct process *p, struct error *err)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->mapping_count; i++) {
		int yes = p->mappings[i].label == LABEL_NONE || p->mappings[i].label == LABEL_HEAP
			? ask(&p->mappings[i]) : 1;

		if (yes < 0)
			return error_set(err, ENODATA,
					 "--select: the answers ended before the regions did");
		if (yes)
			p->mappings[kept++] = p->mappings[i];
	}
	p->mapping_count = kept;
	return 0;
}
