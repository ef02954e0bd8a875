/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The line `tty`: reading and writing it. */
#include <string.h>

#include "process/statelog_out.h"
#include "process/statelog_parse.h"
#include "process/terminal.h"

const struct terminal_flag_word terminal_flag_words[TERMINAL_FLAG_WORDS] = {
	{ TERMINAL_MASTER, "master" },
	{ TERMINAL_SLAVE, "slave" },
	{ TERMINAL_CONTROLLING, "controlling" },
	{ TERMINAL_FOREGROUND, "foreground" },
	{ TERMINAL_PACKET, "packet" },
	{ TERMINAL_LOCKED, "locked" },
	{ TERMINAL_EXCLUSIVE, "exclusive" },
	{ TERMINAL_IN_USE, "in-use" },
	{ TERMINAL_HUNG_UP, "hung-up" },
};

void put_terminal(struct out *o, int fd, const struct terminal *t)
{
	print(o, "tty : %d : %u", fd, t->index);
	for (size_t i = 0; i < TERMINAL_FLAG_WORDS; i++)
		if (t->flags & terminal_flag_words[i].flag)
			print(o, " %s", terminal_flag_words[i].word);
	print(o, " : %u %u %u %u : %u", t->rows, t->columns, t->x_pixels, t->y_pixels, t->waiting);
	print(o, " : %#x %#x %#x %#x : %u %u : ", t->input, t->output, t->control, t->local,
	      t->input_speed, t->output_speed);
	print(o, "%02x", t->line);
	for (size_t i = 0; i < sizeof t->characters; i++)
		print(o, "%02x", t->characters[i]);
	print(o, "\n");
}

/* ---- Reading --------------------------------------------------------------------------------- */

static int take_numbers(struct parser *s, struct field f, const char *what, uint64_t max,
			uint32_t *numbers, size_t count)
{
	struct field rest = f;

	for (size_t i = 0; i < count; i++) {
		struct field word = field_next(&rest, ' ');
		uint64_t n;

		if (!word.len)
			return field_error(s, f, "%s: %d numbers belong here", what, (int)count);
		if (number_decimal(s, word, what, max, &n) != 0)
			return -1;
		numbers[i] = (uint32_t)n;
	}
	return rest.len ? field_error(s, rest, "%s: %d numbers belong here", what, (int)count) : 0;
}

static int take_flags(struct parser *s, struct field f, struct terminal *t)
{
	uint64_t index;

	if (number_decimal(s, field_next(&f, ' '), "number", INT32_MAX, &index) != 0)
		return -1;
	t->index = (uint32_t)index;
	while (f.len) {
		struct field word = field_next(&f, ' ');
		size_t i = 0;

		while (i < TERMINAL_FLAG_WORDS && !field_is(word, terminal_flag_words[i].word))
			i++;
		if (i == TERMINAL_FLAG_WORDS)
			return field_error(s, word, "'%s' is nothing that a terminal can be",
					   field_quote(word).text);
		t->flags |= terminal_flag_words[i].flag;
	}
	return 0;
}

static int take_characters(struct parser *s, struct field f, struct terminal *t)
{
	uint8_t bytes[1 + TERMINAL_CHARACTERS];

	if (f.len != 2 * sizeof bytes)
		return field_error(s, f, "characters: %d hexadecimal digits belong here",
				   (int)(2 * sizeof bytes));
	for (size_t i = 0; i < sizeof bytes; i++) {
		uint64_t n;

		if (number_hex(s, (struct field){ f.text + 2 * i, 2 }, "characters", 255, &n) != 0)
			return -1;
		bytes[i] = (uint8_t)n;
	}
	t->line = bytes[0];
	memcpy(t->characters, bytes + 1, sizeof t->characters);
	return 0;
}

static int add_terminal(struct parser *s, const struct addition *a, struct description *d)
{
	if (d->kind != FILE_TERMINAL && d->kind != FILE_PATH)
		return place_error(s, a->at, "descriptor %d is no terminal", a->fd);
	if (d->terminal)
		return place_error(s, a->at, "terminal %d has a line already", a->fd);
	d->terminal = arena_alloc(&s->p->arena, sizeof *d->terminal);
	if (!d->terminal)
		return parser_no_memory(s);
	memcpy(d->terminal, a->what, sizeof *d->terminal);
	return 0;
}

int take_tty(struct parser *s)
{
	const struct field *f = s->line.fields;
	struct terminal t = { 0 };
	uint32_t size[4], modes[4], speeds[2], waiting;

	if (take_flags(s, f[2], &t) != 0 ||
	    take_numbers(s, f[3], "size", UINT16_MAX, size, 4) != 0 ||
	    take_numbers(s, f[4], "waiting", UINT32_MAX, &waiting, 1) != 0 ||
	    take_numbers(s, f[5], "modes", UINT32_MAX, modes, 4) != 0 ||
	    take_numbers(s, f[6], "speeds", UINT32_MAX, speeds, 2) != 0 ||
	    take_characters(s, f[7], &t) != 0)
		return -1;
	t.rows = (uint16_t)size[0];
	t.columns = (uint16_t)size[1];
	t.x_pixels = (uint16_t)size[2];
	t.y_pixels = (uint16_t)size[3];
	t.waiting = waiting;
	t.input = modes[0];
	t.output = modes[1];
	t.control = modes[2];
	t.local = modes[3];
	t.input_speed = speeds[0];
	t.output_speed = speeds[1];
	return add_later(s, add_terminal, &t, sizeof t);
}
