/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lines of traits and guard regions: `memory`, `guard`. */
#include <stdlib.h>
#include <string.h>

#include "process/statelog_out.h"
#include "process/statelog_parse.h"
#include "util/format.h"

static const struct {
	uint32_t flag;
	const char *word;
} words[] = {
	{ TRAIT_DONTFORK, "dontfork" }, { TRAIT_DONTDUMP, "dontdump" },
	{ TRAIT_WIPEONFORK, "wipeonfork" }, { TRAIT_HUGEPAGE, "hugepage" },
	{ TRAIT_NOHUGEPAGE, "nohugepage" }, { TRAIT_MERGEABLE, "mergeable" },
	{ TRAIT_SEQUENTIAL, "sequential" }, { TRAIT_RANDOM, "random" }, { TRAIT_LOCKED, "locked" },
	{ TRAIT_ONFAULT, "onfault" }, { TRAIT_NORESERVE, "noreserve" },
	{ TRAIT_DROPPABLE, "droppable" }, { TRAIT_SEALED, "sealed" },
	{ TRAIT_READONLY, "readonly" }, { TRAIT_USERFAULT, "userfault" },
	{ TRAIT_DEVICE, "device" },
};

/* ---- Writing --------------------------------------------------------------------------------- */

static bool is_ordinary(const struct trait *t)
{
	return !t->flags && !t->pkey && !t->page_size && !t->name;
}

/* Memory of the kernel's own: every process gets it anew. */
static bool is_kernels(const struct process *p, const struct trait *t)
{
	const struct mapping *m = process_mapping_at(p, t->start);

	return m &&
	       (m->label == LABEL_VDSO || m->label == LABEL_VVAR || m->label == LABEL_VSYSCALL);
}

static void put_trait(struct out *o, const struct trait *t)
{
	print(o, "memory : %lx-%lx :", (unsigned long)t->start, (unsigned long)t->end);
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (t->flags & words[i].flag)
			print(o, " %s", words[i].word);
	if (t->pkey)
		print(o, " pkey=%u", t->pkey);
	if (t->page_size)
		print(o, " pages=%lu", (unsigned long)t->page_size);
	if (t->name) {
		print(o, " : ");
		put_name(o, t->name);
	}
	print(o, "\n");
}

void put_traits(struct out *o, const struct process *p)
{
	if (p->have & HAVE_TRAITS)
		print(o, "# where no memory line says otherwise, memory has none of these\n"
			 "memory : none\n");
	for (size_t i = 0; i < p->trait_count; i++)
		if (!is_ordinary(&p->traits[i]) && !is_kernels(p, &p->traits[i]))
			put_trait(o, &p->traits[i]);
	for (size_t i = 0; i < p->guard_count; i++)
		print(o, "guard : %lx-%lx\n", (unsigned long)p->guards[i].start,
		      (unsigned long)p->guards[i].end);
}

/* ---- Reading --------------------------------------------------------------------------------- */

static int take_value(struct parser *s, struct field word, struct trait *t)
{
	struct field value = word, key = field_next(&value, '=');
	uint64_t n;

	if (field_is(key, "pkey") && key.len < word.len) {
		if (number_decimal(s, value, "pkey", TRAIT_PKEY_MAX, &n) != 0)
			return -1;
		t->pkey = (uint32_t)n;
		return 0;
	}
	if (!field_is(key, "pages") || key.len == word.len)
		return field_error(s, word, "'%s' is nothing that memory can be (locked, dontfork, "
				   "...)", field_quote(word).text);
	if (number_decimal(s, value, "pages", (uint64_t)1 << 40, &n) != 0)
		return -1;
	if (n <= s->page_size || n & (n - 1))
		return field_error(s, word, "pages: no huge page has %lu bytes", (unsigned long)n);
	t->page_size = n;
	return 0;
}

static int take_word(struct parser *s, struct field word, struct trait *t)
{
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (field_is(word, words[i].word)) {
			t->flags |= words[i].flag;
			return 0;
		}
	}
	return take_value(s, word, t);
}

static int take_pages(struct parser *s, struct field f, addr_t *start, addr_t *end)
{
	if (number_range(s, f, "range", s->address_limit, start, end) != 0)
		return -1;
	if (*start == *end || *start % s->page_size || *end % s->page_size)
		return field_error(s, f, "range: '%s' is not made of whole pages of %lu bytes",
				   field_quote(f).text, (unsigned long)s->page_size);
	return 0;
}

int take_memory(struct parser *s)
{
	const struct line *l = &s->line;
	struct trait *t;

	s->p->have |= HAVE_TRAITS;
	if (l->count == 2 && field_is(l->fields[1], "none"))
		return 0;
	t = process_add_trait(s->p);
	if (!t)
		return parser_no_memory(s);
	t->line = l->number;
	if (take_pages(s, l->fields[1], &t->start, &t->end) != 0)
		return -1;
	if (l->count < 3)
		return field_error(s, l->fields[1], "what this memory is does not stand behind it");
	for (struct field rest = l->fields[2]; rest.len;)
		if (take_word(s, field_next(&rest, ' '), t) != 0)
			return -1;
	return l->count > 3 ? field_name(s, l->fields[3], "name", &t->name) : 0;
}

int take_guard(struct parser *s)
{
	struct guard *g = process_add_guard(s->p);

	if (!g)
		return parser_no_memory(s);
	g->line = s->line.number;
	return take_pages(s, s->line.fields[1], &g->start, &g->end);
}

static int by_start(uint64_t a, uint64_t b, int line_a, int line_b)
{
	return a != b ? (a < b ? -1 : 1) : (line_a > line_b) - (line_a < line_b);
}

static int compare_traits(const void *a, const void *b)
{
	const struct trait *x = a, *y = b;

	return by_start(x->start, y->start, x->line, y->line);
}

static int compare_guards(const void *a, const void *b)
{
	const struct guard *x = a, *y = b;

	return by_start(x->start, y->start, x->line, y->line);
}

static int overlap(struct parser *s, int line, int other)
{
	int later = line > other ? line : other;

	return place_error(s, (struct place){ later, 1 }, "the range overlaps that of line %d",
			   line + other - later);
}

int finish_traits(struct parser *s)
{
	const struct process *p = s->p;

	if (p->trait_count)
		qsort(p->traits, p->trait_count, sizeof *p->traits, compare_traits);
	if (p->guard_count)
		qsort(p->guards, p->guard_count, sizeof *p->guards, compare_guards);
	for (size_t i = 1; i < p->trait_count; i++)
		if (p->traits[i].start < p->traits[i - 1].end)
			return overlap(s, p->traits[i].line, p->traits[i - 1].line);
	for (size_t i = 1; i < p->guard_count; i++)
		if (p->guards[i].start < p->guards[i - 1].end)
			return overlap(s, p->guards[i].line, p->guards[i - 1].line);
	return 0;
}
