/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lines of memory: `map`, `brk`, `mm`. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "process/statelog_parse.h"
#include "process/statelog_words.h"
#include "util/format.h"

static int take_range(struct parser *s, struct field f, struct mapping *m)
{
	if (number_range(s, f, "range", s->address_limit, &m->start, &m->end) != 0)
		return -1;
	if (m->start == m->end || m->start % s->page_size || m->end % s->page_size)
		return field_error(s, f, "range: '%s' is not made of whole pages of %lu bytes",
				   field_quote(f).text, (unsigned long)s->page_size);
	return 0;
}

static int take_protection(struct parser *s, struct field f, struct mapping *m)
{
	/* For each place what may stand there, the first meaning no. */
	static const char *const letters[] = { "-r", "-w", "-x", "ps", "g" };
	bool good = f.len == 4 || f.len == 5;

	for (size_t i = 0; good && i < f.len; i++)
		good = f.text[i] && strchr(letters[i], f.text[i]);
	if (!good)
		return field_error(s, f, "protection: '%s' is not like rw-p (private), r-xs "
				   "(shared) or rw-pg (grows down)", field_quote(f).text);
	m->prot = (f.text[0] == 'r' ? PROT_READ : 0) | (f.text[1] == 'w' ? PROT_WRITE : 0) |
		  (f.text[2] == 'x' ? PROT_EXEC : 0);
	m->prot_known = true;
	m->shared = f.text[3] == 's';
	m->grows_down = f.len == 5;
	return 0;
}

static void warn_label(struct parser *s, struct field f)
{
	char message[ERROR_MESSAGE_SIZE];
	struct place at = field_place(s, f);

	if (!s->warn)
		return;
	format(message, sizeof message, "%s:%d:%d: unknown label %s: taken for memory without "
	       "a file", s->name, at.line, at.column, field_quote(f).text);
	s->warn(s->context, message);
}

static int take_mapped_file(struct parser *s, struct field f, struct mapping *m)
{
	if (!f.len)
		return 0;
	if (f.text[0] != '[') {
		m->bytes = BYTES_FILE;
		return field_name(s, f, "file", &m->path);
	}
	m->label = statelog_label(f.text, f.len);
	/* Named anonymous memory has labels without number: [anon:...], [anon_shmem:...]. */
	if (m->label == LABEL_NONE && (f.len < 5 || memcmp(f.text, "[anon", 5) != 0))
		warn_label(s, f);
	return 0;
}

int take_map(struct parser *s)
{
	const struct line *l = &s->line;
	struct mapping *m = process_add_mapping(s->p);

	if (!m)
		return parser_no_memory(s);
	s->p->have |= HAVE_MAPPING_FLAGS;
	m->line = l->number;
	m->bytes = BYTES_MISSING;
	if (take_range(s, l->fields[1], m) != 0 || take_protection(s, l->fields[2], m) != 0 ||
	    number_hex(s, l->fields[3], "offset", UINT64_MAX, &m->file_offset) != 0 ||
	    (l->count > 4 && take_mapped_file(s, l->fields[4], m) != 0))
		return -1;
	if (m->file_offset % s->page_size || m->file_offset > UINT64_MAX - (m->end - m->start))
		return field_error(s, l->fields[3], "offset: %s is no place in a file where a "
				   "page can begin", field_quote(l->fields[3]).text);
	if (l->count <= 5)
		return 0;
	if (!field_is(l->fields[5], "deleted") || !m->path)
		return field_error(s, l->fields[5], "only 'deleted' may stand here, behind the "
				   "path of a file");
	m->deleted = true;
	m->bytes = BYTES_MISSING;
	return 0;
}

int take_brk(struct parser *s)
{
	const struct field *f = s->line.fields;

	if (number_hex(s, f[1], "start of brk", s->address_limit, &s->p->start_brk) != 0 ||
	    number_hex(s, f[2], "brk", s->address_limit, &s->p->brk) != 0)
		return -1;
	if (s->p->brk < s->p->start_brk)
		return field_error(s, f[2], "brk: '%s' is below its start", field_quote(f[2]).text);
	s->p->have |= HAVE_BRK;
	return 0;
}

static int take_mm_field(struct parser *s, struct field f, unsigned *seen)
{
	struct field value = f, word = field_next(&value, ' ');
	char *mm = (char *)&s->p->mm;

	for (size_t i = 0; i < STATELOG_MM_FIELDS; i++) {
		const struct statelog_mm_field *known = &statelog_mm_fields[i];
		addr_t start, end = 0;

		if (!field_is(word, known->word))
			continue;
		if (*seen & 1u << i)
			return field_error(s, f, "'%s' stands twice", known->word);
		*seen |= 1u << i;
		if (known->end == SIZE_MAX ?
		    number_hex(s, value, known->word, s->address_limit, &start) != 0 :
		    number_range(s, value, known->word, s->address_limit, &start, &end) != 0)
			return -1;
		memcpy(mm + known->start, &start, sizeof start);
		if (known->end != SIZE_MAX)
			memcpy(mm + known->end, &end, sizeof end);
		return 0;
	}
	return field_error(s, f, "'%s' is none of code, data, stack, arg and env",
			   field_quote(word).text);
}

int take_mm(struct parser *s)
{
	unsigned seen = 0;

	for (size_t i = 1; i < s->line.count; i++)
		if (take_mm_field(s, s->line.fields[i], &seen) != 0)
			return -1;
	s->p->have |= HAVE_MM;
	return 0;
}

static int by_start(const void *a, const void *b)
{
	const struct mapping *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return (x->line > y->line) - (x->line < y->line);
}

int finish_memory(struct parser *s)
{
	const struct mapping *m = s->p->mappings;

	if (s->p->mapping_count)
		qsort(s->p->mappings, s->p->mapping_count, sizeof *m, by_start);
	for (size_t i = 1; i < s->p->mapping_count; i++) {
		int later = m[i].line > m[i - 1].line ? m[i].line : m[i - 1].line;
		int earlier = m[i].line + m[i - 1].line - later;

		if (m[i].start < m[i - 1].end)
			return place_error(s, (struct place){ later, 1 },
					   "the range overlaps that of line %d", earlier);
	}
	return 0;
}
