/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "restart/plan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "util/format.h"

enum { DATA_ALIGNMENT = 64 };  /* what an XSAVE area in a signal frame needs */

static size_t align_up(size_t n)
{
	return (n + DATA_ALIGNMENT - 1) & ~(size_t)(DATA_ALIGNMENT - 1);
}

void plan_init(struct plan *plan, addr_t area)
{
	memset(plan, 0, sizeof *plan);
	plan->area = area;
}

void plan_free(struct plan *plan)
{
	free(plan->data.bytes);
	free(plan->ops.bytes);
	free(plan->notes.bytes);
	plan_init(plan, 0);
}

void *plan_extend(struct plan *plan, struct plan_buffer *b, size_t len)
{
	size_t need = b->len + len;

	if (plan->failed || need < len || need > AREA_STACKS / 2) {
		plan->failed = true;
		return NULL;
	}
	if (need > b->capacity) {
		size_t capacity = b->capacity ? b->capacity * 2 : 16384;

		while (capacity < need)
			capacity *= 2;
		char *bytes = realloc(b->bytes, capacity);
		if (!bytes) {
			plan->failed = true;
			return NULL;
		}
		b->bytes = bytes;
		b->capacity = capacity;
	}
	void *room = b->bytes + b->len;
	memset(room, 0, len);
	b->len = need;
	return room;
}

struct plan_op *plan_add(struct plan *plan, enum plan_op_kind kind, unsigned flags)
{
	struct plan_op *op = plan_extend(plan, &plan->ops, sizeof *op);

	if (!op)
		op = &plan->spare;
	op->kind = (uint16_t)kind;
	op->flags = (uint16_t)flags;
	return op;
}

struct plan_op *plan_add_syscall(struct plan *plan, unsigned flags, long nr, uint64_t a, uint64_t b,
				 uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
	struct plan_op *op = plan_add(plan, OP_SYSCALL, flags);

	op->nr = (uint32_t)nr;
	op->args[0] = a;
	op->args[1] = b;
	op->args[2] = c;
	op->args[3] = d;
	op->args[4] = e;
	op->args[5] = f;
	return op;
}

void plan_append(struct plan *plan, const struct plan *more)
{
	void *room = plan_extend(plan, &plan->ops, more->ops.len);

	plan->failed |= more->failed;
	if (room && more->ops.len)
		memcpy(room, more->ops.bytes, more->ops.len);
}

void plan_note(struct plan *plan, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	size_t len = vformat(text, sizeof text, fmt, args);
	va_end(args);
	if (len >= sizeof text)
		len = sizeof text - 1;
	if (!plan->notes.len)
		plan_extend(plan, &plan->notes, 1);
	size_t at = plan->notes.len;
	char *room = plan_extend(plan, &plan->notes, len + 1);
	if (!room)
		return;
	memcpy(room, text, len);
	plan_last(plan)->note = at;
}

struct plan_op *plan_at(struct plan *plan, size_t index)
{
	return plan->failed ? &plan->spare : (struct plan_op *)plan->ops.bytes + index;
}

size_t plan_next(const struct plan *plan)
{
	return plan->ops.len / sizeof(struct plan_op);
}

struct plan_op *plan_last(struct plan *plan)
{
	return plan_at(plan, plan_next(plan) - 1);
}

addr_t plan_data_start(const struct plan *plan)
{
	return plan->area + AREA_PLAN + align_up(sizeof(struct plan_header));
}

addr_t plan_data(struct plan *plan, const void *bytes, size_t len)
{
	size_t at = align_up(plan->data.len);
	char *room = plan_extend(plan, &plan->data, at - plan->data.len + len);

	if (!room)
		return 0;
	memcpy(plan->data.bytes + at, bytes, len);
	return plan_data_start(plan) + at;
}

addr_t plan_data_next(const struct plan *plan)
{
	return plan_data_start(plan) + align_up(plan->data.len);
}

addr_t plan_string(struct plan *plan, const char *text)
{
	return plan_data(plan, text, strlen(text) + 1);
}

addr_t plan_first_op(const struct plan *plan)
{
	return plan_data_start(plan) + align_up(plan->data.len);
}

int plan_finish(struct plan *plan, void **image, size_t *size, struct error *err)
{
	size_t data_at = align_up(sizeof(struct plan_header));
	size_t ops_at = data_at + align_up(plan->data.len);
	size_t total = ops_at + plan->ops.len;
	char *bytes = plan->failed ? NULL : calloc(1, total);

	if (!bytes)
		return error_set(err, ENOMEM, "not enough memory for the restore plan");
	*(struct plan_header *)bytes = (struct plan_header){
		.version = PLAN_VERSION,
		.op_count = (uint32_t)plan_next(plan),
		.ops = plan_first_op(plan),
		.traced = plan->traced,
	};
	if (plan->data.len)
		memcpy(bytes + data_at, plan->data.bytes, plan->data.len);
	memcpy(bytes + ops_at, plan->ops.bytes, plan->ops.len);
	*image = bytes;
	*size = total;
	return 0;
}
