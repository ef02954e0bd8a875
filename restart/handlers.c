/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Handlers that only libsavefds saw: process/remembered.h. */
#include <string.h>

#include "elf/elf_file.h"
#include "process/remembered.h"
#include "restart/restore.h"

/* Where libsavefds is in the process, or NULL. */
static const struct mapping *find_library(const struct process *p)
{
	for (size_t i = 0; i < p->mapping_count; i++) {
		const struct mapping *m = &p->mappings[i];
		const char *name = m->path ? strrchr(m->path, '/') : NULL;

		if (name && strcmp(name, "/libsavefds.so") == 0 && m->file_offset == 0)
			return m;
	}
	return NULL;
}

void complete_handlers(struct process *p)
{
	const struct mapping *library = find_library(p);
	struct remembered table;
	uint64_t symbol, size;
	struct error err;

	if (!library || !(p->have & HAVE_DISPOSITIONS) ||
	    elf_file_symbol(library->path, REMEMBERED_SYMBOL, &symbol, &size, &err) < 0 ||
	    size < sizeof table ||
	    process_read(p, library->start + symbol, &table, sizeof table, &err) < 0 ||
	    table.version != REMEMBERED_VERSION)
		return;
	for (int i = 1; i < SIGNALS && i < REMEMBERED_SIGNALS; i++) {
		struct disposition *d = &p->dispositions[i];
		const struct kernel_sigaction *action = &table.actions[i];

		if (d->kind != DISPOSITION_CAUGHT || !action->handler)
			continue;
		*d = (struct disposition){
			.kind = DISPOSITION_HANDLER,
			.handler = action->handler,
			.flags = action->flags,
			.mask = action->mask,
			.restorer = action->restorer,
		};
	}
}
