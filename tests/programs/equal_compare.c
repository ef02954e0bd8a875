/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * equal_compare OURS KERNEL: whether two cores of one process that did nothing between them say the
 * same: ids, registers of all threads, auxiliary vector, mapped files,
 * mappings, every byte of memory.  The first difference is told.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "elf/core_read.h"
#include "process/arch.h"

enum { PIECE = 1 << 20 };

#define REQUIRE(cond, ...) \
	do { \
		if (!(cond)) { \
			printf(__VA_ARGS__); \
			putchar('\n'); \
			exit(1); \
		} \
	} while (0)

static struct core *read_core(struct process *p, const char *path)
{
	const char *state;
	size_t size;
	struct error err;
	struct core *c;

	process_init(p);
	c = core_read(p, path, &state, &size, &err);
	REQUIRE(c, "%s", err.message);
	return c;
}

static void compare_thread(const struct process *p, const struct thread *a, const struct thread *b)
{
	for (size_t i = 0; i < p->arch->regset_count; i++) {
		const struct arch_regset *kind = &p->arch->regsets[i];
		const struct regset *x = thread_regset(a, kind->type),
				    *y = thread_regset(b, kind->type);

		REQUIRE(x && y && x->size == y->size, "thread %d: %s registers are not in both",
			a->tid, kind->name);
		for (size_t at = 0; at < x->size; at++)
			REQUIRE(((const char *)x->data)[at] == ((const char *)y->data)[at],
				"thread %d: %s registers differ at byte %zu: %llx, %llx", a->tid,
				kind->name, at,
				*(const unsigned long long *)((const char *)x->data + at / 8 * 8),
				*(const unsigned long long *)((const char *)y->data + at / 8 * 8));
	}
	REQUIRE(a->blocked == b->blocked, "thread %d: the signal mask differs", a->tid);
}

static void compare_identity(const struct process *a, const struct process *b)
{
	REQUIRE(a->pid == b->pid && a->ppid == b->ppid && a->pgrp == b->pgrp && a->sid == b->sid &&
		a->uid == b->uid && a->gid == b->gid, "ids differ");
	REQUIRE(strcmp(a->comm, b->comm) == 0 && strcmp(a->command_line, b->command_line) == 0 &&
		strcmp(a->exe, b->exe) == 0, "names differ");
	REQUIRE(a->auxv_size == b->auxv_size && memcmp(a->auxv, b->auxv, a->auxv_size) == 0,
		"the auxiliary vectors differ");
	/* Kernels before 6.12 do not write it. */
	REQUIRE(!b->xsave_layout || (a->xsave_layout_size == b->xsave_layout_size &&
		memcmp(a->xsave_layout, b->xsave_layout, a->xsave_layout_size) == 0),
		"the layouts of the XSAVE area differ");
}

/*
 * The end of the mapping of the kernel that M begins: the model splits it by where the bytes are.
 */
static const struct mapping *last_of(const struct process *p, const struct mapping *m)
{
	for (; m + 1 < p->mappings + p->mapping_count; m++) {
		const struct mapping *n = m + 1;

		if (n->start != m->end || n->prot != m->prot || !n->path != !m->path ||
		    (n->path && (strcmp(n->path, m->path) != 0 || n->deleted != m->deleted ||
				 n->file_offset != m->file_offset + (m->end - m->start))))
			break;
	}
	return m;
}

static void compare_mappings(const struct process *a, const struct process *b)
{
	const struct mapping *x = a->mappings, *y = b->mappings;
	const struct mapping *x_end = x + a->mapping_count, *y_end = y + b->mapping_count;

	while (x < x_end && y < y_end) {
		const struct mapping *x_last = last_of(a, x), *y_last = last_of(b, y);

		REQUIRE(x->start == y->start && x_last->end == y_last->end && x->prot == y->prot,
			"mappings differ: %lx-%lx %x, %lx-%lx %x", x->start, x_last->end, x->prot,
			y->start, y_last->end, y->prot);
		REQUIRE(!x->path == !y->path && (!x->path || (strcmp(x->path, y->path) == 0 &&
			x->deleted == y->deleted && x->file_offset == y->file_offset)),
			"files of the mapping at %lx differ", x->start);
		x = x_last + 1;
		y = y_last + 1;
	}
	REQUIRE(x == x_end && y == y_end, "one has more mappings");
}

/* What the kernel's core has not, because a file should have it, is read from there in both. */
static size_t compare_memory(const struct process *a, const struct process *b)
{
	char *x = malloc(2 * PIECE), *y = x + PIECE;
	size_t compared = 0;
	struct error err;

	for (size_t i = 0; i < b->mapping_count; i++) {
		const struct mapping *m = &b->mappings[i];

		for (addr_t at = m->start; at < m->end && m->bytes != BYTES_MISSING;) {
			size_t n = m->end - at < PIECE ? m->end - at : PIECE;

			REQUIRE(process_read(b, at, y, n, &err) == 0 &&
					process_read(a, at, x, n, &err) == 0,
				"%s", err.message);
			for (size_t k = 0; memcmp(x, y, n) != 0 && k < n; k++)
				REQUIRE(x[k] == y[k], "memory differs at %lx (%s)", at + k,
					m->path ? m->path : "");
			at += n;
			compared += n;
		}
	}
	free(x);
	return compared;
}

int main(int argc, char **argv)
{
	struct process a, b;

	if (argc != 3)
		return 2;
	struct core *ours = read_core(&a, argv[1]), *kernel = read_core(&b, argv[2]);

	REQUIRE(a.origin == ORIGIN_OURS && b.origin == ORIGIN_KERNEL, "they are not of both kinds");
	compare_identity(&a, &b);
	REQUIRE(a.thread_count == b.thread_count, "one has more threads");
	for (size_t i = 0; i < a.thread_count; i++) {
		const struct thread *other = process_thread(&b, a.threads[i].tid);

		REQUIRE(other, "thread %d is in one alone", a.threads[i].tid);
		compare_thread(&a, &a.threads[i], other);
	}
	compare_mappings(&a, &b);
	printf("equal: %zu threads, %zu mappings, %zu MiB\n", b.thread_count, b.mapping_count,
	       compare_memory(&a, &b) >> 20);
	core_close(ours);
	core_close(kernel);
	process_free(&a);
	process_free(&b);
	return 0;
}
