/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "restart/findings.h"

#include <stdarg.h>
#include <stdlib.h>

#include "util/format.h"

static struct finding *append(struct findings *f, enum severity severity)
{
	if (f->count == f->capacity) {
		size_t capacity = f->capacity ? f->capacity * 2 : 16;
		struct finding *list = realloc(f->list, capacity * sizeof *list);

		if (!list) {
			f->out_of_memory = true;
			return NULL;
		}
		f->list = list;
		f->capacity = capacity;
	}
	f->list[f->count] = (struct finding){ .severity = severity };
	return &f->list[f->count++];
}

void findings_add(struct findings *f, enum severity severity, const char *fmt, ...)
{
	struct finding *finding = append(f, severity);
	va_list args;

	if (!finding)
		return;
	va_start(args, fmt);
	vformat(finding->text, sizeof finding->text, fmt, args);
	va_end(args);
	format_one_line(finding->text);
}

void findings_add_loss(struct findings *f, const char *fmt, ...)
{
	struct finding *finding = append(f, f->accept_loss ? LOSS : OBSTACLE);
	va_list args;

	if (!finding)
		return;
	finding->acceptable = true;
	va_start(args, fmt);
	size_t len = vformat(finding->text, sizeof finding->text, fmt, args);
	va_end(args);
	if (!f->accept_loss && len < sizeof finding->text)
		format(finding->text + len, sizeof finding->text - len,
		       " (--accept-loss goes on without it)");
	format_one_line(finding->text);
}

size_t findings_count(const struct findings *f, enum severity severity)
{
	size_t n = f->out_of_memory && severity == OBSTACLE;

	for (size_t i = 0; i < f->count; i++)
		n += f->list[i].severity == severity;
	return n;
}

void findings_free(struct findings *f)
{
	free(f->list);
	f->list = NULL;
	f->count = f->capacity = 0;
}
